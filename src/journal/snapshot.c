/* Reading: a few connections are kept, each for one thread at a time. */
#include "base/error.h"
#include "base/memory.h"
#include "journal/core.h"

struct obs__snapshot {
    obs__journal *journal; /* held */
    obs__core *core;
    obs__connection *connection;
};

static obs__connection *take_idle(obs__core *core)
{
    pthread_mutex_lock(&core->pool_mutex);
    obs__connection *connection = core->idle_count ? core->idle[--core->idle_count] : NULL;
    pthread_mutex_unlock(&core->pool_mutex);
    return connection;
}

static void give_back(obs__core *core, obs__connection *connection)
{
    pthread_mutex_lock(&core->pool_mutex);
    int kept = core->idle_count < OBS__POOL_SIZE;
    if (kept)
        core->idle[core->idle_count++] = connection;
    pthread_mutex_unlock(&core->pool_mutex);
    if (!kept)
        obs__connection_close(connection);
}

static obs_status connect(obs__connection **out, obs__core *core, obs_error *error)
{
    while ((*out = take_idle(core))) {
        if (obs__connection_current(*out, &core->place))
            return OBS_OK;
        obs__connection_close(*out);
    }
    return obs__connection_open(out, &core->place, core->reading, error);
}

static obs_status run(obs__connection *connection, const char *sql, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__connection_statement(&statement, connection, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        status = obs__sqlite_fail(error, connection->handle, code, "cannot read the tenant database");
    sqlite3_reset(statement);
    return status;
}

obs_status obs__snapshot_begin(obs__snapshot **out, obs__journal *journal, obs_error *error)
{
    obs__core *core;
    *out = NULL;
    obs_status status = obs__core_of(&core, journal, NULL, error);
    if (status != OBS_OK)
        return status;
    obs__snapshot *snapshot = obs__calloc(1, sizeof *snapshot);
    if (!snapshot)
        return obs__fail_memory(error);
    snapshot->core = core;
    status = connect(&snapshot->connection, core, error);
    if (status == OBS_OK)
        status = run(snapshot->connection, "BEGIN", error);
    if (status != OBS_OK) {
        obs__connection_close(snapshot->connection);
        obs__free(snapshot);
        return status;
    }
    snapshot->journal = obs__journal_retain(journal);
    *out = snapshot;
    return OBS_OK;
}

obs_status obs__snapshot_statement(sqlite3_stmt **out, obs__snapshot *snapshot, const char *sql, obs_error *error)
{
    return obs__connection_statement(out, snapshot->connection, sql, error);
}

obs_status obs__snapshot_prepare(sqlite3_stmt **out, obs__snapshot *snapshot, const char *sql, obs_error *error)
{
    return obs__connection_prepare(out, snapshot->connection, sql, 0, error);
}

sqlite3 *obs__snapshot_database(obs__snapshot *snapshot)
{
    return snapshot->connection->handle;
}

void obs__snapshot_end(obs__snapshot *snapshot)
{
    if (!snapshot)
        return;
    /* Begun in the parent of this process: its connection is the parent's. */
    if (snapshot->core->generation == obs__generation()) {
        obs__connection_reset(snapshot->connection);
        if (run(snapshot->connection, "COMMIT", NULL) == OBS_OK)
            give_back(snapshot->core, snapshot->connection);
        else
            obs__connection_close(snapshot->connection);
    }
    obs__journal_free(snapshot->journal);
    obs__free(snapshot);
}
