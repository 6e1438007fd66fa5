/* Units: each part is one audited call whose effects wait for the commit. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/span.h"
#include "client/client.h"

#define MOST_CHANGES 10000
#define KEY_SIZE 256

struct obs_unit {
    obs_client *client;
    unsigned generation;
    obs_call call; /* of every part: one trace, one subject */
    char traceparent[OBS__TRACEPARENT_SIZE];
    char *subject;
    char *idempotency_key; /* of the commit */
    obs_cancel *cancel;
    obs__effects effects;
    size_t count;
    int acknowledges;
    int failed; /* a part could not be added: then nothing is */
    int ended;
};

static obs_status copy_call(obs_unit *unit, const obs_call *call, obs_error *error)
{
    char ignored[17];
    obs__client_options(&unit->call, sizeof unit->call, call);
    unit->call.size = sizeof unit->call;
    unit->cancel = unit->call.cancel = obs__cancel_retain(unit->call.cancel);
    obs__trace_begin(unit->traceparent, ignored, unit->call.traceparent);
    unit->call.traceparent = unit->traceparent;
    unit->subject = obs__strdup(unit->call.subject);
    unit->idempotency_key = obs__strdup(unit->call.idempotency_key);
    if ((unit->call.subject && !unit->subject) || (unit->call.idempotency_key && !unit->idempotency_key))
        return obs__fail_memory(error);
    unit->call.subject = unit->subject;
    unit->call.idempotency_key = NULL;
    return OBS_OK;
}

obs_status obs_unit_begin(obs_unit **out, obs_client *client, const obs_call *call, obs_error *error)
{
    if (!out || !client)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and client are required");
    *out = NULL;
    obs_unit *unit = obs__calloc(1, sizeof *unit);
    if (!unit)
        return obs__fail_memory(error);
    unit->client = obs__client_retain(client);
    unit->generation = obs__generation();
    obs_status status = copy_call(unit, call, error);
    if (status != OBS_OK) {
        obs_unit_free(unit);
        return status;
    }
    *out = unit;
    return obs__ok(error);
}

static obs_status check_open(const obs_unit *unit, obs_error *error)
{
    if (unit->generation != obs__generation())
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this unit belongs to the parent process: begin a new one after fork");
    if (unit->ended)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this unit was committed already");
    return OBS_OK;
}

/* Begins a part. */
obs_status obs__unit_part_begin(obs__scope *scope, obs_unit *unit, const char *action, const char *key, size_t key_size,
                                obs_error *error)
{
    if (!unit || !key)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a unit and what it is about are required");
    obs_status status = check_open(unit, error);
    if (status != OBS_OK)
        return status;
    if (unit->count >= MOST_CHANGES) {
        unit->failed = 1;
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a unit has at most %d changes", MOST_CHANGES);
    }
    status = obs__gate_enter(scope, &unit->client->gate->gate, OBS__CHANGE, action, key, key_size, &unit->call, error);
    unit->failed |= status != OBS_OK;
    return status;
}

/* Ends a part: what it made joins the unit, with its audit record, or nothing does. */
obs_status obs__unit_part_end(obs__scope *scope, obs_unit *unit, obs__effects *part, obs_status status, obs_error *error)
{
    if (status == OBS_OK)
        status = scope->gate->ops->record(scope, part, error);
    if (status == OBS_OK) {
        obs__effects_move(&unit->effects, part);
        unit->count++;
    } else
        unit->failed = 1;
    obs__effects_free(part);
    return obs__gate_leave(scope, status, error);
}

obs_status obs_unit_put(obs_unit *unit, const char *key, size_t key_size, const void *data, size_t size,
                        const obs_put_options *options, obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    if (!data && size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "data is required");
    obs_status status = obs__unit_part_begin(&scope, unit, "store.put", key, key_size, error);
    if (status != OBS_OK)
        return status;
    obs__view bytes = obs__view_of(data, size);
    scope.bytes = bytes.size;
    status = obs__store_stage_put(&part, unit->client->store, &scope, bytes.data, bytes.size, options, error);
    return obs__unit_part_end(&scope, unit, &part, status, error);
}

obs_status obs_unit_delete(obs_unit *unit, const char *key, size_t key_size, const obs_change_options *options,
                           obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    obs_status status = obs__unit_part_begin(&scope, unit, "store.delete", key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__store_stage_delete(&part, unit->client->store, &scope, options, error);
    return obs__unit_part_end(&scope, unit, &part, status, error);
}

obs_status obs_unit_publish(obs_unit *unit, const obs_event *event, const obs_publish_options *options, obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    if (!event)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an event is required");
    const char *about = event->subject && *event->subject ? event->subject : event->type ? event->type : "";
    obs_status status = obs__unit_part_begin(&scope, unit, "event.publish", about, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    status = obs__bus_allow(&scope, event, error);
    if (status == OBS_OK)
        status = obs__bus_stage_publish(&part, NULL, unit->client->bus, &scope, event, options, error);
    return obs__unit_part_end(&scope, unit, &part, status, error);
}

obs_status obs_unit_label(obs_unit *unit, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                          obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    obs_status status = obs__unit_part_begin(&scope, unit, "catalog.label", key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__catalog_labels(&part, scope.object, labels, count, error);
    if (status == OBS_OK)
        status = scope.gate->ops->relabel(&scope, scope.object, labels, count, &part, error);
    return obs__unit_part_end(&scope, unit, &part, status, error);
}

obs_status obs_unit_acknowledge(obs_unit *unit, obs_subscription *subscription, uint64_t sequence, obs_error *error)
{
    obs__scope scope;
    obs__effects part = {0};
    if (!subscription)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a subscription is required");
    obs_status status = obs__unit_part_begin(&scope, unit, "event.acknowledge", "", 0, error);
    if (status != OBS_OK)
        return status;
    status = obs__bus_stage_acknowledge(&part, subscription, sequence, error);
    unit->acknowledges = 1;
    return obs__unit_part_end(&scope, unit, &part, status, error);
}

/* A refusal joins the unit like anything else, and the unit stays good. */
static obs_status add_record(obs__scope *scope, obs_unit *unit, const obs__item *item, obs_error *error)
{
    obs__definition *definition = NULL;
    char key[KEY_SIZE];
    int refused = 0;
    obs_status status = obs__definition_get(&definition, unit->client->catalog, item->definition, error);
    if (status == OBS_OK)
        status = obs__stage_record(&unit->effects, key, &refused, unit->client, scope, definition, item, error);
    obs__definition_free(definition);
    scope->recorded = status == OBS_OK || refused;
    unit->count += (size_t)scope->recorded;
    unit->failed |= !scope->recorded;
    return status;
}

obs_status obs_unit_record(obs_unit *unit, const char *definition, const char *json, size_t size,
                           const obs_ingest_options *options, obs_error *error)
{
    obs__scope scope;
    obs_ingest_options wanted;
    if (!json)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "json is required");
    obs__client_options(&wanted, sizeof wanted, options);
    obs__item item = {definition, obs__view_of(json, size), &wanted, wanted.origin};
    obs_status status = obs__unit_part_begin(&scope, unit, "ingest.record", definition, OBS_TEXT, error);
    if (status != OBS_OK)
        return status;
    status = add_record(&scope, unit, &item, error);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_unit_commit(obs_unit *unit, obs_error *error)
{
    obs__scope scope;
    if (!unit)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a unit is required");
    obs_status status = check_open(unit, error);
    if (status != OBS_OK)
        return status;
    unit->ended = 1;
    unit->call.idempotency_key = unit->idempotency_key;
    status = obs__gate_enter(&scope, &unit->client->gate->gate, OBS__CHANGE, "unit.commit", "", 0, &unit->call, error);
    if (status != OBS_OK)
        return status;
    scope.recorded = 1; /* each part by itself */
    if (unit->acknowledges)
        obs__bus_spare(&unit->effects);
    if (unit->failed)
        status = obs__fail(error, OBS_FAILED_PRECONDITION, "a part of this unit could not be added: nothing of it was done");
    else if (unit->effects.first)
        status = obs__gate_commit(&scope, &unit->effects, error);
    scope.recorded = status == OBS_OK;
    return obs__gate_leave(&scope, status, error);
}

void obs_unit_free(obs_unit *unit)
{
    if (!unit)
        return;
    obs__effects_free(&unit->effects);
    obs_cancel_free(unit->cancel);
    obs__free(unit->subject);
    obs__free(unit->idempotency_key);
    obs_client_close(unit->client);
    obs__free(unit);
}
