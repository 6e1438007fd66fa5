/* Data definitions: stored by name and version, compiled when they are used. */
#include "catalog/definition.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "catalog/handle.h"

static const char newest_sql[] = "SELECT version, sha256, schema FROM definition WHERE name = ?1 ORDER BY version DESC LIMIT 1";

static int is_name(obs__view name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!name.data[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name.data[i]))
            return 0;
    return name.size > 0 && name.size <= OBS__DEFINITION_NAME_MAX;
}

static obs_status check_name(const char *name, obs_error *error)
{
    obs__view view = obs__view_of(name, OBS_TEXT);
    if (is_name(view))
        return OBS_OK;
    return obs__fail(error, OBS_INVALID_ARGUMENT,
                     "'%.128s' is not the name of a data definition: it has 1 to 128 of a-z, 0-9, '.', '_' and '-'", view.data);
}

static obs_status load(json_t **out, obs__view text, const char *name, obs_error *error)
{
    const obs__json_options options = {.size_limit = OBS__DEFINITION_SIZE_MAX, .name = name};
    return obs__json_load(out, text.data, text.size, &options, error);
}

static obs_status compile(obs__schema **out, const json_t *json, const char *name, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__schema_compile(out, json, OBS__SCHEMA_FORMATS, &why);
    return status == OBS_OK ? OBS_OK : obs__fail(error, status, "data definition '%s': %s", name, why.message);
}

/* From the row that newest_sql stands on. */
static obs_status make(obs__definition **out, sqlite3_stmt *row, const char *name, obs_error *error)
{
    json_t *json = NULL;
    const void *hash = sqlite3_column_blob(row, 1);
    obs__view text = {sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2)};
    obs__definition *made = obs__calloc(1, sizeof *made);
    if (!made)
        return obs__fail_memory(error);
    made->holders = 1;
    made->version = sqlite3_column_int64(row, 0);
    memcpy(made->sha256, hash, OBS__SHA256_SIZE);
    snprintf(made->name, sizeof made->name, "%s", name);
    obs_status status = load(&json, text, name, error);
    if (status == OBS_OK)
        status = compile(&made->schema, json, name, error);
    json_decref(json);
    if (status == OBS_OK)
        *out = made;
    else
        obs__definition_free(made);
    return status;
}

static obs_status not_found(obs__snapshot *snapshot, const char *name, obs_error *error)
{
    static const char sql[] = "SELECT DISTINCT name FROM definition ORDER BY name LIMIT 20";
    sqlite3_stmt *names;
    obs__builder list;
    obs_status status = obs__snapshot_statement(&names, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&list, 300);
    int code;
    while ((code = sqlite3_step(names)) == SQLITE_ROW && !list.failed)
        obs__add_format(&list, "%s'%s'", list.size ? ", " : "", (const char *)sqlite3_column_text(names, 0));
    sqlite3_reset(names);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the data definitions");
    else if (list.size)
        status = obs__fail(error, OBS_NOT_FOUND, "no data definition '%s'; there are %s", name, list.data);
    else
        status = obs__fail(error, OBS_NOT_FOUND, "no data definition '%s', and no other: store one first", name);
    obs__builder_free(&list);
    return status;
}

/* Stands on the newest version of a definition; *out_row is NULL when there is none. Valid until the snapshot ends. */
static obs_status find_newest(sqlite3_stmt **out_row, obs__snapshot *snapshot, const char *name, obs_error *error)
{
    sqlite3_stmt *statement;
    *out_row = NULL;
    obs_status status = obs__snapshot_statement(&statement, snapshot, newest_sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        return OBS_OK;
    if (code != SQLITE_ROW)
        return obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the data definitions");
    if (sqlite3_column_bytes(statement, 1) != OBS__SHA256_SIZE)
        return obs__fail(error, OBS_DATA_LOSS, "the data definition '%s' is damaged", name);
    *out_row = statement;
    return OBS_OK;
}

static obs_status get(obs__definition **out, obs__snapshot *snapshot, const char *name, obs_error *error)
{
    sqlite3_stmt *row;
    obs_status status = find_newest(&row, snapshot, name, error);
    if (status != OBS_OK)
        return status;
    if (!row)
        return not_found(snapshot, name, error);
    *out = obs__definition_cached(name, sqlite3_column_int64(row, 0), sqlite3_column_blob(row, 1));
    if (*out)
        return OBS_OK;
    status = make(out, row, name, error);
    if (status == OBS_OK)
        obs__definition_remember(*out);
    return status;
}

obs_status obs__definition_get(obs__definition **out, obs_catalog *catalog, const char *name, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    *out = NULL;
    obs_status status = check_name(name, error);
    if (status == OBS_OK)
        status = obs__snapshot_begin(&snapshot, catalog->gate->journal, error);
    if (status == OBS_OK)
        status = get(out, snapshot, name, error);
    obs__snapshot_end(snapshot);
    return status;
}

typedef struct put_effect {
    obs__effect effect;
    int64_t version; /* the one that it becomes */
    int64_t time_ns;
    unsigned char sha256[OBS__SHA256_SIZE];
    char *name;
    char *schema;
    size_t size;
} put_effect;

/* The primary key refuses the version when another process was faster. */
static obs_status put_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO definition(name, version, time_ns, sha256, schema) SELECT ?1, ?2, ?3, ?4, ?5 "
                              "WHERE NOT EXISTS (SELECT 1 FROM definition WHERE name = ?1 AND version >= ?2)";
    put_effect *put = (put_effect *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_text(statement, 1, put->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, put->version);
    sqlite3_bind_int64(statement, 3, put->time_ns);
    sqlite3_bind_blob(statement, 4, put->sha256, sizeof put->sha256, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 5, put->schema, put->size, SQLITE_STATIC);
    status = obs__txn_run(txn, statement, error);
    if (status == OBS_OK && sqlite3_changes(obs__txn_database(txn)) == 0)
        status =
            obs__fail(error, OBS_ABORTED, "somebody else changed the data definition '%s' meanwhile: try again", put->name);
    return status;
}

static void put_free(obs__effect *effect)
{
    put_effect *put = (put_effect *)effect;
    obs__free(put->name);
    obs__free(put->schema);
    obs__free(put);
}

static obs_status add_put(obs__effects *effects, const char *name, obs__view schema, int64_t version, obs_error *error)
{
    static const obs__effect_ops ops = {.apply = put_apply, .free = put_free, .repeatable = 1};
    put_effect *put = obs__calloc(1, sizeof *put);
    if (!put)
        return obs__fail_memory(error);
    put->effect.ops = &ops;
    put->version = version;
    put->time_ns = obs__now_ns();
    put->name = obs__strdup(name);
    put->schema = obs__memdup(schema.data, schema.size);
    put->size = schema.size;
    obs_status status =
        put->name && put->schema ? obs__sha256(put->sha256, schema.data, schema.size, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        obs__effects_add(effects, &put->effect);
    else
        put_free(&put->effect);
    return status;
}

/* *out_version: the version that the new schema becomes; 0 when it is the one that is stored. */
static obs_status next_version(int64_t *out_version, obs__snapshot *snapshot, const char *name, const json_t *now,
                               obs_error *error)
{
    sqlite3_stmt *row;
    json_t *old = NULL;
    *out_version = 1;
    obs_status status = find_newest(&row, snapshot, name, error);
    if (status != OBS_OK || !row)
        return status;
    *out_version = sqlite3_column_int64(row, 0) + 1;
    obs__view text = {sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2)};
    status = load(&old, text, name, error);
    if (status != OBS_OK)
        return status;
    if (json_equal(old, now))
        *out_version = 0;
    else
        status = obs__definition_compare(old, now, error);
    json_decref(old);
    return status;
}

static obs_status check_new(int64_t *out_version, obs_catalog *catalog, const char *name, const json_t *json, obs_error *error)
{
    obs_error why;
    obs__schema *schema = NULL;
    obs__snapshot *snapshot = NULL;
    obs_error_init(&why, sizeof why);
    obs_status status = compile(&schema, json, name, error);
    obs__schema_free(schema);
    if (status == OBS_OK)
        status = obs__snapshot_begin(&snapshot, catalog->gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = next_version(out_version, snapshot, name, json, &why);
    obs__snapshot_end(snapshot);
    if (status == OBS_FAILED_PRECONDITION)
        return obs__fail(error, status, "data definition '%s': %s", name, why.message);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &why);
}

obs_status obs__definition_put(obs__effects *effects, obs_catalog *catalog, const char *name, obs__view schema,
                               obs_error *error)
{
    json_t *json = NULL;
    int64_t version = 0;
    obs_status status = check_name(name, error);
    if (status == OBS_OK)
        status = load(&json, schema, name, error);
    if (status == OBS_OK)
        status = check_new(&version, catalog, name, json, error);
    if (status == OBS_OK && version)
        status = add_put(effects, name, schema, version, error);
    json_decref(json);
    return status;
}

static obs_status add_row(obs__builder *out, sqlite3_stmt *row, obs_error *error)
{
    json_t *json = NULL;
    char time[OBS__TIME_SIZE];
    const char *name = (const char *)sqlite3_column_text(row, 0);
    obs__view text = {sqlite3_column_blob(row, 3), (size_t)sqlite3_column_bytes(row, 3)};
    obs_status status = load(&json, text, name, error);
    if (status != OBS_OK)
        return status;
    obs__time_format(time, sqlite3_column_int64(row, 2));
    obs__add_char(out, '{');
    obs__add_json_member(out, "name", name);
    obs__add_json_integer(out, "version", sqlite3_column_int64(row, 1));
    obs__add_json_member(out, "time", time);
    obs__add_text(out, "\"schema\":");
    obs__json_add(out, json, 0);
    obs__add_text(out, "}\n");
    json_decref(json);
    return obs__builder_status(out, error);
}

static obs_status add_rows(obs__builder *out, obs__snapshot *snapshot, obs_error *error)
{
    static const char sql[] = "SELECT name, max(version), time_ns, schema FROM definition GROUP BY name ORDER BY name";
    sqlite3_stmt *statement;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW)
        status = add_row(out, statement, error);
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the data definitions");
    return status;
}

obs_status obs__definition_rows(obs_rows **out, obs__gate *gate, obs_error *error)
{
    obs__builder lines;
    obs_buffer *buffer = NULL;
    obs__snapshot *snapshot = NULL;
    *out = NULL;
    obs__builder_init(&lines, (size_t)256 << 20);
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = add_rows(&lines, snapshot, error);
    obs__snapshot_end(snapshot);
    if (status == OBS_OK)
        status = obs__builder_finish(&buffer, &lines, error);
    if (status == OBS_OK)
        status = obs__rows_from_lines(out, buffer, error);
    obs__builder_free(&lines);
    return status;
}
