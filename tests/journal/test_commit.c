/* Group commit: everybody's change is durable, a failing one takes nobody down. */
#include <pthread.h>

#include "journal_support.h"

#define THREADS 16
#define ROUNDS 50

START_TEST(a_change_is_seen_by_the_next_snapshot)
{
    obs__journal *journal, *again;
    obs_error error;
    obs_error_init(&error, sizeof error);
    const char *folder = test_folder();
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_ok(row_open(&again, folder, &error));
    ck_assert_ptr_eq(journal, again);
    obs__journal_free(again);
    ck_assert_int_eq(row_total(journal), 0);
    ck_assert_ok(row_put(journal, "a", &error));
    ck_assert_int_eq(row_total(journal), 1);
    ck_assert_int_eq(row_put(journal, "a", &error), OBS_ALREADY_EXISTS);
    obs__journal_free(journal);
    ck_assert_ok(row_open(&journal, folder, &error));
    ck_assert_int_eq(row_total(journal), 1);
    obs__journal_free(journal);
}
END_TEST

START_TEST(a_snapshot_does_not_change)
{
    obs__journal *journal;
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    ck_assert_ok(obs__snapshot_begin(&snapshot, journal, &error));
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(obs__snapshot_statement(&statement, snapshot, row_count, &error));
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
        ck_assert_int_eq(sqlite3_column_int(statement, 0), 0);
        ck_assert_ok(row_put(journal, i ? "a" : "b", &error));
    }
    ck_assert_int_ne(sqlite3_exec(obs__snapshot_database(snapshot), "DELETE FROM item", NULL, NULL, NULL), SQLITE_OK);
    obs__snapshot_end(snapshot);
    ck_assert_int_eq(row_total(journal), 2);
    obs__journal_free(journal);
}
END_TEST

/* What SQLite does when memory or the disk fails in the middle of a statement, and an effect overlooks it. */
static obs_status lose_transaction(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    (void)effect, (void)error;
    sqlite3_exec(obs__txn_database(txn), "ROLLBACK", NULL, NULL, NULL);
    return OBS_OK;
}

START_TEST(nothing_is_kept_once_the_transaction_is_lost)
{
    static const obs__effect_ops lost_ops = {.apply = lose_transaction, .free = row_free};
    obs__journal *journal;
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    row_effect before = {.effect.ops = &row_ops, .name = "before"};
    row_effect after = {.effect.ops = &row_ops, .name = "after"};
    obs__effect lost = {.ops = &lost_ops};
    obs__effects effects = {0};
    obs__limit none = obs__limit_in(-1, NULL);
    obs__effects_add(&effects, &before.effect);
    obs__effects_add(&effects, &lost);
    obs__effects_add(&effects, &after.effect);
    ck_assert_int_eq(obs__journal_commit(journal, &effects, &none, &error), OBS_RESOURCE_EXHAUSTED);
    ck_assert_int_eq(row_total(journal), 0);
    ck_assert_ok(row_put(journal, "again", &error));
    ck_assert_int_eq(row_total(journal), 1);
    obs__journal_free(journal);
}
END_TEST

static atomic_int finished, applied;

static void count_finish(void)
{
    atomic_fetch_add(&finished, 1);
}

static obs_status count_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    atomic_fetch_add(&applied, 1);
    return row_apply(effect, txn, error);
}

static const obs__effect_ops counted_ops = {.apply = count_apply, .finish = row_finish, .free = row_free};
static const obs__effect_ops repeatable_ops = {.apply = count_apply, .finish = row_finish, .free = row_free, .repeatable = 1};

struct worker {
    pthread_t thread;
    obs__journal *journal;
    const obs__effect_ops *ops;
    int number;
    int fail_every; /* 0: none */
    int good;
    int bad;
};

/* Some changes fail after they have written their row. */
static void *work(void *user)
{
    struct worker *worker = user;
    obs__limit none = obs__limit_in(-1, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        obs_error error;
        obs__effects effects = {0};
        char name[64];
        obs_error_init(&error, sizeof error);
        int fails = worker->fail_every && i % worker->fail_every == worker->fail_every - 1;
        row_effect row = {.effect.ops = worker->ops, .fail = fails ? OBS_REFUSED : OBS_OK, .finish = count_finish};
        snprintf(row.name, sizeof row.name, "%d/%d", worker->number, i);
        snprintf(name, sizeof name, "%s", row.name);
        obs__effects_add(&effects, &row.effect);
        obs_status status = obs__journal_commit(worker->journal, &effects, &none, &error);
        worker->good += status == OBS_OK;
        worker->bad += status == OBS_REFUSED && error.status == OBS_REFUSED && strstr(error.message, name);
    }
    return NULL;
}

/* Rows of all that succeed, nothing of the others, and each finished once. */
static void commit_together(const obs__effect_ops *ops, int fail_every)
{
    obs__journal *journal;
    obs_error error;
    struct worker workers[THREADS];
    int good = 0, bad = 0;
    obs_error_init(&error, sizeof error);
    atomic_store(&finished, 0);
    atomic_store(&applied, 0);
    ck_assert_ok(row_open(&journal, test_folder(), &error));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.journal = journal, .ops = ops, .number = i, .fail_every = fail_every};
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        good += workers[i].good;
        bad += workers[i].bad;
    }
    ck_assert_int_eq(bad, fail_every ? THREADS * (ROUNDS / fail_every) : 0);
    ck_assert_int_eq(good, THREADS * ROUNDS - bad);
    ck_assert_int_eq(row_total(journal), good);
    ck_assert_int_eq(atomic_load(&finished), good);
    obs__journal_free(journal);
}

START_TEST(many_threads_commit_together)
{
    commit_together(&counted_ops, 3);
    ck_assert_int_eq(atomic_load(&applied), THREADS * ROUNDS);
}
END_TEST

/* A batch that fails is run again with savepoints, and so are the next ones: few changes are applied twice. */
START_TEST(without_savepoints_a_failing_change_takes_nobody_down)
{
    commit_together(&repeatable_ops, 3);
    ck_assert_int_le(atomic_load(&applied),
                     THREADS * ROUNDS * 3 / 2 + THREADS); /* sixteen batches, of one at least, behind one of all */
    commit_together(&repeatable_ops, ROUNDS);
    commit_together(&repeatable_ops, 0);
    ck_assert_int_eq(atomic_load(&applied), THREADS * ROUNDS);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {a_change_is_seen_by_the_next_snapshot, a_snapshot_does_not_change,
                            nothing_is_kept_once_the_transaction_is_lost, many_threads_commit_together,
                            without_savepoints_a_failing_change_takes_nobody_down};
    return test_main("commit", tests, sizeof tests / sizeof tests[0]);
}
