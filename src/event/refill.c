/* Reading on in the log: the next events that a consumer wants become claims. */
#include "base/error.h"
#include "event/bus_internal.h"

#define READ_AHEAD 16

/* The ends of the log, and whether the consumer is paused; OBS_ABORTED when it is not there any more. */
static obs_status read_ends(uint64_t *oldest, uint64_t *newest, obs_subscription *subscription, obs__snapshot *snapshot,
                            obs_error *error)
{
    static const char sql[] =
        "SELECT coalesce((SELECT min(sequence) FROM event), 0), coalesce((SELECT max(sequence) FROM event),"
        " 0), paused_ms FROM consumer WHERE name = ?1 AND id = ?2";
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, subscription->consumer, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)subscription->id);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *oldest = (uint64_t)sqlite3_column_int64(statement, 0);
        *newest = (uint64_t)sqlite3_column_int64(statement, 1);
        subscription->claims->header->paused_ms = sqlite3_column_int64(statement, 2);
    } else if (code == SQLITE_DONE) {
        status = obs__fail(error, OBS_ABORTED, "the consumer '%s' was removed: subscribe again", subscription->consumer);
    } else {
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read events");
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* *added rises when the event is wanted. */
static obs_status add_row(int *added, obs_subscription *subscription, sqlite3_stmt *statement, int priority, obs_error *error)
{
    obs__claims *claims = subscription->claims;
    const char *json = sqlite3_column_blob(statement, 2); /* before its size is asked */
    int passes = 1;
    obs_status status = obs__filter_passes(&passes, &subscription->filter,
                                           (obs__view){json ? json : "", (size_t)sqlite3_column_bytes(statement, 2)}, error);
    if (status != OBS_OK || !passes)
        return status;
    ++*added;
    obs__claim claim = {
        .sequence = (uint64_t)sqlite3_column_int64(statement, 0),
        .key = obs__text_hash((const char *)sqlite3_column_text(statement, 1)),
        .priority = (int8_t)priority,
        .state = OBS__CLAIM_WAITING,
    };
    return obs__claims_find(claims, claim.sequence) ? OBS_OK : obs__claims_add(claims, &claim, error);
}

/* The rows of one priority behind its cursor, up to `last`; the cursor follows. Without `take` only as far as there are none.
 */
static obs_status read_rows(int *added, obs_subscription *subscription, obs__snapshot *snapshot, int priority, uint64_t last,
                            int take, obs_error *error)
{
    static const char sql[] =
        "SELECT sequence, partition_key, CASE WHEN ?9 THEN json END FROM event WHERE sequence > ?5 AND sequence <= ?6 AND "
        "priority = ?7"
        " AND " OBS__FILTER_SQL " AND NOT EXISTS(SELECT 1 FROM done WHERE consumer = ?1 AND done.sequence = event.sequence)"
        " AND NOT EXISTS(SELECT 1 FROM dead WHERE consumer = ?1 AND dead.sequence = event.sequence)"
        " ORDER BY sequence LIMIT ?8";
    uint64_t *cursor = &subscription->claims->header->cursor[1 - priority];
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE, rows = 0;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, subscription->consumer, -1, SQLITE_STATIC);
    obs__filter_bind(statement, &subscription->filter);
    sqlite3_bind_int64(statement, 5, (int64_t)*cursor);
    sqlite3_bind_int64(statement, 6, (int64_t)last);
    sqlite3_bind_int(statement, 7, priority);
    sqlite3_bind_int(statement, 8, take ? OBS__READ_WINDOW : 1);
    sqlite3_bind_int(statement, 9, subscription->filter.expression != NULL);
    *added = 0;
    while (status == OBS_OK && *added < READ_AHEAD && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (take)
            status = add_row(added, subscription, statement, priority, error);
        if (status == OBS_OK)
            *cursor = (uint64_t)sqlite3_column_int64(statement, 0) - !take;
        rows++;
    }
    if (status == OBS_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read events");
    else if (status == OBS_OK && code == SQLITE_DONE && rows < (take ? OBS__READ_WINDOW : 1))
        *cursor = last;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

/* Of the highest priority that has any; the cursors of the others still move on, as the position hangs on all of them. */
static obs_status refill(int *more, obs_subscription *subscription, obs__snapshot *snapshot, obs_error *error)
{
    uint64_t oldest = 0, newest = 0;
    int found = 0;
    obs_status status = read_ends(&oldest, &newest, subscription, snapshot, error);
    for (int priority = 1; status == OBS_OK && priority >= -1; priority--) {
        uint64_t *cursor = &subscription->claims->header->cursor[1 - priority];
        int added = 0;
        if (oldest && *cursor < oldest - 1)
            *cursor = oldest - 1;
        if (*cursor >= newest)
            continue;
        /* Those of no ordinary priority are few and have an index of their own. */
        uint64_t last = priority || newest - *cursor <= OBS__READ_WINDOW ? newest : *cursor + OBS__READ_WINDOW;
        status = read_rows(&added, subscription, snapshot, priority, last, !found, error);
        found += added;
        *more |= *cursor < newest;
    }
    *more |= found > 0;
    return status;
}

obs_status obs__claims_refill(int *more, obs_subscription *subscription, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    *more = 0;
    obs_status status = obs__snapshot_begin(&snapshot, subscription->gate->journal, error);
    if (status == OBS_OK)
        status = refill(more, subscription, snapshot, error);
    obs__snapshot_end(snapshot);
    /* With all claims taken it goes on as soon as some are settled. */
    if (status == OBS_RESOURCE_EXHAUSTED && subscription->claims->header->used >= OBS__CLAIMS_MAX) {
        *more = 0;
        return obs__ok(error);
    }
    return status;
}
