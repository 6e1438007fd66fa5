/* The prepared statements of a connection, found by the address of their SQL text. */
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "journal/connection.h"
#include "journal/journal.h"

/* A slot of the open hash table; no SQL: free. */
struct obs__cached {
    const char *sql;
    sqlite3_stmt *statement;
};

static struct obs__cached *slot_of(struct obs__cached *cache, size_t capacity, const char *sql)
{
    /* Texts lie some bytes apart: the multiplication spreads them over the upper bits. */
    size_t at = (size_t)((uint64_t)(uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (capacity - 1);
    while (cache[at].sql && cache[at].sql != sql)
        at = (at + 1) & (capacity - 1);
    return &cache[at];
}

static int make_room(obs__connection *connection)
{
    if (connection->count * 2 < connection->capacity)
        return 1;
    size_t capacity = connection->capacity ? connection->capacity * 2 : 64;
    struct obs__cached *cache = obs__calloc(capacity, sizeof *cache);
    if (!cache)
        return 0;
    for (size_t i = 0; i < connection->capacity; i++)
        if (connection->cache[i].sql)
            *slot_of(cache, capacity, connection->cache[i].sql) = connection->cache[i];
    obs__free(connection->cache);
    connection->cache = cache;
    connection->capacity = capacity;
    return 1;
}

obs_status obs__connection_prepare(sqlite3_stmt **out, obs__connection *connection, const char *sql, unsigned flags,
                                   obs_error *error)
{
    *out = NULL;
    int code = sqlite3_prepare_v3(connection->handle, sql, -1, flags, out, NULL);
    return code == SQLITE_OK ? OBS_OK : obs__sqlite_fail(error, connection->handle, code, "cannot ask the tenant database");
}

obs_status obs__connection_statement(sqlite3_stmt **out, obs__connection *connection, const char *sql, obs_error *error)
{
    *out = NULL;
    if (!make_room(connection))
        return obs__fail_memory(error);
    struct obs__cached *slot = slot_of(connection->cache, connection->capacity, sql);
    if (slot->sql) {
        sqlite3_reset(slot->statement);
        sqlite3_clear_bindings(slot->statement);
    } else {
        obs_status status = obs__connection_prepare(&slot->statement, connection, sql, SQLITE_PREPARE_PERSISTENT, error);
        if (status != OBS_OK)
            return status;
        slot->sql = sql;
        connection->count++;
    }
    *out = slot->statement;
    return OBS_OK;
}

obs_status obs__connection_script(obs__connection *connection, const char *sql, const char *what, obs_error *error)
{
    int code = sqlite3_exec(connection->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? OBS_OK : obs__sqlite_fail(error, connection->handle, code, what);
}

void obs__connection_reset(obs__connection *connection)
{
    for (sqlite3_stmt *at = NULL; (at = sqlite3_next_stmt(connection->handle, at));)
        if (sqlite3_stmt_busy(at))
            sqlite3_reset(at);
}

void obs__connection_close(obs__connection *connection)
{
    if (!connection)
        return;
    for (size_t i = 0; i < connection->capacity; i++)
        sqlite3_finalize(connection->cache[i].statement);
    obs__free(connection->cache);
    sqlite3_close_v2(connection->handle); /* v2: statements that a caller still holds keep it alive */
    obs__free(connection);
}
