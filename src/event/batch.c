/* The JSON batch format: an array of events, of which each stands for itself. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "event/decode.h"

typedef struct batch_item {
    obs_event *event; /* NULL: what stands there is no event */
    size_t at;        /* where it begins in the text */
} batch_item;

struct obs_event_batch {
    char *text; /* to tell later what is wrong with an element */
    size_t size;
    batch_item *items;
    size_t count;
    size_t capacity;
};

obs_status obs_event_encode_batch(obs_buffer **out, const obs_event *const *events, size_t count, obs_error *error)
{
    obs__builder json;
    obs__builder event_json;
    obs_event checked;
    obs_status status = OBS_OK;
    if (!out || (count && !events))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and events are required");
    *out = NULL;
    obs__builder_init(&json, SIZE_MAX / 2);
    obs__builder_init(&event_json, OBS_EVENT_MAX);
    obs__add_char(&json, '[');
    for (size_t i = 0; status == OBS_OK && i < count; i++) {
        obs__builder_clear(&event_json);
        status = obs__event_check(&checked, events[i], 1, error);
        if (status == OBS_OK)
            status = obs__event_write(&event_json, &checked, error);
        if (status == OBS_OK)
            status = obs__event_written(&event_json, error);
        if (status != OBS_OK)
            obs__detail(error, "event %zu of the batch (from 0)", i);
        else if (i)
            obs__add_char(&json, ',');
        if (status == OBS_OK)
            obs__add(&json, event_json.data, event_json.size);
    }
    obs__add_char(&json, ']');
    obs__builder_free(&event_json);
    if (status != OBS_OK) {
        obs__builder_free(&json);
        return status;
    }
    status = obs__builder_finish(out, &json, error);
    return status == OBS_OK ? obs__ok(error) : status;
}

static obs_status add_item(obs_event_batch *batch, obs_event *event, size_t at, obs_error *error)
{
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? batch->capacity * 2 : 16;
        batch_item *items = obs__realloc(batch->items, capacity * sizeof *items);
        if (!items) {
            obs_event_free(event);
            return obs__fail_memory(error);
        }
        batch->items = items;
        batch->capacity = capacity;
    }
    batch->items[batch->count++] = (batch_item){event, at};
    return OBS_OK;
}

/* The element that comes next. First its end is found, so that a bad event does not stop the others. */
static obs_status read_item(obs_event_batch *batch, obs__json *json, obs_error *error)
{
    obs__view raw;
    obs_event *event = NULL;
    if (!obs__json_skip(json, &raw))
        return obs__json_status(json, error);
    obs__json element = *json;
    element.at = raw.data;
    element.end = raw.data + raw.size;
    obs_status status = obs__event_read(&event, &element, NULL);
    if (status != OBS_OK && status != OBS_INVALID_ARGUMENT)
        return obs__fail_memory(error);
    return add_item(batch, event, (size_t)(raw.data - json->start), error);
}

static obs_status read_items(obs_event_batch *batch, obs_error *error)
{
    obs__json json;
    obs_status status = OBS_OK;
    obs__json_begin(&json, batch->text, batch->size);
    if (obs__json_enter(&json, '['))
        while (status == OBS_OK && obs__json_element(&json))
            status = read_item(batch, &json, error);
    if (status == OBS_OK)
        obs__json_end(&json);
    return status == OBS_OK ? obs__json_status(&json, error) : status;
}

obs_status obs_event_decode_batch(obs_event_batch **out, const char *json, size_t size, obs_error *error)
{
    if (!out || !json)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and json are required");
    *out = NULL;
    obs__view text = obs__view_of(json, size);
    obs_event_batch *batch = obs__calloc(1, sizeof *batch);
    if (!batch)
        return obs__fail_memory(error);
    batch->size = text.size;
    batch->text = obs__memdup(text.data, text.size);
    obs_status status = batch->text ? read_items(batch, error) : obs__fail_memory(error);
    if (status != OBS_OK) {
        obs_event_batch_free(batch);
        return status;
    }
    *out = batch;
    return obs__ok(error);
}

size_t obs_event_batch_count(const obs_event_batch *batch)
{
    return batch ? batch->count : 0;
}

/* Reads a bad element once more, to say why it is bad. */
static obs_status explain(const obs_event_batch *batch, size_t index, obs_error *error)
{
    obs__json json;
    obs_event *event = NULL;
    obs__json_begin(&json, batch->text, batch->size);
    json.at += batch->items[index].at;
    obs_status status = obs__event_read(&event, &json, error);
    obs_event_free(event);
    obs__detail(error, "event %zu of the batch (from 0)", index);
    return status;
}

obs_status obs_event_batch_at(const obs_event **out, const obs_event_batch *batch, size_t index, obs_error *error)
{
    if (!out || !batch)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and batch are required");
    *out = NULL;
    if (index >= batch->count)
        return obs__fail(error, OBS_OUT_OF_RANGE, "there is no event %zu: the batch has %zu", index, batch->count);
    *out = batch->items[index].event;
    return *out ? obs__ok(error) : explain(batch, index, error);
}

void obs_event_batch_free(obs_event_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        obs_event_free(batch->items[i].event);
    obs__free(batch->items);
    obs__free(batch->text);
    obs__free(batch);
}
