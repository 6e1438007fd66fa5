/*
 * How entries were made. An entry names the keys it was made from; what stood under these keys at that time is kept here, so
 * that it can be said later what has changed since, and what was different the time before (why.c).
 */
#include "catalog/made.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"

#define MOST_BYTES ((size_t)64 << 20)
#define LONGEST_KEY 1024
#define MOST_VALUES 4096 /* more than that are measurements, not how something was made */

int obs__made_from_next(obs__view *key, obs__view made_from, size_t *at, obs__builder *scratch)
{
    if (*at + 1 >= made_from.size || made_from.data[*at + 1] != '"')
        return 0;
    const char *end = made_from.data + made_from.size, *open = made_from.data + *at + 1;
    const char *close = open + 1;
    while (close < end && *close != '"')
        close += 1 + (*close == '\\');
    if (close >= end)
        return 0;
    *key = obs__values_text((obs__view){open, (size_t)(close + 1 - open)}, scratch);
    *at = (size_t)(close + 1 - made_from.data); /* at the comma, as it was at the bracket */
    return !scratch->failed;
}

/* The checksum of what stands under a key now, or null. */
static obs_status version_of(json_t **out, obs__txn *txn, obs__view key, obs_error *error)
{
    static const char sql[] = "SELECT sha256 FROM entry WHERE key = ?1";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    obs__bind_blob(statement, 1, key);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = json_string((const char *)sqlite3_column_text(statement, 0));
    else if (code == SQLITE_DONE)
        *out = json_null();
    else
        status = obs__sqlite_fail(error, obs__txn_database(txn), code, "cannot read the catalog");
    sqlite3_reset(statement);
    return status != OBS_OK || *out ? status : obs__fail_memory(error);
}

static obs_status add_inputs(obs__builder *out, obs__txn *txn, obs__view made_from, obs_error *error)
{
    char name[LONGEST_KEY + 1];
    obs__builder scratch;
    obs__view key;
    json_t *inputs = json_object(); /* a key that is named twice stands there once */
    obs_status status = inputs ? OBS_OK : obs__fail_memory(error);
    obs__builder_init(&scratch, MOST_BYTES);
    for (size_t at = 0; status == OBS_OK && obs__made_from_next(&key, made_from, &at, &scratch);) {
        json_t *version = NULL;
        status = version_of(&version, txn, key, error);
        snprintf(name, sizeof name, "%.*s", (int)key.size, key.data); /* has no NUL: it was given as a text */
        if (status == OBS_OK && json_object_set_new(inputs, name, version) != 0)
            status = obs__fail_memory(error);
    }
    if (status == OBS_OK)
        status = obs__builder_status(&scratch, error);
    if (status == OBS_OK) {
        obs__json_add(out, inputs, 0);
        status = obs__builder_status(out, error);
    }
    obs__builder_free(&scratch);
    json_decref(inputs);
    return status;
}

static void add_rest(obs__builder *out, const obs__row *row)
{
    obs__add_char(out, '{');
    obs__add_json_integer(out, "time_ns", row->time_ns);
    obs__add_text(out, "\"sha256\":");
    obs__add_json(out, row->sha256.data, row->sha256.size);
    obs__add_char(out, ',');
    obs__row_labels(out, row->labels);
    if (row->values.size && row->values.size <= MOST_VALUES)
        obs__add_json_raw(out, "values", row->values.data, row->values.size);
    obs__add_json_end(out);
}

static obs_status keep(obs__txn *txn, int64_t id, const obs__builder *inputs, const obs__builder *rest, obs_error *error)
{
    static const char sql[] = "INSERT INTO made(entry, inputs, rest) VALUES(?1, ?2, ?3) ON CONFLICT(entry) DO UPDATE SET"
                              " inputs_before = inputs, rest_before = rest, inputs = excluded.inputs, rest = excluded.rest";
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, sql, error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, id);
    obs__bind_blob(statement, 2, (obs__view){inputs->data, inputs->size});
    obs__bind_blob(statement, 3, (obs__view){rest->data, rest->size});
    return obs__txn_run(txn, statement, error);
}

int obs__made_is_told(const obs__row *row)
{
    for (size_t at = 0; at < row->labels.size;) {
        const char *name = row->labels.data + at, *value = name + strlen(name) + 1;
        if (strcmp(name, "function") == 0)
            return 1;
        at = (size_t)(value + strlen(value) + 1 - row->labels.data);
    }
    return row->made_from.size != 0;
}

obs_status obs__made_now(obs__txn *txn, const obs__row *row, obs_error *error)
{
    obs__builder inputs, rest;
    if (!obs__made_is_told(row))
        return OBS_OK;
    obs__builder_init(&inputs, MOST_BYTES);
    obs__builder_init(&rest, MOST_BYTES);
    add_rest(&rest, row);
    obs_status status = add_inputs(&inputs, txn, row->made_from, error);
    if (status == OBS_OK)
        status = obs__builder_status(&rest, error);
    if (status == OBS_OK)
        status = keep(txn, row->id, &inputs, &rest, error);
    obs__builder_free(&inputs);
    obs__builder_free(&rest);
    return status;
}

obs_status obs__made_forget(obs__txn *txn, int64_t id, obs_error *error)
{
    sqlite3_stmt *statement;
    obs_status status = obs__txn_statement(&statement, txn, "DELETE FROM made WHERE entry = ?1", error);
    if (status != OBS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, id);
    return obs__txn_run(txn, statement, error);
}
