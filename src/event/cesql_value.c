/* Values of CloudEvents SQL: casts, the texts that are made on the way, and the attributes of an event. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/memory.h"
#include "event/cesql_program.h"

#define TEXTS_MAX ((size_t)1 << 20) /* bytes that one evaluation may make */

typedef struct made_text {
    struct made_text *before;
    char data[];
} made_text;

int obs__cesql_fail(obs__cesql_run *run, obs__cesql_fault fault)
{
    if (run->result->fault == OBS__CESQL_FINE) {
        run->result->fault = fault;
        run->result->place = run->op->place;
    }
    return 0;
}

char *obs__cesql_room(obs__cesql_run *run, size_t size)
{
    obs__cesql_result *result = run->result;
    if (size <= sizeof result->room - result->room_used) {
        result->room_used += size;
        return result->room + result->room_used - size;
    }
    if (size > TEXTS_MAX - result->texts_size) {
        obs__cesql_fail(run, OBS__CESQL_FUNCTION_EVALUATION);
        return NULL;
    }
    made_text *text = obs__alloc(sizeof *text + size);
    if (!text) {
        run->lacks_memory = 1;
        return NULL;
    }
    text->before = result->texts;
    result->texts = text;
    result->texts_size += size;
    return text->data;
}

void obs__cesql_result_free(obs__cesql_result *result)
{
    while (result->texts) {
        made_text *text = result->texts;
        result->texts = text->before;
        obs__free(text);
    }
}

obs__cesql_value obs__cesql_zero(obs__cesql_type type)
{
    return (obs__cesql_value){type == OBS__CESQL_NONE ? OBS__CESQL_BOOLEAN : type, 0, {"", 0}};
}

/* ---- casts ---- */

static int read_integer(int32_t *out, obs__view text)
{
    size_t at = text.size && (*text.data == '-' || *text.data == '+');
    int negative = at && *text.data == '-';
    int64_t number = 0;
    if (at == text.size)
        return 0;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return 0;
        number = number * 10 + text.data[at] - '0';
        if (number > (int64_t)INT32_MAX + negative)
            return 0;
    }
    *out = (int32_t)(negative ? -number : number);
    return 1;
}

static int read_boolean(int32_t *out, obs__view text)
{
    *out = text.size == 4 && strncasecmp(text.data, "true", 4) == 0;
    return *out || (text.size == 5 && strncasecmp(text.data, "false", 5) == 0);
}

static int to_text(obs__cesql_run *run, obs__cesql_value *value)
{
    if (value->type == OBS__CESQL_BOOLEAN) {
        value->text = value->number ? (obs__view){"true", 4} : (obs__view){"false", 5};
        return 1;
    }
    char digits[12];
    int size = snprintf(digits, sizeof digits, "%d", (int)value->number);
    char *room = obs__cesql_room(run, (size_t)size);
    if (room)
        value->text = (obs__view){memcpy(room, digits, (size_t)size), (size_t)size};
    return room != NULL;
}

int obs__cesql_cast(obs__cesql_run *run, obs__cesql_value *value, obs__cesql_type type)
{
    int done = 1;
    if (type == OBS__CESQL_NONE || value->type == type)
        return 1;
    if (type == OBS__CESQL_STRING)
        done = to_text(run, value);
    else if (value->type == OBS__CESQL_STRING) {
        done =
            type == OBS__CESQL_INTEGER ? read_integer(&value->number, value->text) : read_boolean(&value->number, value->text);
        if (!done)
            obs__cesql_fail(run, OBS__CESQL_CAST);
    } else
        value->number = type == OBS__CESQL_BOOLEAN ? value->number != 0 : value->number;
    value->type = type;
    if (!done)
        *value = obs__cesql_zero(type);
    return done;
}

/* ---- attributes of an event; an empty one is the same as none ---- */

static obs__cesql_value text_value(const char *text)
{
    return (obs__cesql_value){text && *text ? OBS__CESQL_STRING : OBS__CESQL_NONE, 0, obs__view_of(text, OBS_TEXT)};
}

static const char *extension_of(const obs_event *event, obs__view name)
{
    for (size_t i = 0; i < event->extension_count; i++)
        if (obs__view_is(name, event->extensions[i].name))
            return event->extensions[i].value;
    return NULL;
}

void obs__cesql_take_event(obs__cesql_run *run, const obs_event *event)
{
    for (size_t i = 0; i < run->program->name_count; i++) {
        const obs__cesql_name *name = &run->program->names[i];
        if (name->core)
            run->attributes[i] = text_value(obs__attribute_get(event, name->core));
        else if (obs__view_is(name->text, "specversion"))
            run->attributes[i] = text_value("1.0");
        else
            run->attributes[i] = text_value(extension_of(event, name->text));
    }
}

/* ---- attributes of an event in JSON ---- */

static obs__view unescaped(obs__cesql_run *run, obs__json_text text)
{
    if (!text.escaped)
        return text.raw;
    char *room = obs__cesql_room(run, text.raw.size);
    return room ? (obs__view){room, obs__json_unescape(room, text)} : (obs__view){"", 0};
}

/* What is neither a text, nor a boolean, nor an integer of 32 bits is shown as it stands: JSON events have no such attributes.
 */
static obs__cesql_value read_value(obs__cesql_run *run, obs__json *json)
{
    obs__json_text text = {{"", 0}, 0};
    obs__cesql_value value = {OBS__CESQL_STRING, 0, {"", 0}};
    char kind = obs__json_peek(json);
    if (kind == '"') {
        if (obs__json_string(json, &text))
            value.text = unescaped(run, text);
        value.type = text.raw.size ? OBS__CESQL_STRING : OBS__CESQL_NONE;
        return value;
    }
    obs__json_skip(json, &value.text);
    if (kind == 'n')
        return (obs__cesql_value){OBS__CESQL_NONE, 0, {"", 0}};
    if (kind == 't' || kind == 'f')
        return (obs__cesql_value){OBS__CESQL_BOOLEAN, kind == 't', {"", 0}};
    if (kind == '0' && read_integer(&value.number, value.text))
        return (obs__cesql_value){OBS__CESQL_INTEGER, value.number, {"", 0}};
    return value;
}

/* The number of a wanted attribute, or SIZE_MAX. Names have no characters that JSON must escape, and so none is unescaped. */
static size_t wanted(const obs__cesql *program, obs__view name)
{
    for (size_t i = 0; i < program->name_count; i++)
        if (obs__view_equal(program->names[i].text, name) && !obs__view_is(name, "data"))
            return i;
    return SIZE_MAX;
}

obs_status obs__cesql_take_json(obs__cesql_run *run, obs__view text, obs_error *error)
{
    obs__json json;
    obs__json_text name;
    obs__view skipped;
    size_t left = run->program->name_count;
    memset(run->attributes, 0, left * sizeof *run->attributes);
    obs__json_begin(&json, text.data, text.size);
    if (!obs__json_enter(&json, '{') && !json.fault)
        obs__json_fault(&json, json.at, "expected an object");
    while (left && obs__json_member(&json, &name)) {
        size_t number = wanted(run->program, name.raw);
        if (number == SIZE_MAX)
            obs__json_skip(&json, &skipped);
        else {
            run->attributes[number] = read_value(run, &json);
            left--;
        }
    }
    return json.fault ? obs__json_status(&json, error) : OBS_OK;
}
