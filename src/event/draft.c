/* From an event as it was found (JSON members or headers) to an obs_event in one block of memory. */
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/memory.h"
#include "event/event.h"

void obs__draft_begin(obs__draft *draft)
{
    draft->count = draft->names_used = 0;
    draft->data = (obs__draft_value){{"data", 4}, {"", 0}, OBS__ABSENT};
    draft->fault = NULL;
}

char *obs__draft_name(obs__draft *draft, size_t size)
{
    if (size > sizeof draft->names - draft->names_used)
        return NULL;
    char *name = draft->names + draft->names_used;
    draft->names_used += size;
    return name;
}

obs_status obs__draft_add(obs__draft *draft, obs__view name, obs__view raw, obs__value_form form, obs_error *error)
{
    draft->fault = raw.data;
    for (size_t i = 0; i < draft->count; i++)
        if (obs__view_equal(draft->values[i].name, name))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s is given twice", (int)name.size, name.data);
    if (draft->count == sizeof draft->values / sizeof draft->values[0])
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the event has more than %d extension attributes", OBS__EXTENSIONS_MAX);
    draft->values[draft->count++] = (obs__draft_value){name, raw, form};
    draft->fault = NULL;
    return OBS_OK;
}

/* Without the double quotes and backslashes of RFC 7230, 3.2.6, and with one round of percent-decoding.
 * SIZE_MAX when a quote is missing or a % is not followed by two digits. */
static size_t decode_header(char *out, obs__view raw)
{
    int quoted = raw.size >= 1 && *raw.data == '"';
    const char *at = raw.data + quoted;
    const char *end = raw.data + raw.size - quoted;
    char *to = out;
    if (quoted && (raw.size < 2 || *end != '"'))
        return SIZE_MAX;
    while (at < end) {
        if (quoted && *at == '\\' && ++at == end)
            return SIZE_MAX;
        if (*at != '%') {
            *to++ = *at++;
            continue;
        }
        if (end - at < 3 || !obs__unhex(to, 1, at + 1))
            return SIZE_MAX;
        to++;
        at += 3;
    }
    return (size_t)(to - out);
}

/* Writes a value as it is meant, with a NUL behind; SIZE_MAX when it cannot be read. Never more than raw.size bytes. */
static size_t write_value(char *out, const obs__draft_value *value)
{
    size_t size = 0;
    switch (value->form) {
    case OBS__JSON_ESCAPED:
        size = obs__json_unescape(out, (obs__json_text){value->raw, 1});
        break;
    case OBS__PERCENT:
        size = decode_header(out, value->raw);
        break;
    case OBS__BASE64:
        if (!obs__base64_decode(out, &size, value->raw.data, value->raw.size))
            size = SIZE_MAX;
        break;
    default:
        size = value->raw.size;
        if (size)
            memcpy(out, value->raw.data, size);
        break;
    }
    if (size != SIZE_MAX)
        out[size] = '\0';
    return size;
}

/* Copies one attribute to `at` and checks it; *used is how many bytes it took. */
static obs_status take_value(obs_event *event, obs_pair *extensions, size_t *used, char *at, const obs__draft_value *value,
                             obs_error *error)
{
    const obs__core_attribute *core = obs__core_attribute_of(value->name);
    int is_version = !core && obs__view_is(value->name, "specversion");
    obs__attribute_kind kind = core ? core->kind : is_version ? OBS__VERSION : OBS__EXTENSION;
    size_t size = write_value(at, value);
    *used = 0;
    if (size == SIZE_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s is not percent-encoded rightly: write %% as %%25",
                         (int)value->name.size, value->name.data);
    obs_status status = kind == OBS__EXTENSION ? obs__attribute_check_name(value->name, error) : OBS_OK;
    if (status == OBS_OK)
        status = obs__attribute_check(value->name, (obs__view){at, size}, kind, error);
    if (status != OBS_OK || is_version || (kind == OBS__EXTENSION && !size))
        return status;
    *used = size + 1;
    if (core) {
        obs__attribute_set(event, core, at);
        return OBS_OK;
    }
    if (event->extension_count == OBS__EXTENSIONS_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the event has more than %d extension attributes", OBS__EXTENSIONS_MAX);
    char *name = at + size + 1;
    memcpy(name, value->name.data, value->name.size);
    name[value->name.size] = '\0';
    *used += value->name.size + 1;
    extensions[event->extension_count++] = (obs_pair){name, at};
    return OBS_OK;
}

static obs_status take_data(obs_event *event, char *at, const obs__draft *draft, obs_error *error)
{
    if (draft->data.form == OBS__ABSENT)
        return OBS_OK;
    size_t size = write_value(at, &draft->data);
    if (size == SIZE_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "data_base64 is not base64 (RFC 4648, with padding)");
    event->data = at;
    event->data_size = size;
    return OBS_OK;
}

static obs_status check_required(const obs__draft *draft, const obs_event *event, obs_error *error)
{
    int has_version = 0;
    for (size_t i = 0; i < draft->count && !has_version; i++)
        has_version = draft->values[i].form != OBS__ABSENT && obs__view_is(draft->values[i].name, "specversion");
    if (!has_version)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "specversion is missing: this is no CloudEvent");
    for (size_t i = 0; i < OBS__CORE_COUNT; i++)
        if (obs__core_attributes[i].required && !obs__attribute_get(event, &obs__core_attributes[i]))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "%s is missing: every event must have it",
                             obs__core_attributes[i].name);
    return OBS_OK;
}

static obs_status fill(obs_event *event, char *at, obs__draft *draft, obs_error *error)
{
    obs_pair *extensions = (obs_pair *)(event + 1);
    obs_status status = OBS_OK;
    for (size_t i = 0; status == OBS_OK && i < draft->count; i++) {
        size_t used = 0;
        if (draft->values[i].form != OBS__ABSENT)
            status = take_value(event, extensions, &used, at, &draft->values[i], error);
        if (status != OBS_OK)
            draft->fault = draft->values[i].raw.data;
        at += used;
    }
    event->extensions = event->extension_count ? extensions : NULL;
    if (status == OBS_OK)
        status = check_required(draft, event, error);
    if (status != OBS_OK)
        return status;
    status = take_data(event, at, draft, error);
    if (status != OBS_OK)
        draft->fault = draft->data.raw.data;
    return status;
}

obs_status obs__draft_build(obs_event **out, obs__draft *draft, obs_error *error)
{
    size_t size = sizeof(obs_event) + draft->count * sizeof(obs_pair) + draft->data.raw.size + 1;
    for (size_t i = 0; i < draft->count; i++)
        size += draft->values[i].raw.size + draft->values[i].name.size + 2;
    *out = NULL;
    obs_event *event = obs__alloc(size);
    if (!event)
        return obs__fail_memory(error);
    obs_event_init(event, sizeof *event);
    obs_status status = fill(event, (char *)event + sizeof *event + draft->count * sizeof(obs_pair), draft, error);
    if (status == OBS_OK)
        *out = event;
    else
        obs__free(event);
    return status;
}

void obs_event_free(obs_event *event)
{
    obs__free(event);
}
