/* Ingestion: each item becomes, in one commit, what it is, its catalog entry, its line in the log, an event, an audit record.
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "client/client.h"

#define RECORD_MAX ((size_t)1 << 20)
#define LINES_MAX ((size_t)16 << 20)
#define ORIGIN_MAX 1024
#define KEY_SIZE 256

void obs_ingest_options_init(obs_ingest_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

void obs_ingest_log_options_init(obs_ingest_log_options *options, size_t size)
{
    if (!options || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    options->size = size;
}

obs_status obs_ingest_definition(obs_client *client, const char *name, const char *schema, size_t size, const obs_call *call,
                                 obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    if (!client || !name || !schema)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client, name and schema are required");
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "ingest.definition", name, OBS_TEXT, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__definition_put(&effects, client->catalog, name, obs__view_of(schema, size), error);
    if (status == OBS_OK)
        status = obs__gate_commit(&scope, &effects, error);
    else
        obs__effects_free(&effects);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_ingest_definitions(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_status status = obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "ingest.definitions", NULL, 0, call, error);
    if (status != OBS_OK)
        return status;
    status = obs__definition_rows(out, &client->gate->gate, error);
    return obs__gate_leave(&scope, status, error);
}

/* Makes a refusal durable, and keeps the reason in the caller's error. */
static obs_status commit_refusal(obs__scope *scope, obs__effects *effects, obs_error *error)
{
    obs_error inner;
    obs_error_init(&inner, sizeof inner);
    scope->recorded = 1;
    if (obs__gate_commit(scope, effects, &inner) == OBS_OK)
        return OBS_REFUSED;
    scope->recorded = 0;
    return obs__copy_error(error, &inner);
}

static obs_status hand_out_key(obs_buffer **out, const char *key, obs_error *error)
{
    return out ? obs__buffer_copy(out, key, strlen(key), error) : OBS_OK;
}

/* What a quota refused has its line, too; the caller is told of the quota. */
static obs_status log_over_quota(obs__scope *scope, const char *table, const char *origin, obs__view data, obs_status status,
                                 obs_error *error)
{
    obs__effects effects = {0};
    char reason[OBS_ERROR_TEXT_SIZE] = "over quota";
    if (!scope->over_quota)
        return status;
    if (error && error->size >= sizeof *error)
        snprintf(reason, sizeof reason, "%s", error->message);
    if (obs__stage_refusal(&effects, scope, table, reason, origin, data, NULL) == OBS_OK) {
        scope->recorded = 1;
        scope->recorded = obs__gate_commit(scope, &effects, NULL) == OBS_OK;
    } else
        obs__effects_free(&effects);
    return status;
}

/* The caller's key is made before the commit: after it nothing may fail any more. */
static obs_status ingest_by(obs_buffer **out_key, obs_client *client, obs__scope *scope, obs__definition *definition,
                            const obs__item *item, obs_error *error)
{
    obs__effects effects = {0};
    char key[KEY_SIZE] = "";
    int refused = 0;
    obs_status status = obs__definition_must_be_newest(&effects, definition, error);
    if (status == OBS_OK)
        status = obs__stage_record(&effects, key, &refused, client, scope, definition, item, error);
    if (status == OBS_OK)
        status = hand_out_key(out_key, key, error);
    if (status == OBS_OK) {
        scope->recorded = 1; /* by the stage */
        status = obs__gate_commit(scope, &effects, error);
        scope->recorded = status == OBS_OK;
        status = log_over_quota(scope, item->definition, item->origin, item->json, status, error);
    } else if (refused)
        status = commit_refusal(scope, &effects, error);
    obs__effects_free(&effects);
    return status;
}

/* By the definition that is known, and again by the newest as long as somebody puts newer ones. */
static obs_status ingest_one(obs_buffer **out_key, obs_client *client, obs__scope *scope, const obs__item *item,
                             obs_error *error)
{
    obs__definition *definition = NULL;
    obs_status status = obs__definition_known(&definition, client->catalog, item->definition, error);
    while (status == OBS_OK) {
        status = ingest_by(out_key, client, scope, definition, item, error);
        obs__definition_free(definition);
        definition = NULL;
        if (status != OBS__OUTDATED)
            return status;
        if (out_key) {
            obs_buffer_free(*out_key);
            *out_key = NULL;
        }
        status = obs__limit_check(&scope->limit, error);
        if (status == OBS_OK)
            status = obs__definition_newest(&definition, client->catalog, item->definition, error);
    }
    return status;
}

obs_status obs_ingest_record(obs_buffer **out_key, obs_client *client, const char *definition, const char *json, size_t size,
                             const obs_ingest_options *options, obs_error *error)
{
    obs__scope scope;
    obs_ingest_options wanted;
    if (out_key)
        *out_key = NULL;
    if (!client || !definition || !json)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client, definition and json are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__item item = {definition, obs__view_of(json, size), &wanted, wanted.origin};
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "ingest.record", definition, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    if (item.json.size > RECORD_MAX)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a record is at most 1 MiB: ingest it as a file");
    else if (!scope.repeated)
        status = ingest_one(out_key, client, &scope, &item, error);
    if (status != OBS_OK && out_key) {
        obs_buffer_free(*out_key);
        *out_key = NULL;
    }
    return obs__gate_leave(&scope, status, error);
}

/* The lines of one call: each with a scope of its own, all in one commit. */
struct lines {
    obs_client *client;
    const char *table;
    obs__definition *definition;
    const obs_ingest_options *options;
    obs__effects effects;
    obs_ingest_counts counts;
};

static obs_status stage_line(struct lines *lines, obs__scope *whole, obs__view json, uint64_t number, obs_error *error)
{
    char origin[ORIGIN_MAX], key[KEY_SIZE];
    int refused = 0;
    obs__scope scope = *whole; /* the same trace and subject; the whole has the idempotency key */
    scope.idempotency_key = NULL;
    snprintf(origin, sizeof origin, "%s%s%llu", lines->options->origin ? lines->options->origin : "",
             lines->options->origin ? ":" : "line ", (unsigned long long)number);
    obs__item item = {lines->table, json, lines->options, origin};
    obs_status status =
        obs__stage_record(&lines->effects, key, &refused, lines->client, &scope, lines->definition, &item, error);
    lines->counts.accepted += status == OBS_OK;
    lines->counts.refused += refused;
    whole->bytes += status == OBS_OK ? json.size : 0;
    return refused ? OBS_OK : status;
}

static obs_status stage_lines(struct lines *lines, obs__scope *scope, obs__view text, obs_error *error)
{
    obs_status status = OBS_OK;
    uint64_t number = lines->options->first_line ? lines->options->first_line - 1 : 0;
    for (size_t at = 0; at < text.size && status == OBS_OK;) {
        const char *start = text.data + at;
        const char *end = memchr(start, '\n', text.size - at);
        size_t size = end ? (size_t)(end - start) : text.size - at;
        at += size + 1;
        number++;
        if (size && start[size - 1] == '\r')
            size--;
        if (strnlen(start, size) == size && strspn(start, " \t") >= size)
            continue;
        status = obs__limit_check(&scope->limit, error);
        if (status == OBS_OK)
            status = stage_line(lines, scope, (obs__view){start, size}, number, error);
    }
    return status;
}

static obs_status ingest_lines(struct lines *lines, obs__scope *scope, obs__view text, obs_error *error)
{
    obs_status status = obs__definition_get(&lines->definition, lines->client->catalog, lines->table, error);
    if (status == OBS_OK)
        status = stage_lines(lines, scope, text, error);
    if (status == OBS_OK && lines->effects.first) {
        scope->recorded = 1; /* each line by itself */
        status = obs__gate_commit(scope, &lines->effects, error);
        scope->recorded = status == OBS_OK;
        status = log_over_quota(scope, lines->table, lines->options->origin, text, status, error);
    }
    obs__effects_free(&lines->effects);
    obs__definition_free(lines->definition);
    return status;
}

obs_status obs_ingest_records(obs_ingest_counts *out, obs_client *client, const char *definition, const char *text, size_t size,
                              const obs_ingest_options *options, obs_error *error)
{
    obs__scope scope;
    obs_ingest_options wanted;
    if (!out || out->size < sizeof *out || !client || !definition || !text)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out with its size, client, definition and lines are required");
    out->accepted = out->refused = 0;
    obs__client_options(&wanted, sizeof wanted, options);
    struct lines lines = {.client = client, .table = definition, .options = &wanted};
    obs__view all = obs__view_of(text, size);
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "ingest.record", definition, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    if (all.size > LINES_MAX)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "at most 16 MiB of records go in at a time");
    else if (!scope.repeated)
        status = ingest_lines(&lines, &scope, all, error);
    if (status == OBS_OK) {
        out->accepted = lines.counts.accepted;
        out->refused = lines.counts.refused;
    }
    return obs__gate_leave(&scope, status, error);
}

/* What the data or its key is at fault for; anything else may go well another time and is no refusal. */
static int refuses_file(const obs_client *client, obs_status status)
{
    return !client->gate->gate.read_only &&
           (status == OBS_ALREADY_EXISTS || status == OBS_INVALID_ARGUMENT || status == OBS_FAILED_PRECONDITION);
}

static obs_status refuse_file(obs__scope *scope, const char *origin, obs_error *error)
{
    obs_error inner;
    obs__effects effects = {0};
    char reason[OBS_ERROR_TEXT_SIZE] = "it cannot be stored";
    if (error && error->size >= sizeof *error)
        snprintf(reason, sizeof reason, "%s", error->message);
    obs_error_init(&inner, sizeof inner);
    obs_status status = obs__stage_refusal(&effects, scope, "objects", reason, origin, (obs__view){"", 0}, &inner);
    if (status != OBS_OK) {
        obs__effects_free(&effects);
        return obs__copy_error(error, &inner);
    }
    obs__fail(error, OBS_REFUSED, "%s", reason);
    return commit_refusal(scope, &effects, error);
}

obs_status obs_ingest_file(obs_client *client, const char *key, size_t key_size, const void *data, size_t size,
                           const obs_ingest_options *options, obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    obs_ingest_options wanted;
    if (!client || !key || (!data && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client, key and data are required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__view bytes = {data ? data : "", size};
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "ingest.file", key, key_size, wanted.call, error);
    if (status != OBS_OK)
        return status;
    if (!scope.repeated) {
        status = obs__stage_file(&effects, client, &scope, bytes, &wanted, error);
        if (status == OBS_OK)
            status = obs__gate_commit(&scope, &effects, error);
        else
            obs__effects_free(&effects);
        if (refuses_file(client, status))
            status = refuse_file(&scope, wanted.origin, error);
        status = log_over_quota(&scope, "objects", wanted.origin, (obs__view){"", 0}, status, error);
    }
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_ingest_refuse(obs_client *client, const char *definition, const char *data, size_t size,
                             const obs_ingest_options *options, obs_error *error)
{
    obs__scope scope;
    obs__effects effects = {0};
    obs_ingest_options wanted;
    obs__client_options(&wanted, sizeof wanted, options);
    if (!client || !definition || !data || !wanted.reason || !*wanted.reason)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "client, definition, data and a reason are required");
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__CHANGE, "ingest.record", definition, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = obs__stage_refusal(&effects, &scope, definition, wanted.reason, wanted.origin, obs__view_of(data, size), error);
    if (status == OBS_OK) {
        scope.recorded = 1;
        status = obs__gate_commit(&scope, &effects, error);
    } else
        obs__effects_free(&effects);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_ingest_log(obs_rows **out, obs_client *client, const obs_ingest_log_options *options, obs_error *error)
{
    obs__scope scope;
    obs_ingest_log_options wanted;
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs__client_options(&wanted, sizeof wanted, options);
    wanted.size = sizeof wanted;
    obs_status status =
        obs__gate_enter(&scope, &client->gate->gate, OBS__READ, "ingest.log", wanted.table, OBS_TEXT, wanted.call, error);
    if (status != OBS_OK)
        return status;
    status = obs__ingest_log_rows(out, &client->gate->gate, &wanted, error);
    return obs__gate_leave(&scope, status, error);
}
