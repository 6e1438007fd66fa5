/* Searches while others ingest, label and forget: every answer is one that was true at some time. */
#include <pthread.h>

#include "catalog_support.h"

#define WRITERS 3
#define SEARCHERS 3
#define BATCHES 12
#define BATCH 100

static atomic_int writing;
static atomic_int seen_rows;

/* Both halves of a pair come in one commit, so that no search may see one without the other. */
static void *ingest(void *which)
{
    obs_error mine;
    obs_error_init(&mine, sizeof mine);
    for (int batch = 0; batch < BATCHES; batch++) {
        obs__effects effects = {0};
        obs__limit limit = obs__limit_in(300000, NULL);
        char key[64];
        for (int i = 0; i < BATCH; i++) {
            obs_pair labels[] = {{"writer", which}, {"half", i % 2 ? "b" : "a"}};
            snprintf(key, sizeof key, "w%s/%d-%d", (char *)which, batch, i);
            obs__entry entry = {.kind = "object",
                                .key = {key, strlen(key)},
                                .labels = labels,
                                .label_count = 2,
                                .values = i % 2 ? "{\"mag\":10}" : "{\"mag\":20}"};
            ck_assert_int_eq(obs__catalog_entry(&effects, &entry, &mine), OBS_OK);
        }
        ck_assert_int_eq(obs__journal_commit(gate->base.journal, &effects, &limit, &mine), OBS_OK);
        obs__effects_free(&effects);
        snprintf(key, sizeof key, "w%s/%d-0", (char *)which, batch);
        ck_assert_int_eq(obs_catalog_label(catalog, key, OBS_TEXT, &(obs_pair){"seen", "1"}, 1, NULL, &mine), OBS_OK);
    }
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

static int count(const char *query)
{
    obs_rows *rows;
    const char *text;
    obs_error mine;
    int found = 0;
    char last[32] = "";
    obs_error_init(&mine, sizeof mine);
    ck_assert_int_eq(obs_catalog_search(&rows, catalog, query, NULL, &mine), OBS_OK);
    for (;;) {
        ck_assert_int_eq(obs_rows_next(rows, &text, NULL, &mine), OBS_OK);
        if (!text)
            break;
        found++;
        if (*obs_rows_position(rows)) {
            ck_assert(!*last || atoll(obs_rows_position(rows) + 1) > atoll(last + 1));
            strcpy(last, obs_rows_position(rows));
        }
    }
    obs_rows_free(rows);
    return found;
}

static void *search(void *which)
{
    static const char *const queries[] = {"half=a mag>15", "w1 half=b mag<15", "writer!=0 seen=1", "half=a mag<15"};
    int last = 0;
    for (int more = 1; more;) { /* the last time after all is written */
        more = atomic_load(&writing);
        int found = count(queries[*(int *)which]);
        ck_assert_int_ge(found, last); /* nothing that was found goes away */
        last = *(int *)which == 3 ? 0 : found;
        ck_assert(*(int *)which != 3 || found == 0);
        atomic_fetch_add(&seen_rows, found);
    }
    return NULL;
}

START_TEST(test_search_and_ingest)
{
    static char *const names[WRITERS] = {"0", "1", "2"};
    static int numbers[SEARCHERS + 1] = {0, 1, 2, 3};
    pthread_t writers[WRITERS], searchers[SEARCHERS + 1];
    open_catalog();
    atomic_store(&writing, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, ingest, names[i]), 0);
    for (int i = 0; i <= SEARCHERS; i++)
        ck_assert_int_eq(pthread_create(&searchers[i], NULL, search, &numbers[i]), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i <= SEARCHERS; i++)
        pthread_join(searchers[i], NULL);
    ck_assert_int_gt(atomic_load(&seen_rows), 0);
    ck_assert_int_eq(count(""), WRITERS * BATCHES * BATCH);
    ck_assert_int_eq(count("half=a mag>15"), WRITERS * BATCHES * BATCH / 2);
    ck_assert_int_eq(count("w1 half=b"), BATCHES * BATCH / 2);
    ck_assert_int_eq(count("seen=1"), WRITERS * BATCHES);
    close_catalog();
}
END_TEST

START_TEST(test_cancel_and_deadline)
{
    obs_cancel *cancel;
    obs_call call;
    obs_rows *rows = NULL;
    obs_search_options options;
    obs__effects effects = {0};
    char key[32];
    open_catalog();
    for (int i = 0; i < 300; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_ok(obs__catalog_entry(&effects, &(obs__entry){.kind = "object", .key = {key, strlen(key)}}, &error));
    }
    ck_assert_ok(commit_effects(&effects));
    ck_assert_ok(obs_cancel_new(&cancel, &error));
    obs_call_init(&call, sizeof call);
    obs_search_options_init(&options, sizeof options);
    call.cancel = cancel;
    options.call = &call;
    ck_assert_ok(obs_catalog_search(&rows, catalog, "", &options, &error));
    obs_cancel_set(cancel);
    const char *text = "";
    int given = 0;
    obs_status status = OBS_OK;
    while (status == OBS_OK && text) {
        status = obs_rows_next(rows, &text, NULL, &error);
        given += text != NULL;
    }
    ck_assert_int_eq(status, OBS_CANCELLED); /* at the second page; the first is shorter where the scan of it takes long */
    ck_assert(given > 0 && given <= 256);
    obs_cancel_reset(cancel);
    ck_assert_ok(obs_rows_next(rows, &text, NULL, &error)); /* goes on where it was */
    snprintf(key, sizeof key, "{\"key\":\"k%d\"", given);
    ck_assert_int_eq(strncmp(text, key, strlen(key)), 0);
    obs_cancel_set(cancel);
    obs_rows *none = NULL;
    ck_assert_int_eq(obs_catalog_search(&none, catalog, "", &options, &error), OBS_CANCELLED);
    ck_assert_ptr_null(none);
    obs_cancel_free(cancel);
    obs_rows_free(rows);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_search_and_ingest, test_cancel_and_deadline};
    return test_main("catalog threads", tests, sizeof tests / sizeof *tests);
}
