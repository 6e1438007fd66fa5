/* What is known about a destination over restarts. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "deliver/courier.h"

/*
 * destination   failures in a row, since_ns; incident_ns: told as suspended then; until_ms: how long; gave_up: dead letters
 *               were told of; granted, granted_ns, rate: what the server said to the handshake.
 */
const char obs__deliver_schema[] =
    "CREATE TABLE IF NOT EXISTS destination("
    " name TEXT PRIMARY KEY, failures INTEGER NOT NULL, since_ns INTEGER NOT NULL, incident_ns INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL, gave_up INTEGER NOT NULL, granted_ns INTEGER NOT NULL, rate INTEGER NOT NULL,"
    " granted TEXT NOT NULL, last_error TEXT NOT NULL) STRICT, WITHOUT ROWID;";

static void copy(char *out, size_t capacity, sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(out, capacity, "%s", text ? text : "");
}

static void read_row(obs__deliver_state *out, sqlite3_stmt *row)
{
    out->failures = sqlite3_column_int64(row, 0);
    out->since_ns = sqlite3_column_int64(row, 1);
    out->incident_ns = sqlite3_column_int64(row, 2);
    out->until_ms = sqlite3_column_int64(row, 3);
    out->gave_up = sqlite3_column_int64(row, 4);
    out->granted_ns = sqlite3_column_int64(row, 5);
    out->rate = sqlite3_column_int64(row, 6);
    copy(out->granted, sizeof out->granted, row, 7);
    copy(out->last_error, sizeof out->last_error, row, 8);
}

obs_status obs__deliver_load(obs__deliver_state *out, obs__journal *journal, const char *name, obs_error *error)
{
    static const char sql[] = "SELECT failures, since_ns, incident_ns, until_ms, gave_up, granted_ns, rate, granted, last_error"
                              " FROM destination WHERE name = ?1";
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    *out = (obs__deliver_state){0};
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            read_row(out, statement);
        else if (code != SQLITE_DONE)
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read the state of a destination");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}

typedef struct state_effect {
    obs__effect base;
    const obs__deliver_state *state; /* both of the courier, who waits for the commit */
    const char *name;
} state_effect;

static obs_status apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO destination(failures, since_ns, incident_ns, until_ms, gave_up,"
                              " granted_ns, rate, granted, last_error, name) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    const obs__deliver_state *state = ((const state_effect *)effect)->state;
    const int64_t numbers[] = {state->failures, state->since_ns,   state->incident_ns, state->until_ms,
                               state->gave_up,  state->granted_ns, state->rate};
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    for (int i = 0; i < 7; i++)
        sqlite3_bind_int64(statement, i + 1, numbers[i]);
    sqlite3_bind_text(statement, 8, state->granted, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 9, state->last_error, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 10, ((const state_effect *)effect)->name, -1, SQLITE_STATIC);
    return obs__txn_run(txn, statement, error);
}

static void free_effect(obs__effect *effect)
{
    obs__free(effect);
}

static obs_status stage_state(obs__effects *effects, const obs__courier *courier, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply, .free = free_effect, .repeatable = 1};
    state_effect *effect = obs__calloc(1, sizeof *effect);
    if (!effect)
        return obs__fail_memory(error);
    *effect = (state_effect){{&ops, NULL}, &courier->state, obs__to_text(courier->to, OBS__TO_NAME)};
    obs__effects_add(effects, &effect->base);
    return OBS_OK;
}

obs_status obs__deliver_save(obs__courier *courier, const obs_event *event, uint64_t sequence, obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    const char *name = obs__to_text(courier->to, OBS__TO_NAME);
    obs_status status = obs__gate_enter(&scope, courier->host->gate, OBS__CHANGE, "journal.state", name, OBS_TEXT, NULL, error);
    if (status != OBS_OK)
        return status;
    status = stage_state(&effects, courier, error);
    if (status == OBS_OK && event)
        status = obs__bus_stage_publish(&effects, NULL, courier->host->bus, &scope, event, NULL, error);
    if (status == OBS_OK && sequence)
        status = obs__bus_stage_acknowledge(&effects, courier->subscription, sequence, error);
    if (status == OBS_OK)
        status = obs__gate_commit(&scope, &effects, error);
    else
        obs__effects_free(&effects);
    return obs__gate_leave(&scope, status, error);
}
