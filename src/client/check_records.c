/* Records: each against its checksum, and the catalog against each. */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "client/check.h"

/* What the library wrote itself. Only when memory is not what is missing is it damaged. */
static obs_status parse(json_t **out, const char *text, size_t size, obs_error *error)
{
    const obs__json_options options = {.size_limit = (size_t)64 << 20, .flags = OBS__JSON_BIG_AS_REAL};
    obs_error why;
    obs_error_init(&why, sizeof why);
    if (obs__json_load(out, text, size, &options, &why) == OBS_OK)
        return OBS_OK;
    return obs__lacks_memory(&why) ? obs__fail_memory(error)
                                   : obs__fail(error, OBS_DATA_LOSS, "the catalog entry of this record is damaged");
}

/* What the catalog says otherwise than the record, or NULL. */
static const char *difference(const json_t *entry, size_t size, const char *sha256, const json_t *values)
{
    const char *known = json_string_value(json_object_get(entry, "sha256"));
    const json_t *told = json_object_get(entry, "values");
    if (json_integer_value(json_object_get(entry, "size")) != (json_int_t)size)
        return "the catalog says another size than the record has";
    if (!known || strcmp(known, sha256) != 0)
        return "the catalog says another SHA-256 than the record has";
    if (json_object_size(told) != json_object_size(values) || (values && !json_equal(told, values)))
        return "the catalog says other values than the record has";
    return NULL;
}

/* Whether the catalog says what the bytes of a record say; *problem is NULL when it does, or does not know it any more. */
static obs_status compare(const char **problem, obs__gate *gate, obs__view key, obs__view data, obs_error *error)
{
    char sha256[2 * OBS__SHA256_SIZE + 1];
    unsigned char hash[OBS__SHA256_SIZE];
    obs_buffer *text = NULL;
    json_t *entry = NULL, *values = NULL;
    obs__builder wanted;
    *problem = NULL;
    obs_status status = obs__catalog_read(&text, gate, key, error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    obs__builder_init(&wanted, (size_t)8 << 20);
    status = obs__sha256(hash, data.data, data.size, error);
    if (status == OBS_OK)
        status = obs__record_values(&wanted, data, error);
    if (status == OBS_OK)
        status = parse(&entry, obs_buffer_data(text), obs_buffer_size(text), error);
    if (status == OBS_OK && wanted.size)
        status = parse(&values, wanted.data, wanted.size, error);
    if (status == OBS_OK) {
        obs__hex(sha256, hash, sizeof hash);
        *problem = difference(entry, data.size, sha256, values);
    }
    json_decref(values);
    json_decref(entry);
    obs__builder_free(&wanted);
    obs_buffer_free(text);
    return status;
}

/* Reading a record compares it with its checksum. */
static obs_status check_record(obs__inspection *check, obs__gate *gate, obs__view key, obs_error *error)
{
    obs_buffer *data = NULL;
    const char *problem = NULL;
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__record_get(&data, gate, key, &inner);
    if (status == OBS_OK)
        status = compare(&problem, gate, key, obs__view_of(obs_buffer_data(data), obs_buffer_size(data)), &inner);
    obs_buffer_free(data);
    if (status == OBS_DATA_LOSS)
        problem = inner.message;
    else if (status != OBS_OK && status != OBS_NOT_FOUND)
        return obs__copy_error(error, &inner);
    if (problem)
        obs__check_problem(check, gate->tenant, key.data, problem, "ingest it again, or restore tenant.db from a backup");
    return OBS_OK;
}

obs_status obs__check_records(obs__inspection *check, obs__gate *gate, obs_error *error)
{
    obs__snapshot *snapshot;
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE;
    obs_status status = obs__snapshot_begin(&snapshot, gate->journal, error);
    if (status != OBS_OK)
        return status;
    status = obs__snapshot_prepare(&statement, snapshot, "SELECT CAST(key AS TEXT) FROM record", error);
    while (status == OBS_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 0);
        status = key ? check_record(check, gate, obs__view_of(key, OBS_TEXT), error) : obs__fail_memory(error);
        if (status == OBS_OK)
            status = obs__limit_check(check->limit, error);
    }
    if (status == OBS_OK && code != SQLITE_DONE)
        status = obs__sqlite_fail(error, obs__snapshot_database(snapshot), code, "cannot read the records");
    sqlite3_finalize(statement);
    obs__snapshot_end(snapshot);
    return status;
}
