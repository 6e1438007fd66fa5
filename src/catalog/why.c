/* What was different when an entry was made for the last time, and what has changed since. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "catalog/handle.h"
#include "catalog/made.h"

#define MOST_BYTES ((size_t)64 << 20)

/* How an entry was made, twice; NULL what is not known. */
typedef struct making {
    json_t *inputs, *rest, *inputs_before, *rest_before;
} making;

static void free_making(making *making)
{
    json_decref(making->inputs);
    json_decref(making->rest);
    json_decref(making->inputs_before);
    json_decref(making->rest_before);
}

static obs_status load(json_t **out, obs__view text, obs_error *error)
{
    static const obs__json_options options = {.size_limit = MOST_BYTES, .flags = OBS__JSON_BIG_AS_REAL | OBS__JSON_ALLOW_NUL};
    return text.size ? obs__json_load(out, text.data, text.size, &options, error) : OBS_OK;
}

static obs_status load_all(making *making, sqlite3_stmt *row, obs_error *error)
{
    json_t **const to[] = {&making->inputs, &making->rest, &making->inputs_before, &making->rest_before};
    obs_status status = OBS_OK;
    for (int i = 0; i < 4 && status == OBS_OK; i++)
        status = load(to[i], obs__column_view(row, i), error);
    return status;
}

static obs_status explain_missing(int found, obs__view key, obs_error *error)
{
    if (!found)
        return obs__fail(error, OBS_NOT_FOUND, "no entry '%.*s' in the catalog", (int)key.size, key.data);
    return obs__fail(error, OBS_FAILED_PRECONDITION,
                     "'%.*s' does not say what it was made from: name it with made_from (obsctl put --from) when it is made",
                     (int)key.size, key.data);
}

static obs_status read_making(making *making, obs__snapshot *snapshot, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT inputs, rest, inputs_before, rest_before FROM entry LEFT JOIN made"
                              " ON made.entry = entry.id WHERE key = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
    else if (code == SQLITE_DONE || sqlite3_column_type(statement, 0) == SQLITE_NULL)
        status = explain_missing(code == SQLITE_ROW, key, error);
    else
        status = load_all(making, statement, error);
    sqlite3_reset(statement);
    return status;
}

/* `,"name":<value>`; NULL as null. */
static void add_value(obs__builder *out, const char *name, const json_t *value)
{
    obs__add_format(out, ",\"%s\":", name);
    if (value)
        obs__json_add(out, value, 1);
    else
        obs__add_text(out, "null");
}

static void add_difference(obs__builder *out, const char *what, const char *name, const json_t *before, const json_t *now)
{
    if (json_equal((json_t *)(uintptr_t)before, (json_t *)(uintptr_t)now))
        return;
    if (out->data[out->size - 1] != '[')
        obs__add_char(out, ',');
    obs__add_format(out, "{\"what\":\"%s\",\"name\":", what);
    obs__add_json(out, name, strlen(name));
    add_value(out, "before", before);
    add_value(out, "now", now);
    obs__add_char(out, '}');
}

/* Members of two objects that are not equal; an object that is NULL has none. */
static void compare(obs__builder *out, const char *what, json_t *before, json_t *now)
{
    const char *name;
    json_t *value;
    json_object_foreach(now, name, value) if (!out->failed)
        add_difference(out, what, name, json_object_get(before, name), value);
    json_object_foreach(before, name, value) if (!out->failed && !json_object_get(now, name))
        add_difference(out, what, name, value, NULL);
}

static void add_made(obs__builder *out, const char *name, const json_t *rest)
{
    char time[OBS__TIME_SIZE];
    obs__add_format(out, ",\"%s\":", name);
    if (!rest) {
        obs__add_text(out, "null");
        return;
    }
    const char *sha256 = json_string_value(json_object_get(rest, "sha256"));
    obs__time_format(time, json_integer_value(json_object_get(rest, "time_ns")));
    obs__add_char(out, '{');
    obs__add_json_member(out, "time", time);
    obs__add_json_member(out, "sha256", sha256 ? sha256 : "");
    obs__add_json_end(out);
}

static void add_differences(obs__builder *out, const making *making)
{
    json_t *rest = making->rest, *before = making->rest_before;
    obs__add_format(out, ",\"same\":%s,\"differs\":[",
                    !before                                                                          ? "null"
                    : json_equal(json_object_get(rest, "sha256"), json_object_get(before, "sha256")) ? "true"
                                                                                                     : "false");
    if (before) {
        compare(out, "input", making->inputs_before, making->inputs);
        compare(out, "label", json_object_get(before, "labels"), json_object_get(rest, "labels"));
        compare(out, "value", json_object_get(before, "values"), json_object_get(rest, "values"));
    }
    obs__add_char(out, ']');
}

/* What stands under a key now: its checksum, or null. */
static obs_status add_since(obs__builder *out, obs__snapshot *snapshot, const char *name, const json_t *used, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, "SELECT sha256 FROM entry WHERE key = ?1", error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, obs__view_of(name, OBS_TEXT));
    int code = sqlite3_step(statement);
    const char *now = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    const char *then = json_string_value(used);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the catalog");
    else if (!out->failed && (!now != !then || (now && strcmp(now, then) != 0))) {
        if (out->data[out->size - 1] != '[')
            obs__add_char(out, ',');
        obs__add_text(out, "{\"what\":\"input\",");
        obs__add_json_member(out, "name", name);
        obs__add_json_member(out, "used", then);
        obs__add_json_member(out, "now", now);
        obs__add_json_end(out);
    }
    sqlite3_reset(statement);
    return status;
}

static obs_status explain(obs__builder *out, obs__snapshot *snapshot, const making *making, obs__view key, obs_error *error)
{
    const char *name;
    json_t *used;
    obs_status status = OBS_OK;
    obs__add_text(out, "{\"key\":");
    obs__add_json(out, key.data, key.size);
    add_made(out, "made", making->rest);
    add_made(out, "before", making->rest_before);
    add_differences(out, making);
    obs__add_text(out, ",\"since\":[");
    json_object_foreach(making->inputs, name, used) if (status == OBS_OK) status = add_since(out, snapshot, name, used, error);
    obs__add_text(out, "]}");
    return status == OBS_OK ? obs__builder_status(out, error) : status;
}

static obs_status why(obs_buffer **out, obs__gate *gate, obs__view key, obs_error *error)
{
    obs__snapshot *snapshot;
    obs__builder text;
    making making = {0};
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&text, MOST_BYTES);
    status = read_making(&making, snapshot, key, error);
    if (status == OBS_OK)
        status = explain(&text, snapshot, &making, key, error);
    obs__snapshot_end(snapshot);
    if (status == OBS_OK)
        status = obs__builder_finish(out, &text, error);
    obs__builder_free(&text);
    free_making(&making);
    return status;
}

obs_status obs_catalog_why(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error)
{
    obs__scope scope;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = obs__catalog_require(catalog, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, catalog->gate, OBS__READ, "catalog.why", key, key_size, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_allow(&scope, (obs__view){"", 0}, error); /* its inputs lie anywhere */
    if (status == OBS_OK)
        status = why(out, catalog->gate, scope.object, error);
    return obs__gate_leave(&scope, status, error);
}
