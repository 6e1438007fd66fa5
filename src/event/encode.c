/* Events as JSON: checks of what a caller gave, and the writer. */
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json_read.h"
#include "event/event.h"

void obs_event_init(obs_event *event, size_t size)
{
    if (!event || size < sizeof event->size)
        return;
    memset(event, 0, size);
    event->size = size;
}

static obs_status check_core(obs_event *event, int complete, obs_error *error)
{
    for (size_t i = 0; i < OBS__CORE_COUNT; i++) {
        const obs__core_attribute *core = &obs__core_attributes[i];
        const char *value = obs__attribute_get(event, core);
        obs__attribute_set(event, core, value);
        if (!value && core->required && complete)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "%s is missing: every event must have it", core->name);
        obs_status status =
            !value ? OBS_OK
                   : obs__attribute_check(obs__view_of(core->name, OBS_TEXT), obs__view_of(value, OBS_TEXT), core->kind, error);
        if (status != OBS_OK)
            return status;
    }
    return OBS_OK;
}

static obs_status check_extension(const obs_event *event, size_t index, obs_error *error)
{
    const obs_pair *pair = &event->extensions[index];
    obs__view name = obs__view_of(pair->name, OBS_TEXT);
    obs_status status = obs__attribute_check_name(name, error);
    if (status == OBS_OK)
        status = obs__attribute_check(name, obs__view_of(pair->value, OBS_TEXT), OBS__EXTENSION, error);
    for (size_t i = 0; status == OBS_OK && i < index; i++)
        if (strcmp(event->extensions[i].name, pair->name) == 0)
            status = obs__fail(error, OBS_INVALID_ARGUMENT, "%s is given twice", pair->name);
    return status;
}

obs_status obs__event_check(obs_event *out, const obs_event *event, int complete, obs_error *error)
{
    if (!event || event->size < offsetof(obs_event, extension_count) + sizeof event->extension_count)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the event was not prepared with obs_event_init()");
    *out = *event;
    out->size = sizeof *out;
    if (!out->data)
        out->data_size = 0;
    else if (out->data_size == OBS_TEXT)
        out->data_size = strlen(out->data);
    if (out->data_size > OBS_EVENT_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the data is larger than %d bytes: store it and send its key",
                         OBS_EVENT_MAX);
    if (out->extension_count > OBS__EXTENSIONS_MAX || (out->extension_count && !out->extensions))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the event must have at most %d extension attributes",
                         OBS__EXTENSIONS_MAX);
    obs_status status = check_core(out, complete, error);
    for (size_t i = 0; status == OBS_OK && i < out->extension_count; i++)
        status = check_extension(out, i, error);
    return status;
}

static void write_base64(obs__builder *json, const obs_event *event)
{
    obs__add_text(json, ",\"data_base64\":\"");
    size_t size = obs__base64_size(event->data_size);
    char *room = obs__builder_room(json, size);
    if (!room)
        return;
    obs__base64_encode(room, event->data, event->data_size);
    json->size += size;
    obs__add_char(json, '"');
}

static obs_status write_json_data(obs__builder *json, const obs_event *event, obs_error *error)
{
    obs__json reader;
    obs__view value;
    obs__json_begin(&reader, event->data, event->data_size);
    obs__json_skip(&reader, &value);
    obs__json_end(&reader);
    if (reader.fault) {
        int line, column;
        obs__json_place(&reader, reader.at, &line, &column);
        obs__fail(error, OBS_INVALID_ARGUMENT, "data is not JSON, as datacontenttype says: %s (line %d, column %d)",
                  reader.fault, line, column);
        obs__at(error, line, column);
        return OBS_INVALID_ARGUMENT;
    }
    obs__add_text(json, ",\"data\":");
    obs__add(json, value.data, value.size);
    return OBS_OK;
}

static obs_status write_data(obs__builder *json, const obs_event *event, obs_error *error)
{
    obs__data_form form = obs__data_form_of(event->datacontenttype);
    if (!event->data)
        return OBS_OK;
    if (form == OBS__DATA_JSON)
        return write_json_data(json, event, error);
    if (form == OBS__DATA_TEXT && obs__utf8_valid(event->data, event->data_size)) {
        obs__add_text(json, ",\"data\":");
        obs__add_json(json, event->data, event->data_size);
    } else
        write_base64(json, event);
    return OBS_OK;
}

static void write_attribute(obs__builder *json, const char *name, const char *value)
{
    obs__add(json, ",\"", 2);
    obs__add_text(json, name);
    obs__add(json, "\":", 2);
    obs__add_json(json, value, strlen(value));
}

obs_status obs__event_write(obs__builder *json, const obs_event *event, obs_error *error)
{
    static const char begin[] = "{\"specversion\":\"1.0\"";
    obs__add(json, begin, sizeof begin - 1);
    for (size_t i = 0; i < OBS__CORE_COUNT; i++) {
        const char *value = obs__attribute_get(event, &obs__core_attributes[i]);
        if (value)
            write_attribute(json, obs__core_attributes[i].name, value);
    }
    for (size_t i = 0; i < event->extension_count; i++)
        if (event->extensions[i].value && *event->extensions[i].value)
            write_attribute(json, event->extensions[i].name, event->extensions[i].value);
    obs_status status = write_data(json, event, error);
    obs__add_char(json, '}');
    return status;
}

obs_status obs__event_written(const obs__builder *json, obs_error *error)
{
    if (json->failed == 2)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "the event is larger than %d bytes as JSON: store the data and send its key", OBS_EVENT_MAX);
    return obs__builder_status(json, error);
}

obs_status obs_event_encode(obs_buffer **out, const obs_event *event, obs_error *error)
{
    obs_event checked;
    obs__builder json;
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_status status = obs__event_check(&checked, event, 1, error);
    if (status != OBS_OK)
        return status;
    obs__builder_init(&json, OBS_EVENT_MAX);
    /* Room for an ordinary event at once; the builder grows when that was not enough. */
    obs__builder_room(&json, checked.data_size < OBS_EVENT_MAX / 2 ? 640 + checked.data_size : checked.data_size);
    status = obs__event_write(&json, &checked, error);
    if (status == OBS_OK)
        status = obs__event_written(&json, error);
    if (status != OBS_OK) {
        obs__builder_free(&json);
        return status;
    }
    status = obs__builder_finish(out, &json, error);
    return status == OBS_OK ? obs__ok(error) : status;
}
