/* Numbers of the bus, for metrics: only what an index answers at once, however many events there are. */
#include "base/error.h"
#include "event/bus.h"

static obs_status measure_log(obs__bus_numbers *out, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] =
        "SELECT (SELECT ifnull(min(sequence), 0) FROM event), (SELECT ifnull(max(sequence), 0) FROM event),"
        " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        int64_t first = sqlite3_column_int64(statement, 0), last = sqlite3_column_int64(statement, 1);
        out->kept = last ? last - first + 1 : 0;
        out->published = sqlite3_column_int64(statement, 2);
    } else
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot measure the event log");
    sqlite3_reset(statement);
    return status;
}

static obs_status measure_consumers(obs__snapshot *snapshot, obs__consumer_visit *visit, void *user, obs_error *error)
{
    /* What lies above the position by its numbers, less what is done of it. */
    static const char sql[] =
        "SELECT name, paused_ms,"
        " max(0, (SELECT ifnull(max(sequence), 0) FROM event)"
        "  - max(position, (SELECT ifnull(min(sequence), 1) - 1 FROM event))"
        "  - (SELECT count(*) FROM done WHERE done.consumer = name AND done.sequence > position)),"
        " (SELECT count(*) FROM delivery WHERE delivery.consumer = name),"
        " (SELECT count(*) FROM dead WHERE dead.consumer = name),"
        " (SELECT time_ns FROM event WHERE sequence > position ORDER BY sequence LIMIT 1) FROM consumer ORDER BY name";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const obs__consumer_numbers numbers = {.name = (const char *)sqlite3_column_text(statement, 0),
                                               .paused_ms = sqlite3_column_int64(statement, 1),
                                               .lag = sqlite3_column_int64(statement, 2),
                                               .retrying = sqlite3_column_int64(statement, 3),
                                               .dead = sqlite3_column_int64(statement, 4),
                                               .oldest_ns = sqlite3_column_int64(statement, 5)};
        visit(user, &numbers);
    }
    if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot measure the consumers");
    sqlite3_reset(statement);
    return status;
}

obs_status obs__bus_measure(obs__bus_numbers *out, obs__journal *journal, obs__consumer_visit *visit, void *user,
                            obs_error *error)
{
    obs__snapshot *snapshot;
    *out = (obs__bus_numbers){0};
    obs_status status = obs__snapshot_begin(&snapshot, journal, error);
    if (status != OBS_OK)
        return status;
    status = measure_log(out, snapshot, error);
    if (status == OBS_OK)
        status = measure_consumers(snapshot, visit, user, error);
    obs__snapshot_end(snapshot);
    return status;
}
