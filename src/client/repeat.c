/*
 * Idempotency keys: a change is done once for each key. The key is a row in the same commit as the change; a second change with
 * it undoes itself and is answered as done. A key counts for a day; each new one takes some old ones with it, so that there are
 * never many more than those of a day.
 */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "client/client.h"

#define KEEP_NS (INT64_C(86400) * 1000000000)

const char obs__repeat_schema[] = "CREATE TABLE IF NOT EXISTS idempotency ("
                                  " key TEXT NOT NULL, action TEXT NOT NULL, time INTEGER NOT NULL,"
                                  " PRIMARY KEY (key, action)) WITHOUT ROWID;"
                                  "CREATE INDEX IF NOT EXISTS idempotency_time ON idempotency(time);";

struct repeat {
    obs__effect effect;
    const char *action; /* a constant */
    int64_t time_ns;
    char key[];
};

obs_status obs__repeat_find(int *out, obs__journal *journal, const char *key, const char *action, obs_error *error)
{
    static const char sql[] = "SELECT 1 FROM idempotency WHERE key = ?1 AND action = ?2 AND time > ?3";
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *out = 0;
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, action, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, obs__now_ns() - KEEP_NS);
        int code = sqlite3_step(statement);
        *out = code == SQLITE_ROW;
        if (code != SQLITE_ROW && code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the idempotency keys");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status forget_old(int64_t before_ns, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "DELETE FROM idempotency WHERE (key, action) IN"
                              " (SELECT key, action FROM idempotency WHERE time <= ?1 ORDER BY time LIMIT 8)";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, before_ns);
    return obs__txn_run(txn, statement, error);
}

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO idempotency (key, action, time) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT (key, action) DO UPDATE SET time = ?3 WHERE time <= ?4";
    const struct repeat *repeat = (const struct repeat *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, repeat->key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, repeat->action, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, repeat->time_ns);
    sqlite3_bind_int64(statement, 4, repeat->time_ns - KEEP_NS);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK && sqlite3_changes(obs__txn_database(txn)) == 0)
        return obs__fail(error, OBS__REPEATED, "this change was done before");
    return status == OBS_OK ? forget_old(repeat->time_ns - KEEP_NS, txn, error) : status;
}

static void free_repeat(obs__effect *effect)
{
    obs__free(effect);
}

static const obs__effect_ops ops = {.apply = apply, .free = free_repeat, .repeatable = 1};

obs_status obs__repeat_effect(obs__effects *effects, const char *key, const char *action, obs_error *error)
{
    size_t size = strlen(key) + 1;
    struct repeat *repeat = obs__calloc(1, sizeof *repeat + size);
    if (!repeat)
        return obs__fail_memory(error);
    repeat->effect.ops = &ops;
    repeat->action = action;
    repeat->time_ns = obs__now_ns();
    memcpy(repeat->key, key, size);
    obs__effects_add(effects, &repeat->effect);
    return OBS_OK;
}
