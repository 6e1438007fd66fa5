/* What the leader does while it holds the writer lock. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "journal/core.h"

/* The log is moved into the database when it has grown by so many frames (pages of 4 KiB). */
#define CHECKPOINT_FRAMES 1024
/* After a batch that had to be run twice: most failures come in rows. */
#define CAREFUL_BATCHES 16
/* After so many more when there was no space for them: until then the log grows on a disk that is full. */
#define RETRY_FRAMES 32

static obs_status run(obs__connection *connection, const char *sql, const char *what, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__connection_statement(&statement, connection, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, connection->handle, code, what);
    sqlite3_reset(statement);
    return status;
}

static obs_status begin(obs__connection *connection, obs_error *error)
{
    return run(connection, "BEGIN IMMEDIATE", "cannot write to the tenant database", error);
}

static void roll_back(obs__connection *connection)
{
    /* SQLite may have rolled back on its own; then there is nothing left to do. */
    if (connection && !sqlite3_get_autocommit(connection->handle)) {
        obs__connection_reset(connection);
        run(connection, "ROLLBACK", "cannot undo a change of the tenant database", NULL);
    }
}

/* SQLite undoes a whole transaction on its own when memory or the disk fails in the middle of a statement. What follows
 * would be committed row by row: an effect that overlooked the failure must not let the others go on. */
static obs_status still_open(const obs__connection *connection, obs_error *error)
{
    if (!sqlite3_get_autocommit(connection->handle))
        return OBS_OK;
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "not enough memory or space: nothing of the change was kept");
}

static obs_status end(obs__connection *connection, obs_error *error)
{
    obs_status status = still_open(connection, error);
    if (status != OBS_OK)
        return status;
    obs__connection_reset(connection);
    return run(connection, "COMMIT", "cannot make a change of the tenant database durable", error);
}

static obs_status apply_schemas(obs__core *core, obs_error *error)
{
    obs_status status = begin(core->writer, error);
    for (const char **schema = core->journal->schemas; *schema && status == OBS_OK; schema++)
        status = obs__connection_script(core->writer, *schema, "cannot make the tables of the tenant", error);
    if (status == OBS_OK)
        status = end(core->writer, error);
    roll_back(core->writer);
    return status;
}

static obs_status open_writer(obs__core *core, int create, obs_error *error)
{
    obs_status status = create ? obs__connection_create(&core->writer, &core->place, error)
                               : obs__connection_open(&core->writer, &core->place, OBS__WRITER, error);
    if (status == OBS_OK)
        status = apply_schemas(core, error);
    if (status != OBS_OK) {
        obs__connection_close(core->writer);
        core->writer = NULL;
    }
    core->recover_due = 1;
    core->last_frames = 0;
    core->checkpoint_at = CHECKPOINT_FRAMES;
    core->log_found = 1;
    return status;
}

static obs_status recover(obs__core *core, obs_error *error)
{
    obs__txn txn = {.connection = core->writer};
    obs_status status = core->journal->recover ? begin(core->writer, error) : OBS_OK;
    if (status == OBS_OK && core->journal->recover)
        status = core->journal->recover(core->journal->user, &txn, error);
    if (status == OBS_OK && core->journal->recover)
        status = end(core->writer, error);
    roll_back(core->writer);
    if (status == OBS_OK) {
        core->recover_due = 0;
        obs__lock_mark(core->lock, 0);
    }
    return status;
}

obs_status obs__writer_ready(obs__core *core, int create, obs_error *error)
{
    obs_status status = OBS_OK;
    /* Another tool may have removed the log, or a backup may have been put back: never write to files without a name. */
    if (core->writer && !obs__connection_current(core->writer, &core->place)) {
        obs__connection_close(core->writer);
        core->writer = NULL;
    }
    if (!core->writer)
        status = open_writer(core, create, error);
    if (status == OBS_OK && (core->recover_due || obs__lock_marked(core->lock)))
        status = recover(core, error);
    return status;
}

static obs_status apply_effects(obs__request *request, obs__txn *txn)
{
    obs_status status = OBS_OK;
    txn->limit = request->limit;
    for (obs__effect *effect = request->effects->first; effect && status == OBS_OK; effect = effect->next) {
        status = effect->ops->apply(effect, txn, request->error);
        if (status == OBS_OK)
            status = still_open(txn->connection, request->error);
    }
    return status;
}

/* One request among others: what it did is undone alone when it fails. Returns what is wrong with the whole batch. */
static obs_status apply_alone(obs__request *request, obs__txn *txn, obs_error *error)
{
    static const char what[] = "cannot write to the tenant database";
    obs__connection *connection = txn->connection;
    int woke = txn->wake;
    obs_status status = run(connection, "SAVEPOINT request", what, error);
    if (status != OBS_OK)
        return status;
    request->status = apply_effects(request, txn);
    if (request->status != OBS_OK) {
        txn->wake = woke;
        if (sqlite3_get_autocommit(connection->handle)) /* the disk or memory failed: SQLite undid everything */
            return obs__copy_error(error, request->error), request->status;
        status = run(connection, "ROLLBACK TO request", what, error);
    }
    return status == OBS_OK ? run(connection, "RELEASE request", what, error) : status;
}

static int is_repeatable(const obs__request *batch)
{
    for (; batch; batch = batch->next)
        for (const obs__effect *effect = batch->effects->first; effect; effect = effect->next)
            if (!effect->ops->repeatable)
                return 0;
    return 1;
}

/* Without savepoints, each of which costs a copy of every page that is written behind it. 0: one of the requests failed. */
static int apply_together(obs__request *batch, obs__txn *txn)
{
    for (; batch; batch = batch->next)
        if ((batch->status = apply_effects(batch, txn)) != OBS_OK)
            return 0;
    return 1;
}

/* Undoes a batch. Where memory or the disk failed SQLite in the middle, what it and its full text index hold in memory is not
 * to be trusted with the next one: the connection is opened anew. */
static void give_up(obs__core *core, int is_broken)
{
    if (!core->writer) /* it could not be opened again */
        return;
    is_broken |= sqlite3_get_autocommit(core->writer->handle) != 0; /* it was undone already, by SQLite */
    roll_back(core->writer);
    if (is_broken) {
        obs__connection_close(core->writer);
        core->writer = NULL;
    }
}

static obs_status start_over(obs__core *core, obs__request *batch, obs__txn *txn, obs_error *error)
{
    give_up(core, 0);
    obs_status status = obs__writer_ready(core, 0, error);
    *txn = (obs__txn){.connection = core->writer};
    for (; batch; batch = batch->next)
        batch->status = OBS_OK;
    return status == OBS_OK ? begin(core->writer, error) : status;
}

static obs_status apply_all(obs__core *core, obs__request *batch, obs__txn *txn, obs_error *error)
{
    obs_status status = OBS_OK;
    if (!batch->next) {
        batch->status = apply_effects(batch, txn);
        return OBS_OK;
    }
    if (core->careful) {
        core->careful--;
    } else if (is_repeatable(batch)) {
        if (apply_together(batch, txn))
            return OBS_OK;
        core->careful = CAREFUL_BATCHES;
        status = start_over(core, batch, txn, error);
    }
    for (obs__request *request = batch; request && status == OBS_OK; request = request->next)
        status = apply_alone(request, txn, error);
    return status;
}

static size_t count_good(const obs__request *batch)
{
    size_t count = 0;
    for (; batch; batch = batch->next)
        count += batch->status == OBS_OK;
    return count;
}

static int must_finish(const obs__request *batch)
{
    for (; batch; batch = batch->next)
        for (obs__effect *effect = batch->status == OBS_OK ? batch->effects->first : NULL; effect; effect = effect->next)
            if (effect->ops->finish)
                return 1;
    return 0;
}

static void finish_all(const obs__request *batch)
{
    for (; batch; batch = batch->next)
        for (obs__effect *effect = batch->status == OBS_OK ? batch->effects->first : NULL; effect; effect = effect->next)
            if (effect->ops->finish)
                effect->ops->finish(effect);
}

static void fail_all(obs__request *batch, const obs_error *error)
{
    for (; batch; batch = batch->next)
        if (batch->status == OBS_OK)
            batch->status = obs__copy_error(batch->error, error);
}

static obs_status commit_batch(obs__core *core, obs__request *batch, obs__txn *txn, obs_error *error)
{
    obs_status status = begin(core->writer, error);
    if (status != OBS_OK)
        return status;
    status = apply_all(core, batch, txn, error);
    if (status != OBS_OK || !count_good(batch)) {
        give_up(core, 0);
        return status;
    }
    int dirty = must_finish(batch);
    if (dirty)
        obs__lock_mark(core->lock, 1);
    status = end(core->writer, error);
    if (status == OBS_OK)
        finish_all(batch);
    else
        give_up(core, 1);
    if (dirty)
        obs__lock_mark(core->lock, 0);
    return status;
}

void obs__batch_run(obs__core *core, obs__request *batch)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_status status = obs__writer_ready(core, 0, &error);
    obs__txn txn = {.connection = core->writer};
    if (status == OBS_OK)
        status = commit_batch(core, batch, &txn, &error);
    if (status != OBS_OK)
        fail_all(batch, &error);
    else if (txn.wake && core->wake >= 0)
        futimens(core->wake, NULL);
}

/* That all of the log is in the database stands in the shared index, which ends with the last process: who comes then finds
 * the log whole and moves all of it once more. The commit after a checkpoint begins the log anew, but programs that make one
 * commit and end would never come to it: each would move a log that only grows. */
static void begin_log(obs__core *core)
{
    core->log_found = 0;
    obs__connection_reset(core->writer);
    obs__connection_script(core->writer, "BEGIN IMMEDIATE; PRAGMA user_version=1; COMMIT", "cannot begin the log anew", NULL);
    roll_back(core->writer);
}

void obs__writer_checkpoint(obs__core *core)
{
    obs__connection *writer = core->writer;
    int frames = 0, moved = 0;
    if (!writer)
        return;
    if (writer->log_frames < core->last_frames) { /* it was begun anew, by us or by another process */
        core->checkpoint_at = CHECKPOINT_FRAMES;
        core->log_found = 0;
    }
    core->last_frames = writer->log_frames;
    if (writer->log_frames < core->checkpoint_at)
        return;
    /* Passive: waits for nobody. What readers still need stays; the next writer begins the log anew once nothing does. A
     * failure costs nothing but space, and the next one tries again. */
    int code = sqlite3_wal_checkpoint_v2(writer->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
    core->checkpoint_at = writer->log_frames + ((code & 0xFF) == SQLITE_FULL ? RETRY_FRAMES : CHECKPOINT_FRAMES);
    if (code == SQLITE_OK && core->log_found && moved == frames)
        begin_log(core);
}

obs_status obs__txn_statement(sqlite3_stmt **out, obs__txn *txn, const char *sql, obs_error *error)
{
    return obs__connection_statement(out, txn->connection, sql, error);
}

obs_status obs__txn_run(obs__txn *txn, sqlite3_stmt *statement, obs_error *error)
{
    obs_status status = OBS_OK;
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = obs__sqlite_fail(error, txn->connection->handle, code, "cannot write to the tenant database");
    sqlite3_reset(statement);
    return status;
}

sqlite3 *obs__txn_database(obs__txn *txn)
{
    return txn->connection->handle;
}

const obs__limit *obs__txn_limit(const obs__txn *txn)
{
    return txn->limit;
}

void obs__txn_wake(obs__txn *txn)
{
    txn->wake = 1;
}
