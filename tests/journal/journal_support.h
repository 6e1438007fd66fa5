/* What the tests of the journal share: a table of rows and effects that write to it. */
#ifndef OBS_TESTS_JOURNAL_SUPPORT_H
#define OBS_TESTS_JOURNAL_SUPPORT_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "journal/journal.h"
#include "support.h"

static const char row_schema[] = "CREATE TABLE IF NOT EXISTS item(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)";
static const char row_insert[] = "INSERT INTO item(name) VALUES(?)";
static const char row_count[] = "SELECT count(*) FROM item";
static const char *const row_schemas[] = {row_schema, NULL};

typedef struct row_effect {
    obs__effect effect;
    char name[64];
    obs_status fail; /* what apply() gives after it has written */
    int wake;
    void (*finish)(void);
} row_effect;

static inline obs_status row_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    row_effect *row = (row_effect *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, row_insert, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, row->name, -1, SQLITE_STATIC);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK && row->wake)
        obs__txn_wake(txn);
    return status == OBS_OK && row->fail ? obs__fail(error, row->fail, "refused '%s'", row->name) : status;
}

static inline void row_finish(obs__effect *effect)
{
    ((row_effect *)effect)->finish();
}

static inline void row_free(obs__effect *effect)
{
    (void)effect; /* lies on the stack of the test */
}

static const obs__effect_ops row_ops = {.apply = row_apply, .free = row_free};
static const obs__effect_ops row_finish_ops = {.apply = row_apply, .finish = row_finish, .free = row_free};

static inline obs_status row_commit(obs__journal *journal, row_effect *row, const char *name, const obs__limit *limit,
                                    obs_error *error)
{
    obs__limit none = obs__limit_in(-1, NULL);
    obs__effects effects = {0};
    row->effect.ops = row->finish ? &row_finish_ops : &row_ops;
    snprintf(row->name, sizeof row->name, "%s", name);
    obs__effects_add(&effects, &row->effect);
    return obs__journal_commit(journal, &effects, limit ? limit : &none, error);
}

static inline obs_status row_put(obs__journal *journal, const char *name, obs_error *error)
{
    row_effect row = {0};
    return row_commit(journal, &row, name, NULL, error);
}

static inline obs_status row_open(obs__journal **out, const char *folder, obs_error *error)
{
    obs__journal_options options = {.folder = folder, .schemas = row_schemas, .create = 1};
    obs__limit none = obs__limit_in(-1, NULL);
    return obs__journal_open(out, &options, &none, error);
}

/* Rows there are, as a new snapshot sees them; -1 when it cannot be told. */
static inline int row_total(obs__journal *journal)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement;
    obs_error error;
    int total = -1;
    obs_error_init(&error, sizeof error);
    if (obs__snapshot_begin(&snapshot, journal, &error) == OBS_OK &&
        obs__snapshot_statement(&statement, snapshot, row_count, &error) == OBS_OK && sqlite3_step(statement) == SQLITE_ROW)
        total = sqlite3_column_int(statement, 0);
    else
        fprintf(stderr, "%s (%s)\n", error.message, error.detail);
    obs__snapshot_end(snapshot);
    return total;
}

#endif
