/* What only the tables of the source say: how events are ordered, and what changed since. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "relay/relay.h"

static char *copy_column(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    char *text = obs__alloc(size + 1);
    if (text && size)
        memcpy(text, data, size);
    if (text)
        text[size] = '\0';
    return text;
}

static obs_status open_rows(obs__snapshot **snapshot, sqlite3_stmt **statement, obs_client *from, const char *sql,
                            obs_error *error)
{
    *statement = NULL;
    obs_status status = obs__snapshot_begin(snapshot, from->gate->gate.journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(statement, *snapshot, sql, error);
    if (status != OBS_OK)
        obs__snapshot_end(*snapshot);
    return status;
}

static obs_status close_rows(obs__snapshot *snapshot, sqlite3_stmt *statement, int code, obs_status status, obs_error *error)
{
    if (status == OBS_OK && code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read what is to be relayed");
    sqlite3_reset(statement);
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs__relay_ordering(char **key, int *priority, obs_client *from, uint64_t sequence, obs_error *error)
{
    static const char sql[] = "SELECT partition_key, priority FROM event WHERE sequence = ?1";
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *key = NULL;
    *priority = 0;
    obs_status status = open_rows(&snapshot, &statement, from, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, (int64_t)sequence);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        *priority = sqlite3_column_int(statement, 1);
        *key = copy_column(statement, 0);
        status = *key ? OBS_OK : obs__fail_memory(error);
    }
    return close_rows(snapshot, statement, code, status, error);
}

obs_status obs__relay_keys(char **out, size_t *count, int64_t *position, obs_client *from, const char *sql, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *count = 0;
    obs_status status = open_rows(&snapshot, &statement, from, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, *position);
    int code = SQLITE_DONE;
    while (status == OBS_OK && *count < OBS__RELAY_BATCH && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        out[*count] = copy_column(statement, 1);
        if (out[*count])
            ++*count;
        else
            status = obs__fail_memory(error);
        if (status == OBS_OK)
            *position = sqlite3_column_int64(statement, 0);
    }
    return close_rows(snapshot, statement, code, status, error);
}

obs_status obs__relay_number(int64_t *out, obs_client *from, const char *sql, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *out = 0;
    obs_status status = open_rows(&snapshot, &statement, from, sql, error);
    if (status != OBS_OK)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    return close_rows(snapshot, statement, code, OBS_OK, error);
}
