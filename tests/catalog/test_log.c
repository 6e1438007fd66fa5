/* The ingestion log: what goes in, filters, pages. */
#include "catalog_support.h"

static void add_line(obs__effects *effects, const char *result, const char *table, const char *key, obs__view excerpt)
{
    ck_assert_ok(obs__ingest_line_effect(effects,
                                         &(obs__ingest_line){.time_ns = INT64_C(1795000000000000000),
                                                             .result = result,
                                                             .reason = *result == 'r' ? "mag: not a number" : "",
                                                             .table = table,
                                                             .key = {key, strlen(key)},
                                                             .bytes = 80,
                                                             .origin = "mpc_obs.dat:17",
                                                             .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
                                                             .excerpt = excerpt},
                                         &error));
}

static size_t count_rows(const char *table, const char *result, const char *after, size_t limit, char *position)
{
    obs_rows *rows;
    const char *text;
    size_t count = 0;
    obs_ingest_log_options options = {.size = sizeof options, .table = table, .result = result, .after = after, .limit = limit};
    ck_assert_ok(obs__ingest_log_rows(&rows, &gate->base, &options, &error));
    for (;;) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        count++;
    }
    strcpy(position, obs_rows_position(rows));
    obs_rows_free(rows);
    return count;
}

START_TEST(test_line)
{
    static const char excerpt[] = "a\"\\\n\x01\xFF\xE2\x80\xAE\0b";
    obs_rows *rows;
    const char *text;
    size_t size;
    obs__effects effects = {0};
    open_catalog();
    add_line(&effects, "refused", "mpc.obs80", "", (obs__view){excerpt, sizeof excerpt - 1});
    add_line(&effects, "accepted", "objects", "raw/a.fits", (obs__view){0});
    ck_assert_ok(commit_effects(&effects));
    ck_assert_ok(obs__ingest_log_rows(&rows, &gate->base, NULL, &error));
    ck_assert_ok(obs_rows_next(rows, &text, &size, &error));
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_ptr_null(strchr(text, '\n'));
    const char *expected = "{\"time\":\"2026-11-18T11:06:40.000000Z\",\"tenant\":\"default\",\"result\":\"refused\","
                           "\"reason\":\"mag: not a number\",\"table\":\"mpc.obs80\",\"key\":\"\",\"bytes\":80,"
                           "\"origin\":\"mpc_obs.dat:17\",\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"excerpt\":\"a\\\"";
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\\\\x01\\\\xff")); /* escapes of the display, in JSON */
    for (const char *c = text; *c; c++)
        ck_assert((unsigned char)*c < 0x80);
    ck_assert_ok(obs_rows_next(rows, &text, &size, &error));
    ck_assert_ptr_nonnull(strstr(text, "\"result\":\"accepted\",\"reason\":\"\",\"table\":\"objects\",\"key\":\"raw/a.fits\""));
    ck_assert_ptr_null(strstr(text, "excerpt"));
    ck_assert_ok(obs_rows_next(rows, &text, &size, &error));
    ck_assert_ptr_null(text);
    obs_rows_free(rows);
    close_catalog();
}
END_TEST

START_TEST(test_filters_and_pages)
{
    char position[32];
    obs__effects effects = {0};
    open_catalog();
    for (int i = 0; i < 1000; i++)
        add_line(&effects, i % 10 ? "accepted" : "refused", i % 3 ? "metar" : "mpc.obs80", "k", (obs__view){0});
    ck_assert_ok(commit_effects(&effects));
    ck_assert_uint_eq(count_rows(NULL, NULL, NULL, 0, position), 1000);
    ck_assert_str_eq(position, "");
    ck_assert_uint_eq(count_rows(NULL, "refused", NULL, 0, position), 100);
    ck_assert_uint_eq(count_rows(NULL, "accepted", NULL, 0, position), 900);
    ck_assert_uint_eq(count_rows("metar", NULL, NULL, 0, position), 666);
    ck_assert_uint_eq(count_rows("metar", "refused", NULL, 0, position), 66);
    ck_assert_uint_eq(count_rows("' OR 1=1 --", NULL, NULL, 0, position), 0);
    ck_assert_uint_eq(count_rows("metar", NULL, NULL, 300, position), 300);
    ck_assert_str_ne(position, "");
    ck_assert_uint_eq(count_rows("metar", NULL, position, 366, position), 366);
    ck_assert_str_eq(position, "");
    close_catalog();
}
END_TEST

START_TEST(test_bad_options)
{
    obs_rows *rows;
    obs_ingest_log_options options = {.size = sizeof options, .result = "maybe"};
    open_catalog();
    ck_assert_int_eq(obs__ingest_log_rows(&rows, &gate->base, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_str_eq(error.message, "the result is 'accepted' or 'refused', not 'maybe'");
    options = (obs_ingest_log_options){.size = sizeof options, .after = "e1"};
    ck_assert_int_eq(obs__ingest_log_rows(&rows, &gate->base, &options, &error), OBS_INVALID_ARGUMENT);
    ck_assert_ptr_null(rows);
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_line, test_filters_and_pages, test_bad_options};
    return test_main("ingest log", tests, sizeof tests / sizeof *tests);
}
