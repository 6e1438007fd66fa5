/* What one ingested item turns into: effects that are committed together. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/client.h"

#define EXCERPT_MAX 4096
#define DATA_MAX 8192

static obs_status add_line(obs__effects *effects, const obs__scope *scope, obs__ingest_line *line, obs_error *error)
{
    char trace[33];
    memcpy(trace, scope->traceparent + 3, 32);
    trace[32] = '\0';
    line->time_ns = scope->start_ns;
    line->trace = trace;
    line->origin = line->origin ? line->origin : "";
    line->reason = line->reason ? line->reason : "";
    return obs__ingest_line_effect(effects, line, error);
}

/* `{"key":…,"definition":…,"bytes":…}` */
static obs_status add_event(obs__effects *effects, obs_client *client, obs__scope *scope, const char *type, const char *key,
                            const char *definition, uint64_t bytes, obs_error *error)
{
    obs_event event;
    obs__builder data;
    uint64_t counted = scope->bytes;
    obs__builder_init(&data, DATA_MAX);
    obs__add_char(&data, '{');
    obs__add_json_member(&data, "key", key);
    if (definition)
        obs__add_json_member(&data, "definition", definition);
    obs__add_json_integer(&data, "bytes", (int64_t)bytes);
    obs__add_json_end(&data);
    obs_status status = obs__builder_status(&data, error);
    obs_event_init(&event, sizeof event);
    event.type = type;
    event.subject = key;
    event.data = data.data;
    event.data_size = data.size;
    if (status == OBS_OK)
        status = obs__bus_stage_publish(effects, NULL, client->bus, scope, &event, NULL, error);
    scope->bytes = counted; /* of the item, not of the event about it */
    obs__builder_free(&data);
    return status;
}

obs_status obs__stage_refusal(obs__effects *effects, obs__scope *scope, const char *table, const char *reason,
                              const char *origin, obs__view data, obs_error *error)
{
    obs__ingest_line line = {.result = "refused",
                             .reason = reason,
                             .table = table,
                             .key = {"", 0},
                             .bytes = data.size,
                             .origin = origin,
                             .excerpt = {data.data, data.size < EXCERPT_MAX ? data.size : EXCERPT_MAX}};
    obs_status status = add_line(effects, scope, &line, error);
    return status == OBS_OK ? obs__client_record(effects, scope, "refusal", OBS_REFUSED, error) : status;
}

static obs_status accept_record(obs__effects *effects, const char *key, obs_client *client, obs__scope *scope,
                                const obs__item *item, obs_error *error)
{
    obs__ingest_line line = {.result = "accepted",
                             .table = item->definition,
                             .key = obs__view_of(key, OBS_TEXT),
                             .bytes = item->json.size,
                             .origin = item->origin,
                             .excerpt = {"", 0}};
    scope->object = line.key;
    scope->bytes = item->json.size;
    obs_status status = add_line(effects, scope, &line, error);
    if (status == OBS_OK)
        status = add_event(effects, client, scope, "org.libobs.record.accepted", key, item->definition, item->json.size, error);
    return status == OBS_OK ? obs__client_record(effects, scope, "change", OBS_OK, error) : status;
}

obs_status obs__stage_record(obs__effects *effects, char *out_key, int *refused, obs_client *client, obs__scope *scope,
                             obs__definition *definition, const obs__item *item, obs_error *error)
{
    obs__effects part = {0};
    obs__view about = scope->object;
    *refused = 0;
    obs_status status =
        obs__record_stage(&part, out_key, definition, item->json, item->options->labels, item->options->label_count, error);
    if (status == OBS_OK)
        status = accept_record(&part, out_key, client, scope, item, error);
    else if (status == OBS_REFUSED) {
        obs_error inner;
        char reason[OBS_ERROR_TEXT_SIZE] = "it does not fit its definition";
        if (error && error->size >= sizeof *error)
            snprintf(reason, sizeof reason, "%s", error->message);
        obs_error_init(&inner, sizeof inner);
        obs_status written = obs__stage_refusal(&part, scope, item->definition, reason, item->origin, item->json, &inner);
        *refused = written == OBS_OK;
        if (written != OBS_OK)
            status = obs__copy_error(error, &inner);
    }
    scope->object = about; /* the key is the caller's, and may be gone when the call is left */
    if (status == OBS_OK || *refused)
        obs__effects_move(effects, &part);
    obs__effects_free(&part);
    return status;
}

static obs_status accept_file(obs__effects *effects, obs_client *client, obs__scope *scope, obs__view data,
                              const obs_ingest_options *options, obs_error *error)
{
    char key[OBS_KEY_MAX + 1];
    obs__ingest_line line = {.result = "accepted",
                             .table = "objects",
                             .key = scope->object,
                             .bytes = data.size,
                             .origin = options->origin,
                             .excerpt = {"", 0}};
    size_t size = scope->object.size < OBS_KEY_MAX ? scope->object.size : OBS_KEY_MAX;
    memcpy(key, scope->object.data, size);
    key[size] = '\0';
    obs_status status = add_line(effects, scope, &line, error);
    return status == OBS_OK ? add_event(effects, client, scope, "org.libobs.object.accepted", key, NULL, data.size, error)
                            : status;
}

obs_status obs__stage_file(obs__effects *effects, obs_client *client, obs__scope *scope, obs__view data,
                           const obs_ingest_options *options, obs_error *error)
{
    obs_put_options put;
    obs_put_options_init(&put, sizeof put);
    put.content_type = options->content_type;
    put.labels = options->labels;
    put.label_count = options->label_count;
    put.no_index = options->no_index;
    scope->bytes = data.size;
    obs_status status = obs__store_stage_put(effects, client->store, scope, data.data, data.size, &put, error);
    return status == OBS_OK ? accept_file(effects, client, scope, data, options, error) : status;
}
