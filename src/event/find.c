/* One event of the log by its id, without a consumer. */
#include "base/error.h"
#include "event/bus_internal.h"

/* The first row that passes the filter, if any does. */
static obs_status choose(obs_event **out, obs__snapshot *snapshot, sqlite3_stmt *statement, const obs__filter *filter,
                         obs_error *error)
{
    obs_status status = OBS_OK;
    int code = SQLITE_DONE;
    while (status == OBS_OK && !*out && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *json = sqlite3_column_blob(statement, 0); /* before its size is asked */
        obs__view text = {json ? json : "", (size_t)sqlite3_column_bytes(statement, 0)};
        int passes = 1;
        status = obs__filter_passes(&passes, filter, text, error);
        if (status == OBS_OK && passes)
            status = obs_event_decode(out, text.data, text.size, error);
    }
    if (status == OBS_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read events");
    return status;
}

static obs_status find(obs_event **out, obs__snapshot *snapshot, const char *source, const char *id, const obs__filter *filter,
                       obs_error *error)
{
    static const char sql[] =
        "SELECT json FROM event WHERE id = ?1 AND (?5 IS NULL OR source = ?5) AND " OBS__FILTER_SQL " ORDER BY sequence DESC";
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, source, -1, SQLITE_STATIC);
    obs__filter_bind(statement, filter);
    status = choose(out, snapshot, statement, filter, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

obs_status obs__bus_find(obs_event **out, obs_bus *bus, const char *source, const char *id, const obs_subscribe_options *wants,
                         const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs__filter filter = {0};
    obs__snapshot *snapshot = NULL;
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, bus->gate, OBS__READ, "event.receive", "replay", OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    if (wants)
        status = obs__filter_set(&filter, wants, error);
    if (status == OBS_OK)
        status = obs__snapshot_begin(&snapshot, bus->gate->journal, error);
    if (status == OBS_OK)
        status = find(out, snapshot, source, id, &filter, error);
    if (snapshot)
        obs__snapshot_end(snapshot);
    obs__filter_free(&filter);
    status = obs__gate_leave(&scope, status, error);
    if (status != OBS_OK) {
        obs_event_free(*out);
        *out = NULL;
    }
    return status;
}
