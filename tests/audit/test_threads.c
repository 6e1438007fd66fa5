/* Notes under load: many threads note, several write, ask, fork and close at the same time; each read is recorded once. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/trail_support.h"
#include "base/clock.h"

enum { NOTERS = 4, ROUNDS = 4, OBJECTS = 900 };

struct stress {
    struct fixture fixture;
    int notes; /* of each thread */
    atomic_int noting;
    atomic_int next;
    atomic_llong questions;
};

/* The texts are made anew for each note and gone after it. */
static void note_number(obs_audit *audit, unsigned thread, unsigned number)
{
    char object[1200], subject[32], trace[33];
    unsigned which = number * 7919u % OBJECTS;
    int size = snprintf(object, sizeof object, "raw/%u/%0*u", thread, which % 40 == 0 ? 1100 : 4, which);
    snprintf(subject, sizeof subject, "user:%u", thread % 3);
    snprintf(trace, sizeof trace, "%032u", number);
    obs__audit_record record = {.kind = "read",
                                .action = number % 2 ? "store.get" : "store.head",
                                .status = number % 5 ? OBS_OK : OBS_NOT_FOUND,
                                .subject = subject,
                                .actor = number % 3 ? NULL : "user:owner",
                                .object = {object, (size_t)size},
                                .client = "test",
                                .trace = trace,
                                .bytes = 10,
                                .count = 1};
    obs__audit_note(audit, &record);
    memset(object, 1, sizeof object);
    memset(subject, 1, sizeof subject);
}

static void *note_much(void *user)
{
    struct stress *stress = user;
    unsigned own = (unsigned)atomic_fetch_add(&stress->next, 1);
    for (int i = 0; i < stress->notes; i++)
        note_number(stress->fixture.audit, own, (unsigned)i);
    atomic_fetch_sub(&stress->noting, 1);
    return NULL;
}

/* Often in no time, so that what was taken stays to be taken again. */
static void *flush_much(void *user)
{
    struct stress *stress = user;
    obs_error fault;
    obs_error_init(&fault, sizeof fault);
    for (int i = 0; atomic_load(&stress->noting); i++) {
        const obs__limit brief = obs__limit_in(i % 3, NULL);
        obs_status status = obs__audit_flush(stress->fixture.audit, i % 4 ? &brief : &patient, &fault);
        ck_assert_msg(status == OBS_OK || status == OBS_DEADLINE_EXCEEDED, "%s", fault.message);
    }
    return NULL;
}

static void *ask_much(void *user)
{
    struct stress *stress = user;
    obs_error fault;
    obs_audit_options options;
    obs_error_init(&fault, sizeof fault);
    obs_audit_options_init(&options, sizeof options);
    options.limit = 20;
    while (atomic_load(&stress->noting)) {
        obs_rows *rows;
        const char *text = "";
        ck_assert_int_eq(obs_audit_query(&rows, stress->fixture.audit, &options, &fault), OBS_OK);
        atomic_fetch_add(&stress->questions, 1);
        while (text)
            ck_assert_int_eq(obs_rows_next(rows, &text, NULL, &fault), OBS_OK);
        obs_rows_free(rows);
    }
    return NULL;
}

static void fork_and_note(struct stress *stress)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < 10; i++)
            note_number(stress->fixture.audit, 77, i);
        _exit(obs__audit_flush(stress->fixture.audit, &patient, NULL) == OBS_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static int64_t number_of(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* What all records stand for, that of lost ones, too; a question of our own would be one more of them. */
static int64_t count_all(const char *folder)
{
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(test_path(folder, "tenant.db"), &database), SQLITE_OK);
    int64_t gone = number_of(database, "SELECT count(*) FROM audit_clear WHERE instr(object, char(1)) > 0");
    ck_assert_msg(gone == 0, "%d records have a text that was gone", (int)gone);
    int64_t sum = number_of(database, "SELECT sum(json_extract(CAST(leaf AS TEXT), '$.count')) FROM audit_leaf");
    sqlite3_close(database);
    return sum;
}

static void run_round(struct stress *stress, const char *folder, int with_fork)
{
    void *(*const work[])(void *) = {note_much, note_much, note_much, note_much, flush_much, flush_much, ask_much};
    enum { THREADS = sizeof work / sizeof work[0] };
    pthread_t threads[THREADS];
    open_fixture_in(&stress->fixture, folder);
    atomic_store(&stress->noting, NOTERS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work[i], stress), 0);
    if (with_fork)
        fork_and_note(stress);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 10; i++) /* the keeper has an appointment when all is closed */
        note_number(stress->fixture.audit, 78, i);
    close_fixture(&stress->fixture);
}

static void run_all(int with_fork)
{
    static struct stress stress;
    const char *folder = test_folder();
    stress = (struct stress){.notes = 100 + test_times(5000)};
    for (int i = 0; i < ROUNDS; i++)
        run_round(&stress, folder, with_fork);
    int64_t own = ROUNDS * ((int64_t)NOTERS * stress.notes + 10 + 10 * with_fork);
    own += atomic_load(&stress.questions);
    ck_assert_int_eq(count_all(folder), own);
}

START_TEST(each_note_is_recorded_once)
{
    run_all(0);
}
END_TEST

START_TEST(each_note_of_a_child_is_recorded_once)
{
#ifdef __SANITIZE_THREAD__
    test_skipped("a forked child that reads", "ThreadSanitizer cannot start a thread after a fork");
#else
    if (test_can_fork_beside_threads())
        run_all(1);
#endif
}
END_TEST

int main(void)
{
    const TTest *tests[] = {each_note_is_recorded_once, each_note_of_a_child_is_recorded_once};
    obs_error_init(&error, sizeof error);
    return test_main("audit/threads", tests, sizeof tests / sizeof tests[0]);
}
