/* Records: checked against their definition, stored as they were given, with checksums. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "catalog/definition.h"

enum { KEY_SIZE = 256 };

typedef struct record_effect {
    obs__effect effect;
    obs__definition *definition; /* held */
    int64_t time_ns;
    unsigned char sha256[OBS__SHA256_SIZE];
    uint32_t crc;
    char *data;
    size_t size;
    char key[KEY_SIZE];
} record_effect;

static obs_status record_apply(obs__effect *effect, obs__txn *txn, obs_error *error)
{
    static const char sql[] = "INSERT INTO record(key, definition, version, time_ns, data, sha256, crc) "
                              "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    const record_effect *record = (const record_effect *)effect;
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_blob64(statement, 1, record->key, strlen(record->key), SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, record->definition->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, record->definition->version);
    sqlite3_bind_int64(statement, 4, record->time_ns);
    sqlite3_bind_blob64(statement, 5, record->data, record->size, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 6, record->sha256, sizeof record->sha256, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 7, record->crc);
    return obs__txn_run(txn, statement, error);
}

static void record_free(obs__effect *effect)
{
    record_effect *record = (record_effect *)effect;
    obs__definition_free(record->definition);
    obs__free(record->data);
    obs__free(record);
}

/* `key` NULL: a new one. */
static obs_status record_new(record_effect **out, obs__definition *definition, obs__view json, const char *key,
                             obs_error *error)
{
    static const obs__effect_ops ops = {.apply = record_apply, .free = record_free, .repeatable = 1};
    char id[OBS__UUID_SIZE];
    record_effect *record = obs__calloc(1, sizeof *record);
    if (!record)
        return obs__fail_memory(error);
    record->effect.ops = &ops;
    record->definition = obs__definition_retain(definition);
    record->time_ns = obs__now_ns();
    record->data = obs__memdup(json.data, json.size);
    record->size = json.size;
    record->crc = obs__crc32c(0, json.data, json.size);
    obs_status status = record->data ? obs__sha256(record->sha256, json.data, json.size, error) : obs__fail_memory(error);
    if (status == OBS_OK && !key)
        status = obs__uuid7(id, error);
    if (status == OBS_OK && key && strlen(key) >= sizeof record->key)
        status = obs__fail(error, OBS_REFUSED, "the key of a record has up to %zu bytes", sizeof record->key - 1);
    if (status == OBS_OK) {
        if (key)
            snprintf(record->key, sizeof record->key, "%s", key);
        else
            snprintf(record->key, sizeof record->key, "records/%s/%s", definition->name, id);
        *out = record;
    } else
        record_free(&record->effect);
    return status;
}

/* What does not fit is refused; only a lack of memory is an error of the call, as the same record may fit later. */
static obs_status refusal(obs_error *error, const obs_error *why)
{
    if (obs__lacks_memory(why))
        return obs__copy_error(error, why);
    obs__fail(error, OBS_REFUSED, "%s", why->message);
    obs__at(error, why->line, why->column);
    return OBS_REFUSED;
}

static obs_status check(json_t **out, const obs__definition *definition, obs__view text, obs_error *error)
{
    static const obs__json_options options = {.size_limit = OBS__RECORD_SIZE_MAX, .flags = OBS__JSON_BIG_AS_REAL};
    obs_error why;
    json_t *json = NULL;
    obs_error_init(&why, sizeof why);
    if (text.size > OBS__RECORD_SIZE_MAX)
        return obs__fail(error, OBS_REFUSED, "the record has %zu bytes, more than %d", text.size, OBS__RECORD_SIZE_MAX);
    if (obs__json_load(&json, text.data, text.size, &options, &why) != OBS_OK)
        return refusal(error, &why);
    obs_status status = OBS_OK;
    if (!json_is_object(json))
        status = obs__fail(error, OBS_REFUSED, "a record must be a JSON object");
    else if (obs__schema_validate(definition->schema, json, &why) != OBS_OK)
        status = refusal(error, &why);
    if (status == OBS_OK)
        *out = json;
    else
        json_decref(json);
    return status;
}

#define VALUE_DEPTH 4

static void add_value(obs__builder *out, const char *name, const json_t *value)
{
    obs__add_char(out, out->size ? ',' : '{');
    obs__add_json(out, name, strlen(name));
    obs__add_char(out, ':');
    obs__json_add(out, value, 0);
}

/* Numbers, texts and booleans, those of inner objects as `outer.inner`; arrays are left out. */
static void add_values(obs__builder *out, const char *outer, json_t *json, int depth)
{
    char path[256];
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value)
    {
        int size = snprintf(path, sizeof path, "%s%s%s", outer, *outer ? "." : "", name);
        if (size < 0 || (size_t)size >= sizeof path)
            continue; /* a name that long cannot be searched for */
        if (json_is_object(value) && depth < VALUE_DEPTH)
            add_values(out, path, value, depth + 1);
        else if (json_is_number(value) || json_is_string(value) || json_is_boolean(value))
            add_value(out, path, value);
    }
}

obs_status obs__record_values(obs__builder *out, obs__view text, obs_error *error)
{
    static const obs__json_options options = {.size_limit = OBS__RECORD_SIZE_MAX, .flags = OBS__JSON_BIG_AS_REAL};
    json_t *json = NULL;
    if (obs__json_load(&json, text.data, text.size, &options, error) != OBS_OK)
        return error && obs__lacks_memory(error) ? OBS_RESOURCE_EXHAUSTED
                                                 : obs__fail(error, OBS_DATA_LOSS, "a record is not JSON any more");
    add_values(out, "", json, 1);
    if (out->size)
        obs__add_char(out, '}');
    json_decref(json);
    return obs__builder_status(out, error);
}

static obs_status add_entry(obs__effects *effects, const record_effect *record, json_t *json, const obs_pair *labels,
                            size_t label_count, obs_error *error)
{
    char sha256[2 * OBS__SHA256_SIZE + 1];
    obs__builder values;
    obs__builder_init(&values, (size_t)8 << 20);
    add_values(&values, "", json, 1);
    if (values.size)
        obs__add_char(&values, '}');
    obs__hex(sha256, record->sha256, sizeof record->sha256);
    const obs__entry entry = {.kind = "record",
                              .key = obs__view_of(record->key, OBS_TEXT),
                              .type = record->definition->name,
                              .size = record->size,
                              .sha256 = sha256,
                              .time_ns = record->time_ns,
                              .labels = labels,
                              .label_count = label_count,
                              .values = values.size ? values.data : NULL};
    obs_status status = obs__builder_status(&values, error);
    if (status == OBS_OK)
        status = obs__catalog_entry(effects, &entry, error);
    obs__builder_free(&values);
    return status;
}

static obs_status stage(obs__effects *effects, char *out_key, const char *key, obs__definition *definition, obs__view json,
                        const obs_pair *labels, size_t label_count, obs_error *error)
{
    json_t *parsed = NULL;
    record_effect *record = NULL;
    obs__effects own = {0};
    *out_key = '\0';
    obs_status status = check(&parsed, definition, json, error);
    if (status == OBS_OK)
        status = record_new(&record, definition, json, key, error);
    if (status == OBS_OK) {
        obs__effects_add(&own, &record->effect);
        status = add_entry(&own, record, parsed, labels, label_count, error);
    }
    if (status == OBS_OK) {
        snprintf(out_key, KEY_SIZE, "%s", record->key);
        obs__effects_move(effects, &own);
    }
    obs__effects_free(&own);
    json_decref(parsed);
    return status;
}

obs_status obs__record_stage(obs__effects *effects, char *out_key, obs__definition *definition, obs__view json,
                             const obs_pair *labels, size_t label_count, obs_error *error)
{
    return stage(effects, out_key, NULL, definition, json, labels, label_count, error);
}

obs_status obs__record_stage_as(obs__effects *effects, const char *key, obs__definition *definition, obs__view json,
                                const obs_pair *labels, size_t label_count, obs_error *error)
{
    char out_key[KEY_SIZE];
    return stage(effects, out_key, key, definition, json, labels, label_count, error);
}

static obs_status read_record(obs_buffer **out, sqlite3_stmt *row, obs__view key, obs_error *error)
{
    unsigned char sha256[OBS__SHA256_SIZE];
    const void *data = sqlite3_column_blob(row, 0);
    size_t size = (size_t)sqlite3_column_bytes(row, 0);
    obs_status status = obs__sha256(sha256, data, size, error);
    if (status != OBS_OK)
        return status;
    if (obs__crc32c(0, data, size) != (uint32_t)sqlite3_column_int64(row, 2) || sqlite3_column_bytes(row, 1) != sizeof sha256 ||
        memcmp(sha256, sqlite3_column_blob(row, 1), sizeof sha256) != 0)
        return obs__fail(error, OBS_DATA_LOSS, "the record '%.*s' does not match its checksum", (int)key.size, key.data);
    return obs__buffer_copy(out, data, size, error);
}

static obs_status find_record(obs_buffer **out, obs__snapshot *snapshot, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT data, sha256, crc FROM record WHERE key = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__snapshot_statement(&statement, snapshot, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_blob64(statement, 1, key.data, key.size, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return read_record(out, statement, key, error);
    if (code == SQLITE_DONE)
        return obs__fail(error, OBS_NOT_FOUND, "no record '%.*s'", (int)key.size, key.data);
    return obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the records");
}

obs_status obs__record_get(obs_buffer **out, obs__gate *gate, obs__view key, obs_error *error)
{
    obs__snapshot *snapshot = NULL;
    *out = NULL;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status == OBS_OK)
        status = find_record(out, snapshot, key, error);
    obs__snapshot_end(snapshot);
    return status;
}
