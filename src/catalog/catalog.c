/* The catalog's handle, single entries, and labels. */
#include "catalog/catalog.h"

#include "base/error.h"
#include "base/memory.h"
#include "catalog/handle.h"
#include "catalog/row.h"

obs_status obs__catalog_open(obs_catalog **out, obs__gate *gate, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    (*out)->gate = gate->ops->retain(gate);
    return OBS_OK;
}

void obs__catalog_free(obs_catalog *catalog)
{
    if (!catalog)
        return;
    obs__definitions_forget(catalog);
    catalog->gate->ops->free(catalog->gate);
    obs__free(catalog);
}

obs_status obs__catalog_require(const obs_catalog *catalog, const char *key, size_t size, obs_error *error)
{
    if (!catalog || !key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a catalog and a key are required");
    if (!obs__view_of(key, size).size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the key is empty");
    return OBS_OK;
}

static obs_status read_entry(obs_buffer **out, obs__snapshot *snapshot, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT " OBS__ROW_COLUMNS " FROM entry WHERE key = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        obs__row row;
        obs__builder json;
        obs__builder_init(&json, (size_t)64 << 20);
        obs__row_read(&row, statement);
        obs__row_json(&json, &row);
        status = obs__builder_finish(out, &json, error);
        obs__builder_free(&json);
    } else if (code == SQLITE_DONE)
        status = obs__fail(error, OBS_NOT_FOUND, "no entry '%.*s' in the catalog", (int)key.size, key.data);
    else
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status;
}

obs_status obs__catalog_read(obs_buffer **out, obs__gate *gate, obs__view key, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    *out = NULL;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = read_entry(out, snapshot, key, error);
    obs__snapshot_end(snapshot);
    return status;
}

obs_status obs_catalog_get(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error)
{
    obs__scope scope;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = obs__catalog_require(catalog, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, catalog->gate, OBS__READ, "catalog.get", key, key_size, call, error);
    if (status != OBS_OK)
        return status;
    return obs__gate_leave(&scope, obs__catalog_read(out, catalog->gate, scope.object, error), error);
}

static obs_status change_labels(obs__scope *scope, const obs_pair *labels, size_t count, obs_error *error)
{
    obs__effects effects = {0};
    obs_status status = obs__catalog_labels(&effects, scope->object, labels, count, error);
    if (status == OBS_OK)
        status = scope->gate->ops->relabel(scope, scope->object, labels, count, &effects, error);
    if (status == OBS_OK)
        return obs__gate_commit(scope, &effects, error);
    obs__effects_free(&effects);
    return status;
}

obs_status obs_catalog_label(obs_catalog *catalog, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                             const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_status status = obs__catalog_require(catalog, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, catalog->gate, OBS__CHANGE, "catalog.label", key, key_size, call, error);
    if (status != OBS_OK)
        return status;
    return obs__gate_leave(&scope, change_labels(&scope, labels, count, error), error);
}

obs_status obs__catalog_count(obs__catalog_counts *out, obs__gate *gate, obs_error *error)
{
    /* Indexed blocks know their sums; beyond them there are at most some thousand entries. */
    static const char sql[] = "SELECT coalesce(sum(objects), 0), coalesce(sum(records), 0), coalesce(sum(bytes), 0) FROM ("
                              "SELECT objects, records, bytes FROM block UNION ALL "
                              "SELECT kind <> 'record', kind = 'record', size FROM entry"
                              " WHERE id >= 1024 * (SELECT coalesce(max(id) + 1, 0) FROM block))";
    obs__snapshot *snapshot;
    sqlite3_stmt *statement;
    *out = (obs__catalog_counts){0};
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status == OBS_OK) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *out = (obs__catalog_counts){(uint64_t)sqlite3_column_int64(statement, 0),
                                         (uint64_t)sqlite3_column_int64(statement, 1),
                                         (uint64_t)sqlite3_column_int64(statement, 2)};
        else
            status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot count the catalog");
        sqlite3_reset(statement);
    }
    obs__snapshot_end(snapshot);
    return status;
}
