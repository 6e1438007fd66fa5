/* Events from JSON. */
#include <string.h>

#include "base/error.h"
#include "event/decode.h"

/* The name of a member as a view that lives as long as the draft. */
static int name_of(obs__view *out, obs__draft *draft, obs__json_text name)
{
    *out = name.raw;
    if (!name.escaped)
        return 1;
    char *room = obs__draft_name(draft, name.raw.size);
    if (!room)
        return 0;
    *out = (obs__view){room, obs__json_unescape(room, name)};
    return 1;
}

static int is_integer(obs__view raw)
{
    size_t digits = raw.size - (*raw.data == '-');
    for (size_t i = raw.size - digits; i < raw.size; i++)
        if (raw.data[i] < '0' || raw.data[i] > '9')
            return 0;
    /* 32 bits with sign; texts of equal length compare as the numbers do. */
    const char *most = *raw.data == '-' ? "2147483648" : "2147483647";
    return digits < 10 || (digits == 10 && memcmp(raw.data + raw.size - digits, most, 10) <= 0);
}

/* A member that is neither `data` nor `data_base64`. */
static obs_status read_attribute(obs__draft *draft, obs__json *json, obs__view name, obs_error *error)
{
    obs__json_text text;
    obs__view raw;
    char kind = obs__json_peek(json);
    const char *from = json->at;
    if (kind == '"')
        return obs__json_string(json, &text)
                   ? obs__draft_add(draft, name, text.raw, text.escaped ? OBS__JSON_ESCAPED : OBS__PLAIN, error)
                   : OBS_INVALID_ARGUMENT;
    if (!obs__json_skip(json, &raw))
        return OBS_INVALID_ARGUMENT;
    if (kind == 'n')
        return obs__draft_add(draft, name, raw, OBS__ABSENT, error);
    draft->fault = from;
    if (obs__core_attribute_of(name) || obs__view_is(name, "specversion"))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s must be a string", (int)name.size, name.data);
    if (kind == '{' || kind == '[')
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "%.*s must be a string, a boolean or an integer: objects and arrays go to data",
                         (int)(name.size < 80 ? name.size : 80), name.data);
    if (kind == '0' && !is_integer(raw))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s is not an integer of 32 bits: write other numbers as strings",
                         (int)(name.size < 80 ? name.size : 80), name.data);
    return obs__draft_add(draft, name, raw, OBS__PLAIN, error);
}

/* `data` and `data_base64` are kept as values of JSON; what they mean hangs on datacontenttype, which may come later. */
typedef struct data_members {
    obs__view data;
    obs__view base64;
} data_members;

static obs_status read_data(data_members *found, obs__draft *draft, obs__json *json, obs__view name, obs_error *error)
{
    obs__view *view = name.size == 4 ? &found->data : &found->base64;
    obs__json_peek(json);
    draft->fault = json->at;
    if (view->data)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s is given twice", (int)name.size, name.data);
    if (!obs__json_skip(json, view))
        return OBS_INVALID_ARGUMENT;
    draft->fault = NULL;
    return OBS_OK;
}

static obs_status read_members(data_members *found, obs__draft *draft, obs__json *json, obs_error *error)
{
    obs__json_text text;
    obs__view name;
    obs_status status = OBS_OK;
    if (!obs__json_enter(json, '{'))
        return OBS_INVALID_ARGUMENT;
    while (status == OBS_OK && obs__json_member(json, &text)) {
        if (!name_of(&name, draft, text)) {
            draft->fault = text.raw.data;
            return obs__fail(error, OBS_INVALID_ARGUMENT, "the name of an attribute is too long");
        }
        if (obs__view_is(name, "data") || obs__view_is(name, "data_base64"))
            status = read_data(found, draft, json, name, error);
        else
            status = read_attribute(draft, json, name, error);
    }
    return json->fault ? OBS_INVALID_ARGUMENT : status;
}

/* The text of datacontenttype as far as it matters for the form; it has no escapes in practice but may have. */
static obs__data_form form_of(const obs__draft *draft)
{
    char media_type[OBS__ATTRIBUTE_MAX + 1];
    for (size_t i = 0; i < draft->count; i++) {
        const obs__draft_value *value = &draft->values[i];
        if (!obs__view_is(value->name, "datacontenttype") || value->form == OBS__ABSENT)
            continue;
        if (value->raw.size > OBS__ATTRIBUTE_MAX)
            break; /* refused when the event is built */
        size_t size = obs__json_unescape(media_type, (obs__json_text){value->raw, value->form == OBS__JSON_ESCAPED});
        media_type[size] = '\0';
        return obs__data_form_of(media_type);
    }
    return OBS__DATA_JSON;
}

static obs__draft_value string_value(obs__view raw, obs__value_form form)
{
    obs__json json;
    obs__json_text text = {{"", 0}, 0};
    obs__json_begin(&json, raw.data, raw.size);
    obs__json_string(&json, &text);
    return (obs__draft_value){{"data", 4},
                              text.raw,
                              form == OBS__BASE64 ? form
                              : text.escaped      ? OBS__JSON_ESCAPED
                                                  : OBS__PLAIN};
}

static obs_status choose_data(obs__draft *draft, const data_members *found, obs_error *error)
{
    int has_base64 = found->base64.data && *found->base64.data != 'n';
    draft->fault = has_base64 ? found->base64.data : found->data.data;
    if (has_base64 && found->data.data)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "data and data_base64 exclude each other");
    if (has_base64 && (*found->base64.data != '"' || memchr(found->base64.data, '\\', found->base64.size)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "data_base64 must be a string of base64 (RFC 4648)");
    if (has_base64)
        draft->data = string_value(found->base64, OBS__BASE64);
    else if (found->data.data && form_of(draft) == OBS__DATA_JSON)
        draft->data = (obs__draft_value){{"data", 4}, found->data, OBS__PLAIN};
    else if (found->data.data && *found->data.data == '"')
        draft->data = string_value(found->data, OBS__PLAIN);
    else if (found->data.data && *found->data.data != 'n')
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "data must be a string, because datacontenttype is not JSON: or use data_base64");
    draft->fault = NULL;
    return OBS_OK;
}

/* What went wrong, with its place. */
static obs_status located(obs__json *json, const obs__draft *draft, obs_status status, obs_error *error)
{
    if (status == OBS_OK || status != OBS_INVALID_ARGUMENT)
        return status;
    if (json->fault)
        return obs__json_status(json, error);
    int line, column;
    obs__json_place(json, draft->fault ? draft->fault : json->start, &line, &column);
    obs__at(error, line, column);
    return status;
}

obs_status obs__event_read(obs_event **out, obs__json *json, obs_error *error)
{
    obs__draft draft;
    data_members found = {{NULL, 0}, {NULL, 0}};
    const char *from = json->at;
    *out = NULL;
    obs__draft_begin(&draft);
    obs_status status = read_members(&found, &draft, json, error);
    if (status == OBS_OK && (size_t)(json->at - from) > OBS_EVENT_MAX)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "the event is larger than %d bytes", OBS_EVENT_MAX);
    if (status == OBS_OK)
        status = choose_data(&draft, &found, error);
    if (status == OBS_OK)
        status = obs__draft_build(out, &draft, error);
    return located(json, &draft, status, error);
}

obs_status obs_event_decode(obs_event **out, const char *json, size_t size, obs_error *error)
{
    obs__json reader;
    if (!out || !json)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and json are required");
    obs__view text = obs__view_of(json, size);
    obs__json_begin(&reader, text.data, text.size);
    obs_status status = obs__event_read(out, &reader, error);
    if (status == OBS_OK && !obs__json_end(&reader)) {
        obs_event_free(*out);
        *out = NULL;
        status = obs__json_status(&reader, error);
    }
    return status == OBS_OK ? obs__ok(error) : status;
}
