/* publish subscribe */
#include <stdlib.h>
#include <string.h>

#include "obsctl/ctl.h"
#include "obsctl/input.h"

#define BATCH_MAX ((size_t)64 << 20)

static void print_id(ctl *ctl, const char *id, size_t size)
{
    if (ctl->json) {
        ctl_print_json(json_pack("{s:o}", "id", ctl_text(id)));
        return;
    }
    ctl_print_text(stdout, id, size);
    putchar('\n');
}

static obs_status publish_options_of(ctl *ctl, obs_publish_options *out)
{
    long long priority = 0;
    obs_publish_options_init(out, sizeof *out);
    obs_status status = ctl_number(ctl, "priority", -1, 1, &priority);
    out->call = &ctl->call;
    out->partition_key = ctl_get(ctl, "key");
    out->priority = (int32_t)priority;
    return status;
}

/* An event of the words of the command line. */
static obs_status publish_words(ctl *ctl, const obs_publish_options *options)
{
    obs_event event;
    obs_buffer *id = NULL;
    obs_pair *extensions = NULL;
    char *content = NULL;
    size_t size = 0;
    obs_event_init(&event, sizeof event);
    obs_status status = ctl_pairs(ctl, "extension", &extensions, &event.extension_count);
    if (status == OBS_OK && ctl_get(ctl, "file"))
        status = ctl_read_file(ctl, ctl_get(ctl, "file"), OBS_EVENT_MAX, &content, &size);
    event.type = ctl->arguments[0];
    event.subject = ctl_get(ctl, "subject");
    event.id = ctl_get(ctl, "id");
    event.source = ctl_get(ctl, "source");
    event.datacontenttype = ctl_get(ctl, "type");
    event.data = content ? content : ctl_get(ctl, "data");
    event.data_size = content ? size : OBS_TEXT;
    event.extensions = extensions;
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_bus_publish(&id, obs_client_bus(ctl->client), &event, options, &ctl->error);
    if (status == OBS_OK)
        print_id(ctl, obs_buffer_data(id), obs_buffer_size(id));
    obs_buffer_free(id);
    ctl_pairs_free(extensions, event.extension_count);
    free(content);
    return status;
}

/* What a file holds: one event, or a batch of them. */
typedef struct whole {
    obs_event *single; /* or NULL */
    obs_event_batch *batch;
} whole;

static size_t count_of(const whole *events)
{
    return events->single ? 1 : obs_event_batch_count(events->batch);
}

static obs_status event_at(ctl *ctl, const obs_event **out, const whole *events, size_t index)
{
    *out = events->single;
    if (events->single)
        return OBS_OK;
    return obs_event_batch_at(out, events->batch, index, &ctl->error);
}

static obs_status read_whole(ctl *ctl, const char *path, whole *out)
{
    char *text = NULL;
    size_t size = 0;
    obs_status status = ctl_read_file(ctl, path, BATCH_MAX, &text, &size);
    if (status == OBS_OK && text[strspn(text, " \t\r\n")] == '[')
        status = obs_event_decode_batch(&out->batch, text, size, &ctl->error);
    else if (status == OBS_OK)
        status = obs_event_decode(&out->single, text, size, &ctl->error);
    free(text);
    return status;
}

static obs_status name_event(ctl *ctl, size_t number)
{
    const obs_error why = ctl->error;
    return ctl_fail(ctl, why.status, "event %zu of the batch: %s", number, why.message);
}

/* All of them, or none. */
static obs_status publish_whole(ctl *ctl, const whole *events, const obs_publish_options *options)
{
    obs_unit *unit = NULL;
    const obs_event *event = NULL;
    obs_status status = obs_unit_begin(&unit, ctl->client, &ctl->call, &ctl->error);
    for (size_t i = 0; i < count_of(events) && status == OBS_OK; i++) {
        status = event_at(ctl, &event, events, i);
        if (status == OBS_OK)
            status = obs_unit_publish(unit, event, options, &ctl->error);
        if (status != OBS_OK && !events->single)
            status = name_event(ctl, i + 1);
    }
    if (status == OBS_OK)
        status = obs_unit_commit(unit, &ctl->error);
    obs_unit_free(unit);
    for (size_t i = 0; i < count_of(events) && status == OBS_OK; i++) {
        status = event_at(ctl, &event, events, i);
        if (status == OBS_OK)
            print_id(ctl, event->id, strlen(event->id));
    }
    return status;
}

static obs_status publish_file(ctl *ctl, const char *path, const obs_publish_options *options)
{
    static const char *const others[] = {"subject", "data", "file", "type", "id", "source", "extension"};
    whole events = {NULL, NULL};
    if (ctl->argument_count)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "with --event the event says its type: leave '%.100s' out",
                        ctl->arguments[0]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (ctl_get(ctl, others[i]))
            return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "with --event the event is published as it is: leave --%s out",
                            others[i]);
    obs_status status = read_whole(ctl, path, &events);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = publish_whole(ctl, &events, options);
    obs_event_free(events.single);
    obs_event_batch_free(events.batch);
    return status;
}

obs_status ctl_run_publish(ctl *ctl)
{
    obs_publish_options options;
    const char *path = ctl_get(ctl, "event");
    obs_status status = publish_options_of(ctl, &options);
    if (status == OBS_OK && path)
        return publish_file(ctl, path, &options);
    if (status == OBS_OK && !ctl->argument_count)
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "give the TYPE of the event, or a whole one with --event FILE");
    return status == OBS_OK ? publish_words(ctl, &options) : status;
}

static obs_status print_event(ctl *ctl, const obs_delivery *delivery)
{
    obs_buffer *json = NULL;
    obs_status status = obs_event_encode(&json, delivery->event, &ctl->error);
    if (status == OBS_OK) {
        ctl_write_json(obs_buffer_data(json), obs_buffer_size(json));
        if (fflush(stdout) != 0) /* acknowledged only when it was handed on */
            status = ctl_fail_system(ctl, "write to", "standard output");
    }
    obs_buffer_free(json);
    return status;
}

obs_status ctl_run_subscribe(ctl *ctl)
{
    obs_subscribe_options options;
    obs_subscription *subscription = NULL;
    const obs_delivery *delivery = NULL;
    long long count = 0;
    long long wait = -1;
    obs_subscribe_options_init(&options, sizeof options);
    options.call = &ctl->call;
    options.type = ctl_get(ctl, "type");
    options.subject = ctl_get(ctl, "subject");
    options.filter = ctl_get(ctl, "filter");
    options.from_now = ctl_get(ctl, "from-now") != NULL;
    options.exclusive = ctl_get(ctl, "exclusive") != NULL;
    options.attempts = -1; /* who only looks buries nothing */
    obs_status status = ctl_number(ctl, "count", 1, 1000000000, &count);
    if (status == OBS_OK)
        status = ctl_number(ctl, "wait", 0, 1000000, &wait);
    if (status == OBS_OK)
        status = ctl_open(ctl);
    if (status == OBS_OK)
        status = obs_bus_subscribe(&subscription, obs_client_bus(ctl->client), ctl->arguments[0], &options, &ctl->error);
    for (long long seen = 0; status == OBS_OK && (!count || seen < count); seen++) {
        status = obs_subscription_next(&delivery, subscription, wait < 0 ? -1 : wait * 1000, ctl->call.cancel, &ctl->error);
        if (status != OBS_OK || !delivery)
            break;
        status = print_event(ctl, delivery);
        if (status == OBS_OK && !ctl_get(ctl, "peek"))
            status = obs_subscription_acknowledge(subscription, delivery->sequence, &ctl->error);
    }
    obs_subscription_free(subscription);
    return status;
}
