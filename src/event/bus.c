/* The embedded bus `local:`: a table of the tenant database. */
#include "event/bus.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "event/bus_internal.h"

/*
 * event     the log. json holds the whole event; the columns before it are what is looked up.
 * event_log its only row: how many bytes the JSON of all events has, and whether it was told that they are nearly too many.
 * gone      identities of events that were removed, numbered in that order (retention.h).
 * consumer  position: everything up to it is done. paused_ms: nothing is handed out before this time (Unix milliseconds).
 * done      what is done above the position.
 * delivery  what was given back: comes again at due_ms. attempts: how often it was handed out.
 * dead      dead letters. They keep their event until they are replayed or discarded.
 */
const char obs__event_schema[] =
    "CREATE TABLE IF NOT EXISTS event("
    " sequence INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,"
    " subject TEXT NOT NULL, partition_key TEXT NOT NULL, time_ns INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " json BLOB NOT NULL, UNIQUE(source, id)) STRICT;"
    "CREATE INDEX IF NOT EXISTS event_priority ON event(priority, sequence) WHERE priority <> 0;"
    "CREATE TABLE IF NOT EXISTS event_log("
    " one INTEGER PRIMARY KEY CHECK(one = 1), bytes INTEGER NOT NULL, alarm INTEGER NOT NULL) STRICT;"
    "INSERT INTO event_log(one, bytes, alarm) SELECT 1, (SELECT coalesce(sum(length(json)), 0) FROM event), 0"
    " WHERE NOT EXISTS(SELECT 1 FROM event_log);"
    "CREATE TABLE IF NOT EXISTS gone("
    " number INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE, time_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS consumer("
    " name TEXT PRIMARY KEY, id INTEGER NOT NULL, position INTEGER NOT NULL, paused_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS done("
    " consumer TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY(consumer, sequence)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS delivery("
    " consumer TEXT NOT NULL, sequence INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY(consumer, sequence)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS dead("
    " consumer TEXT NOT NULL, sequence INTEGER NOT NULL, attempts INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY(consumer, sequence)) STRICT, WITHOUT ROWID;";

static obs_status check_url(const char *url, obs_error *error)
{
    const char *colon = url ? strchr(url, ':') : NULL;
    if (!colon)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the bus needs a URL: write 'local:'");
    /* Only the scheme is shown: what follows may hold a password. */
    if (strncmp(url, "local:", 6) != 0)
        return obs__fail(error, OBS_UNIMPLEMENTED,
                         "no bus speaks '%.*s:': known are local:", (int)(colon - url < 40 ? colon - url : 40), url);
    if (colon[1])
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the bus local: takes nothing behind the colon");
    return OBS_OK;
}

obs_status obs__bus_open_bounded(obs_bus **out, obs__gate *gate, const char *url, const obs__bus_bounds *bounds,
                                 obs_error *error)
{
    *out = NULL;
    obs_status status = check_url(url, error);
    if (status != OBS_OK)
        return status;
    obs_bus *bus = obs__calloc(1, sizeof *bus);
    if (!bus)
        return obs__fail_memory(error);
    bus->gate = gate;
    status = obs__retention_new(&bus->retention, gate, bounds, error);
    if (status == OBS_OK)
        *out = bus;
    else
        obs__free(bus);
    return status;
}

obs_status obs__bus_open(obs_bus **out, obs__gate *gate, const char *url, obs_error *error)
{
    static const obs__bus_bounds standard = {OBS__BUS_KEEP_NS, OBS__BUS_LIMIT, OBS__BUS_KEEP_NS};
    return obs__bus_open_bounded(out, gate, url, &standard, error);
}

void obs__bus_free(obs_bus *bus)
{
    if (!bus)
        return;
    obs__retention_free(bus->retention);
    obs__free(bus);
}

obs_status obs__bus_count(uint64_t *out, obs__gate *gate, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    sqlite3_stmt *statement = NULL;
    *out = 0;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&statement, snapshot, "SELECT count(*) FROM event", error);
    if (status == OBS_OK) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = (uint64_t)sqlite3_column_int64(statement, 0);
        else
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "count events");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}
