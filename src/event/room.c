/* Whether there is room for one more event, and what to say when there is none. */
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "event/bus_internal.h"
#include "event/retention.h"

#define PUBLISH_STEP 16 /* so many may go for one that comes: the log cannot grow while there are any */
#define MIB ((double)(1 << 20))

const char obs__room_slowest[] =
    "SELECT name, coalesce((SELECT max(sequence) FROM event), 0) - position, (SELECT count(*) FROM dead) FROM consumer"
    " ORDER BY position, name LIMIT 1";

void obs__room_describe(char *out, size_t size, int64_t bytes, int64_t limit, sqlite3_stmt *slowest)
{
    int there = sqlite3_step(slowest) == SQLITE_ROW;
    const char *name = there ? (const char *)sqlite3_column_text(slowest, 0) : NULL;
    long long behind = there ? sqlite3_column_int64(slowest, 1) : 0;
    long long dead = there ? sqlite3_column_int64(slowest, 2) : 0;
    int used = snprintf(out, size, "%.4g of %.4g MiB of events", (double)bytes / MIB, (double)limit / MIB);
    char *rest = out + used;
    size_t left = size - (size_t)used;
    if (name && behind > 0)
        snprintf(rest, left,
                 ", and the consumer '%.128s' is the slowest, %lld events behind: start it, remove it with 'obsctl journal rm"
                 " %.128s', or raise 'limit' of 'events' in obs.yaml",
                 name, behind, name);
    else if (dead)
        snprintf(rest, left,
                 ", and there are %lld dead letters: 'obsctl journal dead' shows them, 'replay' and 'discard' end them", dead);
    sqlite3_reset(slowest);
}

static obs_status step(sqlite3_stmt **out, obs__txn *txn, const char *sql, const int64_t *number, obs_error *error)
{
    obs_status status = obs__txn_statement(out, txn, sql, error);
    if (status == OBS_OK && number)
        sqlite3_bind_int64(*out, 1, *number);
    return status;
}

static obs_status count(int64_t *bytes, int *alarm, obs__txn *txn, int64_t size, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = step(&statement, txn, "UPDATE event_log SET bytes = bytes + ?1", &size, error);
    if (status == OBS_OK)
        status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK)
        status = step(&statement, txn, "SELECT bytes, alarm FROM event_log", NULL, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *bytes = sqlite3_column_int64(statement, 0);
        *alarm = sqlite3_column_int(statement, 1);
    } else {
        status = code == SQLITE_DONE ? obs__fail(error, OBS_DATA_LOSS,
                                                 "the size of the event log is lost: run 'obsctl workspace check --repair'")
                                     : obs__sqlite_fail(error, obs__txn_database(txn), code, "count the events");
    }
    sqlite3_reset(statement);
    return status;
}

static obs_status refuse(obs__txn *txn, int64_t bytes, int64_t limit, obs_error *error)
{
    char text[OBS_ERROR_TEXT_SIZE - 64];
    sqlite3_stmt *slowest = NULL;
    obs_status status = obs__txn_statement(&slowest, txn, obs__room_slowest, error);
    if (status != OBS_OK)
        return status;
    obs__room_describe(text, sizeof text, bytes, limit, slowest);
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the bus is full: with this one there are %s", text);
}

static obs_status read_oldest(uint64_t *out, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, "SELECT min(sequence) FROM event", error);
    if (status != OBS_OK)
        return status;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return OBS_OK;
}

/* Nobody needs them, so their time does not matter. Not the event that came just now, which is the last one. */
static obs_status make_room(int64_t *bytes, obs__retention *retention, obs__txn *txn, uint64_t own, unsigned most,
                            obs_error *error)
{
    uint64_t oldest = 0, front = atomic_load(&retention->front);
    obs_status status = read_oldest(&oldest, txn, error);
    if (status != OBS_OK || !oldest)
        return status;
    obs__sweep sweep = {.after = front >= oldest ? front : oldest - 1,
                        .last = own - 1,
                        .before_ns = INT64_MAX,
                        .down_to = retention->bounds.limit / 4 * 3,
                        .now_ns = obs__now_ns(),
                        .most = most,
                        .limit = retention->bounds.limit,
                        .remember_ns = retention->bounds.remember_ns};
    status = obs__sweep_run(&sweep, txn, error);
    *bytes = sweep.bytes;
    if (status == OBS_OK && sweep.removed)
        atomic_store(&retention->front, sweep.after);
    return status;
}

static obs_status raise(int *alarmed, obs__txn *txn, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, "UPDATE event_log SET alarm = 1", error);
    if (status == OBS_OK)
        status = obs__txn_run(txn, statement, error);
    *alarmed = status == OBS_OK;
    return status;
}

obs_status obs__room_take(int *alarmed, obs__retention *retention, obs__txn *txn, int64_t size, int spare, obs_error *error)
{
    int64_t bytes = 0, limit = retention->bounds.limit;
    int alarm = 0;
    uint64_t own = (uint64_t)sqlite3_last_insert_rowid(obs__txn_database(txn));
    obs_status status = count(&bytes, &alarm, txn, size, error);
    if (status != OBS_OK || bytes <= limit / 4 * 3)
        return status;
    status = make_room(&bytes, retention, txn, own, PUBLISH_STEP, error);
    int64_t most = spare ? limit + limit / 8 : limit;
    if (status == OBS_OK && bytes > most) {
        atomic_store(&retention->front, 0);
        status = make_room(&bytes, retention, txn, own, OBS__SWEEP_MAX, error);
    }
    if (status == OBS_OK && bytes > most)
        return refuse(txn, bytes, limit, error);
    return status == OBS_OK && !alarm && bytes > limit / 5 * 4 ? raise(alarmed, txn, error) : status;
}

static obs_status read_numbers(int64_t out[2], const char *sql, obs__snapshot *snapshot, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    for (int i = 0; i < sqlite3_column_count(statement) && code == SQLITE_ROW; i++)
        out[i] = sqlite3_column_int64(statement, i);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read the size of the event log");
    sqlite3_reset(statement);
    return status;
}

obs_status obs__bus_health(char *out, size_t size, obs_bus *bus, obs_error *error)
{
    int64_t now[2] = {0, 0};
    sqlite3_stmt *slowest = NULL;
    obs__snapshot *snapshot = NULL;
    int64_t limit = bus->retention->bounds.limit;
    *out = '\0';
    obs_status status = obs__snapshot_begin(&snapshot, bus->gate->journal, error);
    if (status == OBS_OK)
        status = read_numbers(now, "SELECT bytes FROM event_log", snapshot, error);
    if (status == OBS_OK)
        status = obs__snapshot_statement(&slowest, snapshot, obs__room_slowest, error);
    if (status == OBS_OK && now[0] > limit / 5 * 4) {
        obs__room_describe(out, size, now[0], limit, slowest);
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%s", out);
    } else if (status == OBS_OK) {
        snprintf(out, size, "%.4g of %.4g MiB", (double)now[0] / MIB, (double)limit / MIB);
    }
    obs__snapshot_end(snapshot);
    return status;
}

static obs_status apply_repair(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO event_log(one, bytes, alarm)"
                              " SELECT 1, coalesce(sum(length(json)), 0), 0 FROM event";
    sqlite3_stmt *statement = NULL;
    (void)effect;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    return status == OBS_OK ? obs__txn_run(txn, statement, error) : status;
}

/* The effect is the caller's own. */
static void keep(obs__effect *effect)
{
    (void)effect;
}

obs_status obs__bus_check(char *problem, size_t size, obs__gate *gate, int repair, const obs__limit *limit, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = apply_repair, .free = keep, .repeatable = 1};
    static const char sql[] = "SELECT coalesce((SELECT bytes FROM event_log), -1), coalesce(sum(length(json)), 0) FROM event";
    obs__effect effect = {.ops = &ops};
    int64_t sizes[2] = {0, 0};
    obs__effects effects = {0};
    obs__snapshot *snapshot = NULL;
    *problem = '\0';
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = read_numbers(sizes, sql, snapshot, error);
    obs__snapshot_end(snapshot);
    if (status != OBS_OK || sizes[0] == sizes[1])
        return status;
    snprintf(problem, size, "the log says that it has %lld bytes, its events have %lld", (long long)sizes[0],
             (long long)sizes[1]);
    if (!repair)
        return OBS_OK;
    obs__effects_add(&effects, &effect);
    status = obs__journal_commit(gate->journal, &effects, limit, error);
    obs__effects_free(&effects);
    return status;
}
