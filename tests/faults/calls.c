#include "faults/calls.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "support.h"

static const char schema[] = "{\"type\":\"object\",\"required\":[\"mag\"],\"properties\":{\"mag\":{\"type\":\"number\"}}}";
static char large[CALLS_LARGE];

const char *calls_key(const calls_space *space, const char *prefix)
{
    static char keys[4][128];
    static int turn;
    char *key = keys[turn++ % 4];
    snprintf(key, sizeof keys[0], "%s-%d", prefix, space->number);
    return key;
}

static obs_put_options put_with(const obs_call *call)
{
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.call = call;
    return options;
}

static obs_ingest_options ingest_with(const obs_call *call)
{
    obs_ingest_options options;
    obs_ingest_options_init(&options, sizeof options);
    options.call = call;
    return options;
}

static obs_change_options change_with(const obs_call *call)
{
    obs_change_options options;
    obs_change_options_init(&options, sizeof options);
    options.call = call;
    return options;
}

static obs_event event_of(const char *type)
{
    obs_event event;
    obs_event_init(&event, sizeof event);
    event.type = type;
    return event;
}

static obs_status put_small(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_put_options options = put_with(call);
    return obs_store_put(NULL, space->store, calls_key(space, "new/small"), OBS_TEXT, "x", 1, &options, error);
}

static obs_status put_large(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_put_options options = put_with(call);
    return obs_store_put(NULL, space->store, calls_key(space, "new/large"), OBS_TEXT, large, sizeof large, &options, error);
}

static obs_status put_stream(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_writer *writer = NULL;
    obs_put_options options = put_with(call);
    obs_status status = obs_writer_open(&writer, space->store, calls_key(space, "new/stream"), OBS_TEXT, &options, error);
    for (size_t at = 0; at < sizeof large && status == OBS_OK; at += 50000)
        status = obs_writer_write(writer, large + at, 50000, error);
    if (status == OBS_OK)
        status = obs_writer_commit(NULL, writer, error);
    obs_writer_free(writer);
    return status;
}

/* The outcome of an operation that was started. */
static obs_status outcome(const calls_space *space, obs_operation *operation, obs_error *error)
{
    obs_completion done;
    size_t count = 0;
    ck_assert_int_eq(obs_queue_wait(space->queue, &done, 1, &count, 120000, NULL, error), OBS_OK);
    ck_assert_uint_eq(count, 1);
    obs_status status = obs_operation_status(operation, error);
    obs_operation_free(operation);
    return status;
}

static obs_status put_started(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_operation *operation = NULL;
    obs_put_options options = put_with(call);
    obs_status status = obs_store_put_start(&operation, space->queue, 1, space->store, calls_key(space, "new/started"),
                                            OBS_TEXT, large, sizeof large, &options, error);
    return status == OBS_OK ? outcome(space, operation, error) : status;
}

static obs_status delete_started(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_operation *operation = NULL;
    obs_change_options options = change_with(call);
    obs_status status = obs_store_delete_start(&operation, space->queue, 1, space->store, calls_key(space, "doomed/started"),
                                               OBS_TEXT, &options, error);
    return status == OBS_OK ? outcome(space, operation, error) : status;
}

static obs_status delete_object(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_change_options options = change_with(call);
    return obs_store_delete(space->store, calls_key(space, "doomed/a"), OBS_TEXT, &options, error);
}

static obs_status copy_object(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_change_options options = change_with(call);
    return obs_store_copy(NULL, space->store, "kept/a", OBS_TEXT, calls_key(space, "new/copy"), OBS_TEXT, &options, error);
}

static obs_status adopt_object(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_put_options options = put_with(call);
    return obs_store_adopt(NULL, space->store, calls_key(space, "outside/a"), OBS_TEXT, &options, error);
}

static obs_status label_object(calls_space *space, const obs_call *call, obs_error *error)
{
    const obs_pair label = {calls_key(space, "late"), "yes"};
    return obs_catalog_label(obs_client_catalog(space->client), "kept/a", OBS_TEXT, &label, 1, call, error);
}

static obs_status commit_unit(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_unit *unit = NULL;
    const obs_event event = event_of("test.late");
    obs_status status = obs_unit_begin(&unit, space->client, call, error);
    if (status == OBS_OK)
        status = obs_unit_put(unit, calls_key(space, "new/unit"), OBS_TEXT, "x", 1, NULL, error);
    if (status == OBS_OK)
        status = obs_unit_publish(unit, &event, NULL, error);
    if (status == OBS_OK)
        status = obs_unit_record(unit, "test.mag", "{\"mag\":3}", OBS_TEXT, NULL, error);
    if (status == OBS_OK)
        status = obs_unit_delete(unit, calls_key(space, "doomed/unit"), OBS_TEXT, NULL, error);
    if (status == OBS_OK)
        status = obs_unit_commit(unit, error);
    obs_unit_free(unit);
    return status;
}

static obs_status publish(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_publish_options options;
    const obs_event event = event_of("test.late");
    obs_publish_options_init(&options, sizeof options);
    options.call = call;
    return obs_bus_publish(NULL, obs_client_bus(space->client), &event, &options, error);
}

static obs_status subscribe(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_subscription *subscription = NULL;
    obs_subscribe_options options;
    obs_subscribe_options_init(&options, sizeof options);
    options.call = call;
    options.filter = "type LIKE 'org.%' AND NOT EXISTS site";
    obs_status status =
        obs_bus_subscribe(&subscription, obs_client_bus(space->client), calls_key(space, "late"), &options, error);
    obs_subscription_free(subscription);
    return status;
}

static obs_status acknowledge(calls_space *space, const obs_call *call, obs_error *error)
{
    (void)call;
    return obs_subscription_acknowledge(space->reader, space->sequence, error);
}

static obs_status acknowledge_several(calls_space *space, const obs_call *call, obs_error *error)
{
    (void)call;
    return obs_subscription_acknowledge_many(NULL, space->reader, &space->sequence, 1, error);
}

static obs_status pause_consumer(calls_space *space, const obs_call *call, obs_error *error)
{
    return obs_bus_pause(obs_client_bus(space->client), "idle", 0, "maintenance", call, error);
}

static obs_status resume_consumer(calls_space *space, const obs_call *call, obs_error *error)
{
    return obs_bus_resume(obs_client_bus(space->client), "idle", call, error);
}

static obs_status ingest_record(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_ingest_options options = ingest_with(call);
    return obs_ingest_record(NULL, space->client, "test.mag", "{\"mag\":17.5}", OBS_TEXT, &options, error);
}

static obs_status ingest_bad_record(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_ingest_options options = ingest_with(call);
    return obs_ingest_record(NULL, space->client, "test.mag", "{}", OBS_TEXT, &options, error);
}

static obs_status ingest_records(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_ingest_options options = ingest_with(call);
    obs_ingest_counts counts = {.size = sizeof counts};
    obs_status status = obs_ingest_records(&counts, space->client, "test.mag", "{\"mag\":1}\n{}\n", OBS_TEXT, &options, error);
    ck_assert_uint_eq(counts.accepted + counts.refused, status == OBS_OK ? 2 : 0);
    return status;
}

static obs_status ingest_file(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_ingest_options options = ingest_with(call);
    return obs_ingest_file(space->client, calls_key(space, "new/file"), OBS_TEXT, large, sizeof large, &options, error);
}

static obs_status ingest_refusal(calls_space *space, const obs_call *call, obs_error *error)
{
    obs_ingest_options options = ingest_with(call);
    options.reason = "not a line";
    return obs_ingest_refuse(space->client, "test.mag", "?", 1, &options, error);
}

static obs_status define(calls_space *space, const obs_call *call, obs_error *error)
{
    return obs_ingest_definition(space->client, calls_key(space, "test.late"), schema, OBS_TEXT, call, error);
}

static obs_status create_tenant(calls_space *space, const obs_call *call, obs_error *error)
{
    return obs_tenant_create(space->client, calls_key(space, "late"), call, error);
}

const writing_call writing_calls[] = {
    {"put small", put_small, "store.put", "new/small", NULL, 0, 0, 0, OBS_OK},
    {"put large", put_large, "store.put", "new/large", NULL, 0, 0, 0, OBS_OK},
    {"put by a stream", put_stream, "store.put", "new/stream", NULL, 0, 0, 0, OBS_OK},
    {"put started", put_started, "store.put", "new/started", NULL, 0, 0, 0, OBS_OK},
    {"delete started", delete_started, "store.delete", NULL, "doomed/started", 0, 0, 0, OBS_OK},
    {"delete", delete_object, "store.delete", NULL, "doomed/a", 0, 0, 0, OBS_OK},
    {"copy", copy_object, "store.copy", "new/copy", NULL, 0, 0, 0, OBS_OK},
    {"adopt", adopt_object, "store.adopt", NULL, NULL, 0, 0, 0, OBS_OK},
    {"label", label_object, "catalog.label", NULL, NULL, 0, 0, 0, OBS_OK},
    {"commit of a unit", commit_unit, "event.publish", "new/unit", "doomed/unit", 1, 1, 2, OBS_OK},
    {"publish", publish, "event.publish", NULL, NULL, 0, 0, 1, OBS_OK},
    {"subscribe", subscribe, "event.subscribe", NULL, NULL, 0, 0, 0, OBS_OK},
    {"acknowledge several", acknowledge_several, "event.acknowledge", NULL, NULL, 0, 0, 0, OBS_OK},
    {"pause", pause_consumer, "event.pause", NULL, NULL, 0, 0, 0, OBS_OK},
    {"resume", resume_consumer, "event.resume", NULL, NULL, 0, 0, 0, OBS_OK},
    {"acknowledge", acknowledge, "event.acknowledge", NULL, NULL, 0, 0, 0, OBS_OK},
    {"ingest a record", ingest_record, "ingest.record", NULL, NULL, 1, 1, 1, OBS_OK},
    {"ingest a bad record", ingest_bad_record, "ingest.record", NULL, NULL, 0, 1, 0, OBS_REFUSED},
    {"ingest records", ingest_records, "ingest.record", NULL, NULL, 1, 2, 1, OBS_OK},
    {"ingest a file", ingest_file, "ingest.file", "new/file", NULL, 0, 1, 1, OBS_OK},
    {"log a refusal", ingest_refusal, "ingest.record", NULL, NULL, 0, 1, 0, OBS_OK},
    {"define", define, "ingest.definition", NULL, NULL, 0, 0, 0, OBS_OK},
    {"create a tenant", create_tenant, "tenant.create", NULL, NULL, 0, 0, 0, OBS_OK},
};
const size_t writing_call_count = sizeof writing_calls / sizeof writing_calls[0];

void calls_open(calls_space *space, const char *path)
{
    obs_error error;
    obs_open_options options;
    const obs_event event = event_of("test.first");
    obs_error_init(&error, sizeof error);
    obs_open_options_init(&options, sizeof options);
    options.workspace = path;
    memset(large, 'o', sizeof large);
    *space = (calls_space){.path = path};
    ck_assert_ok(obs_client_open(&space->client, &options, &error));
    space->store = obs_client_store(space->client);
    ck_assert_ok(obs_queue_new(&space->queue, &error));
    ck_assert_ok(obs_store_put(NULL, space->store, "kept/a", OBS_TEXT, "bytes", 5, NULL, &error));
    ck_assert_ok(obs_ingest_definition(space->client, "test.mag", schema, OBS_TEXT, NULL, &error));
    ck_assert_ok(obs_bus_publish(NULL, obs_client_bus(space->client), &event, NULL, &error));
    ck_assert_ok(obs_bus_subscribe(&space->reader, obs_client_bus(space->client), "idle", NULL, &error));
    obs_subscription_free(space->reader);
    space->reader = NULL;
}

void calls_close(calls_space *space)
{
    obs_subscription_free(space->reader);
    obs_queue_free(space->queue);
    obs_client_close(space->client);
}

void calls_prepare(calls_space *space, int number)
{
    static const char *const doomed[] = {"doomed/a", "doomed/started", "doomed/unit"};
    char path[512];
    obs_error error;
    obs_error_init(&error, sizeof error);
    space->number = number;
    for (size_t i = 0; i < sizeof doomed / sizeof doomed[0]; i++)
        ck_assert_ok(obs_store_put(NULL, space->store, calls_key(space, doomed[i]), OBS_TEXT, "x", 1, NULL, &error));
    snprintf(path, sizeof path, "%s/store/outside", space->path);
    mkdir(path, 0777);
    test_write(test_path(test_path(space->path, "store"), calls_key(space, "outside/a")), "found", 5);
}

void calls_read(calls_space *space, const char *consumer, const obs_call *call)
{
    obs_subscribe_options options;
    const obs_delivery *delivery;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscribe_options_init(&options, sizeof options);
    options.call = call;
    obs_subscription_free(space->reader);
    obs_status status;
    do /* what has little time does not always have enough of it */
        status = obs_bus_subscribe(&space->reader, obs_client_bus(space->client), consumer, &options, &error);
    while (call && status == OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(status);
    do
        status = obs_subscription_next(&delivery, space->reader, 60000, NULL, &error);
    while (call && status == OBS_DEADLINE_EXCEEDED);
    ck_assert_ok(status);
    ck_assert_ptr_nonnull(delivery);
    space->sequence = delivery->sequence;
}
