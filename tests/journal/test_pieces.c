/* The log is written in large pieces: what is in none of them yet is missed by nobody. */
#include "journal_support.h"

#define ROWS 6000 /* with their bodies three times what a connection keeps in memory */

static const char big_schema[] = "CREATE TABLE IF NOT EXISTS big(id INTEGER PRIMARY KEY, body BLOB NOT NULL)";
static const char *const big_schemas[] = {big_schema, NULL};
static const char big_fill[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
                               " INSERT INTO big SELECT i, zeroblob(4000) FROM n";
/* Writes pages anew that lie in the log already, of this same transaction. */
static const char big_change[] = "UPDATE big SET body = randomblob(4000) WHERE id % 3 = 0";
static const char big_sum[] = "SELECT count(*), sum(length(body)), sum(body = zeroblob(4000)) FROM big";

static void check_sums(sqlite3_stmt *statement, int zero)
{
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), ROWS);
    ck_assert_int_eq(sqlite3_column_int(statement, 1), ROWS * 4000);
    ck_assert_int_eq(sqlite3_column_int(statement, 2), zero);
    sqlite3_reset(statement);
}

static obs_status big_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *fill, *change, *sum;
    ck_assert_int_eq(obs__txn_statement(&fill, txn, big_fill, error), OBS_OK);
    ck_assert_int_eq(obs__txn_run(txn, fill, error), OBS_OK);
    ck_assert_int_eq(obs__txn_statement(&sum, txn, big_sum, error), OBS_OK);
    check_sums(sum, ROWS); /* pages that left memory come back from the log */
    ck_assert_int_eq(obs__txn_statement(&change, txn, big_change, error), OBS_OK);
    ck_assert_int_eq(obs__txn_run(txn, change, error), OBS_OK);
    check_sums(sum, ROWS - ROWS / 3);
    obs_status fail = ((row_effect *)effect)->fail;
    return fail ? obs__fail(error, fail, "refused") : OBS_OK;
}

static const obs__effect_ops big_ops = {.apply = big_apply, .free = row_free};

static obs_status big_commit(obs__journal *journal, obs_status fail, obs_error *error)
{
    row_effect row = {.effect.ops = &big_ops, .fail = fail};
    obs__limit none = obs__limit_in(-1, NULL);
    obs__effects effects = {0};
    obs__effects_add(&effects, &row.effect);
    return obs__journal_commit(journal, &effects, &none, error);
}

static int64_t ask(obs__journal *journal, const char *sql)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(obs__snapshot_begin(&snapshot, journal, &error));
    ck_assert_ok(obs__snapshot_prepare(&statement, snapshot, sql, &error));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    obs__snapshot_end(snapshot);
    return value;
}

static obs__journal *big_open(const char *folder)
{
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__limit none = obs__limit_in(-1, NULL);
    obs__journal_options options = {.folder = folder, .schemas = big_schemas, .create = 1};
    ck_assert_ok(obs__journal_open(&journal, &options, &none, &error));
    return journal;
}

START_TEST(a_transaction_larger_than_memory_reads_what_it_wrote)
{
    const char *folder = test_folder();
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__journal *journal = big_open(folder);
    ck_assert_int_eq(big_commit(journal, OBS_ABORTED, &error), OBS_ABORTED);
    ck_assert_int_eq(ask(journal, "SELECT count(*) FROM big"), 0);
    ck_assert_ok(big_commit(journal, OBS_OK, &error));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ask(journal, "SELECT count(*) FROM big WHERE body = zeroblob(4000)"), ROWS - ROWS / 3);
        ck_assert_int_eq(ask(journal, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
        obs__journal_free(journal);
        journal = big_open(folder);
    }
    obs__journal_free(journal);
}
END_TEST

/* SQLite's own layer, in the same process, sees each commit as soon as it has returned. */
START_TEST(others_see_a_commit_at_once)
{
    const char *folder = test_folder();
    sqlite3 *other;
    sqlite3_stmt *count;
    obs__journal *journal;
    obs_error error;
    char name[32];
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_int_eq(sqlite3_open_v2(test_path(folder, "tenant.db"), &other, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(other, row_count, -1, &count, NULL), SQLITE_OK);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "row %d", i);
        ck_assert_ok(row_put(journal, name, &error));
        ck_assert_int_eq(sqlite3_step(count), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(count, 0), i + 1);
        sqlite3_reset(count);
    }
    sqlite3_finalize(count);
    sqlite3_close(other);
    obs__journal_free(journal);
}
END_TEST

static int keep_frames(void *out, int count, char **values, char **names)
{
    (void)count, (void)names;
    *(int *)out = atoi(values[1]); /* of the log: after whether it was busy */
    return 0;
}

/* The next program to come must not find a long log, and move it once more, and so each that makes one commit and ends. */
START_TEST(a_program_of_one_commit_leaves_a_short_log)
{
    obs_error error;
    sqlite3 *other;
    sqlite3_stmt *sum;
    int frames = -1;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    obs__journal *journal = big_open(folder);
    ck_assert_ok(big_commit(journal, OBS_OK, &error));
    obs__journal_free(journal);
    ck_assert_int_eq(sqlite3_open(test_path(folder, "tenant.db"), &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "PRAGMA wal_checkpoint(PASSIVE)", keep_frames, &frames, NULL), SQLITE_OK);
    ck_assert_int_ge(frames, 0);
    ck_assert_int_lt(frames, 100);
    ck_assert_int_eq(sqlite3_prepare_v2(other, big_sum, -1, &sum, NULL), SQLITE_OK);
    check_sums(sum, ROWS - ROWS / 3);
    sqlite3_finalize(sum);
    sqlite3_close(other);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_transaction_larger_than_memory_reads_what_it_wrote, others_see_a_commit_at_once,
                            a_program_of_one_commit_leaves_a_short_log};
    return test_main("pieces", tests, sizeof tests / sizeof tests[0]);
}
