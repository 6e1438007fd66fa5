/* Removing events that nobody needs any more, a few at a time. */
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "event/retention.h"

#define STEP_BYTES ((int64_t)4 << 20) /* the pages of large events cost time under the writer lock */
#define WINDOW 4096                   /* events looked at for one answer */
#define GONE_STEP 256

/* What comes again or is a dead letter needs its event, wherever the position is. */
#define IS_NAMED                                                                                                               \
    "EXISTS(SELECT 1 FROM delivery d WHERE d.consumer = c.name AND d.sequence = e.sequence)"                                   \
    " OR EXISTS(SELECT 1 FROM dead d WHERE d.consumer = c.name AND d.sequence = e.sequence)"
#define WANTED " AND e.sequence > ?1 AND e.sequence <= ?2 AND e.time_ns < ?3"
#define COLUMNS "SELECT e.sequence, e.source, e.id, length(e.json) FROM "

/* Below all positions; and above the lowest one, what its consumer has done nevertheless. */
static const char below[] =
    COLUMNS "event e WHERE e.sequence <= coalesce((SELECT min(position) FROM consumer), 9223372036854775807)" WANTED
            " AND NOT EXISTS(SELECT 1 FROM consumer c WHERE " IS_NAMED ") ORDER BY e.sequence LIMIT ?4";
static const char above[] =
    COLUMNS "done o CROSS JOIN event e ON e.sequence = o.sequence"
            " WHERE o.consumer = (SELECT name FROM consumer ORDER BY position, name LIMIT 1) AND o.sequence > ?1" WANTED
            " AND NOT EXISTS(SELECT 1 FROM consumer c WHERE (e.sequence > c.position AND NOT EXISTS(SELECT 1 FROM done d"
            " WHERE d.consumer = c.name AND d.sequence = e.sequence)) OR " IS_NAMED ") ORDER BY o.sequence LIMIT ?4";

typedef struct victim {
    int64_t sequence;
    int64_t size;
    unsigned char identity[OBS__IDENTITY_SIZE];
} victim;

obs_status obs__identity(unsigned char out[OBS__IDENTITY_SIZE], const char *source, const char *id, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs__builder text;
    obs__builder_init(&text, SIZE_MAX / 2);
    obs__add(&text, source, strlen(source) + 1);
    obs__add_text(&text, id);
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, text.data, text.size, error);
    if (status == OBS_OK)
        memcpy(out, hash, OBS__IDENTITY_SIZE);
    obs__builder_free(&text);
    return status;
}

static void bind(sqlite3_stmt *statement, const obs__sweep *sweep, unsigned most)
{
    uint64_t last = sweep->last - sweep->after > WINDOW ? sweep->after + WINDOW : sweep->last;
    sqlite3_bind_int64(statement, 1, (int64_t)sweep->after);
    sqlite3_bind_int64(statement, 2, (int64_t)last);
    sqlite3_bind_int64(statement, 3, sweep->before_ns);
    sqlite3_bind_int(statement, 4, (int)most);
}

/* One number of one row; `otherwise` when there is none. */
static obs_status ask(int64_t *out, obs__txn *txn, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "read the size of the event log");
    sqlite3_reset(statement);
    return status;
}

static obs_status run(obs__txn *txn, const char *sql, const int64_t *numbers, int count, obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    for (int i = 0; status == OBS_OK && i < count; i++)
        sqlite3_bind_int64(statement, i + 1, numbers[i]);
    return status == OBS_OK ? obs__txn_run(txn, statement, error) : status;
}

/* Those that go, until there are enough of them. */
static obs_status choose(victim *out, unsigned *count, const obs__sweep *sweep, obs__txn *txn, const char *sql,
                         obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    int64_t bytes = 0;
    int code = SQLITE_DONE;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    bind(statement, sweep, sweep->most);
    while (status == OBS_OK && *count < sweep->most && bytes < STEP_BYTES && sweep->bytes - bytes > sweep->down_to &&
           (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *source = (const char *)sqlite3_column_text(statement, 1);
        const char *id = (const char *)sqlite3_column_text(statement, 2);
        victim *one = &out[(*count)++];
        one->sequence = sqlite3_column_int64(statement, 0);
        one->size = sqlite3_column_int64(statement, 3);
        bytes += one->size;
        status = source && id ? obs__identity(one->identity, source, id, error) : obs__fail_memory(error);
    }
    if (status == OBS_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "read old events");
    sqlite3_reset(statement);
    return status;
}

static obs_status remember(const victim *one, const obs__sweep *sweep, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT OR REPLACE INTO gone(identity, time_ns) VALUES(?1, ?2)";
    sqlite3_stmt *statement = NULL;
    if (!sweep->remember_ns)
        return OBS_OK;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_blob(statement, 1, one->identity, OBS__IDENTITY_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, sweep->now_ns);
    return obs__txn_run(txn, statement, error);
}

static obs_status remove_one(const victim *one, obs__sweep *sweep, obs__txn *txn, obs_error *error)
{
    /* What was done above a position is forgotten with its event: nobody can be handed it any more. */
    static const char done[] = "DELETE FROM done WHERE sequence = ?1 AND consumer IN (SELECT name FROM consumer)";
    obs_status status = run(txn, "DELETE FROM event WHERE sequence = ?1", &one->sequence, 1, error);
    if (status == OBS_OK)
        status = run(txn, done, &one->sequence, 1, error);
    if (status == OBS_OK)
        status = remember(one, sweep, txn, error);
    sweep->bytes -= one->size;
    sweep->removed++;
    return status;
}

/* Identities are numbered in the order in which they went. */
static obs_status forget(const obs__sweep *sweep, obs__txn *txn, obs_error *error)
{
    static const char many[] = "DELETE FROM gone WHERE number <= (SELECT max(number) FROM gone) - ?1 AND number <"
                               " (SELECT min(number) FROM gone) + ?2";
    static const char old[] = "DELETE FROM gone WHERE number < (SELECT min(number) FROM gone) + ?1 AND time_ns < ?2";
    const int64_t bounds[] = {OBS__GONE_MAX, GONE_STEP};
    const int64_t age[] = {GONE_STEP, sweep->now_ns - sweep->remember_ns};
    obs_status status = run(txn, many, bounds, 2, error);
    return status == OBS_OK ? run(txn, old, age, 2, error) : status;
}

obs_status obs__sweep_run(obs__sweep *sweep, obs__txn *txn, obs_error *error)
{
    static const char count[] = "UPDATE event_log SET bytes = bytes - ?1, alarm = alarm AND bytes - ?1 > ?2";
    victim victims[OBS__SWEEP_MAX];
    unsigned found = 0;
    sweep->removed = 0;
    obs_status status = ask(&sweep->bytes, txn, "SELECT bytes FROM event_log", error);
    int64_t before = sweep->bytes;
    if (status == OBS_OK)
        status = choose(victims, &found, sweep, txn, below, error);
    if (status == OBS_OK && !found)
        status = choose(victims, &found, sweep, txn, above, error);
    for (unsigned i = 0; i < found && status == OBS_OK; i++)
        status = remove_one(&victims[i], sweep, txn, error);
    if (found)
        sweep->after = (uint64_t)victims[found - 1].sequence;
    const int64_t numbers[] = {before - sweep->bytes, sweep->limit / 5 * 3};
    if (status == OBS_OK && found)
        status = run(txn, count, numbers, 2, error);
    return status == OBS_OK ? forget(sweep, txn, error) : status;
}

static obs_status look(int *found, uint64_t *at, const obs__sweep *sweep, obs__snapshot *snapshot, const char *sql,
                       obs_error *error)
{
    sqlite3_stmt *statement = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    bind(statement, sweep, 1);
    int code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *at = (uint64_t)sqlite3_column_int64(statement, 0);
    else if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "read old events");
    sqlite3_reset(statement);
    return status;
}

/* The next event of the log, whatever it is: 0 when there is none that is old enough. */
static obs_status next_old(uint64_t *out, const obs__sweep *sweep, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] = "SELECT sequence, time_ns FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT 1";
    sqlite3_stmt *statement = NULL;
    *out = 0;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (int64_t)sweep->after);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int64(statement, 1) < sweep->before_ns)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return status;
}

obs_status obs__sweep_look(int *found, obs__sweep *sweep, obs__snapshot *snapshot, obs_error *error)
{
    uint64_t next = 0, at = 0;
    obs_status status = OBS_OK;
    *found = 0;
    while (status == OBS_OK && !*found) {
        status = next_old(&next, sweep, snapshot, error);
        if (status != OBS_OK || !next || next > sweep->last)
            return status;
        sweep->after = next - 1;
        status = look(found, &at, sweep, snapshot, below, error);
        if (status == OBS_OK && !*found)
            status = look(found, &at, sweep, snapshot, above, error);
        sweep->after = *found ? at - 1 : sweep->after + WINDOW;
    }
    return status;
}
