/* The functions of CloudEvents SQL. Characters are those of Unicode, and counted from 1. */
#include <string.h>

#include "event/cesql_program.h"

static size_t character_at(uint32_t *out, const char *at, size_t left)
{
    size_t size = obs__utf8_decode(out, at, left);
    return size ? size : 1;
}

static size_t length_of(obs__view text)
{
    size_t length = 0;
    for (size_t i = 0; i < text.size; i++)
        length += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return length;
}

/* What follows so many characters. */
static obs__view behind(obs__view text, size_t characters)
{
    size_t at = 0;
    for (uint32_t character; characters && at < text.size; characters--)
        at += character_at(&character, text.data + at, text.size - at);
    return (obs__view){text.data + at, text.size - at};
}

/* The first so many characters. */
static obs__view first(obs__view text, size_t characters)
{
    return (obs__view){text.data, text.size - behind(text, characters).size};
}

static void identity(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)run;
    (void)arguments;
    (void)count;
}

static void length(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)run;
    (void)count;
    arguments->number = (int32_t)length_of(arguments->text);
    arguments->type = OBS__CESQL_INTEGER;
}

static void absolute(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)count;
    if (arguments->number == INT32_MIN) {
        arguments->number = INT32_MAX;
        obs__cesql_fail(run, OBS__CESQL_MATH);
    } else if (arguments->number < 0)
        arguments->number = -arguments->number;
}

static void join(obs__cesql_run *run, obs__cesql_value *arguments, size_t from, size_t count, obs__view delimiter)
{
    size_t size = 0;
    for (size_t i = from; i < count; i++)
        size += arguments[i].text.size + (i > from ? delimiter.size : 0);
    char *room = size <= OBS__CESQL_STRING_MAX ? obs__cesql_room(run, size) : NULL;
    if (!room) {
        if (!run->lacks_memory)
            obs__cesql_fail(run, OBS__CESQL_FUNCTION_EVALUATION);
        *arguments = obs__cesql_zero(OBS__CESQL_STRING);
        return;
    }
    char *to = room;
    for (size_t i = from; i < count; i++) {
        if (i > from)
            to = (char *)memcpy(to, delimiter.data, delimiter.size) + delimiter.size;
        to = (char *)memcpy(to, arguments[i].text.data, arguments[i].text.size) + arguments[i].text.size;
    }
    arguments->text = (obs__view){room, size};
}

static void concat(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    if (count)
        join(run, arguments, 0, count, (obs__view){"", 0});
}

static void concat_ws(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    join(run, arguments, 1, count, arguments->text);
}

/* A character of two bytes may have a case of three, so twice the room is enough. */
static void map(obs__cesql_run *run, obs__cesql_value *value, uint32_t (*mapped)(uint32_t))
{
    obs__view text = value->text;
    char *room = obs__cesql_room(run, 2 * text.size);
    size_t size = 0;
    uint32_t character;
    *value = obs__cesql_zero(OBS__CESQL_STRING);
    if (!room)
        return;
    for (size_t at = 0; at < text.size;) {
        at += character_at(&character, text.data + at, text.size - at);
        size += obs__utf8_encode(room + size, mapped(character));
    }
    value->text = (obs__view){room, size};
}

static void lower(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)count;
    map(run, arguments, obs__lower_case);
}

static void upper(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)count;
    map(run, arguments, obs__upper_case);
}

/* The property White_Space. */
static int is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static void trim(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    obs__view text = arguments->text;
    size_t from = 0, to = 0;
    uint32_t character;
    (void)run;
    (void)count;
    for (size_t at = 0; at < text.size;) {
        size_t size = character_at(&character, text.data + at, text.size - at);
        at += size;
        if (!is_space(character))
            to = at;
        else if (!to)
            from = at;
    }
    arguments->text = (obs__view){text.data + from, to ? to - from : 0};
}

static void left(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    (void)count;
    if (arguments[1].number < 0)
        obs__cesql_fail(run, OBS__CESQL_FUNCTION_EVALUATION);
    else
        arguments->text = first(arguments->text, (size_t)arguments[1].number);
}

static void right(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    size_t has = length_of(arguments->text);
    (void)count;
    if (arguments[1].number < 0)
        obs__cesql_fail(run, OBS__CESQL_FUNCTION_EVALUATION);
    else if ((size_t)arguments[1].number < has)
        arguments->text = behind(arguments->text, has - (size_t)arguments[1].number);
}

static void substring(obs__cesql_run *run, obs__cesql_value *arguments, size_t count)
{
    obs__view text = arguments->text;
    int64_t has = (int64_t)length_of(text), place = arguments[1].number;
    arguments->text = (obs__view){"", 0};
    if (place > has || place < -has || (count == 3 && arguments[2].number < 0)) {
        obs__cesql_fail(run, OBS__CESQL_FUNCTION_EVALUATION);
        return;
    }
    if (place == 0)
        return;
    arguments->text = behind(text, (size_t)(place > 0 ? place - 1 : has + place));
    if (count == 3)
        arguments->text = first(arguments->text, (size_t)arguments[2].number);
}

#define STRING OBS__CESQL_STRING
#define INTEGER OBS__CESQL_INTEGER
#define BOOLEAN OBS__CESQL_BOOLEAN

const obs__cesql_function obs__cesql_functions[OBS__CESQL_FUNCTIONS] = {
    {"INT", 1, 1, INTEGER, {INTEGER, INTEGER, INTEGER}, identity},
    {"BOOL", 1, 1, BOOLEAN, {BOOLEAN, BOOLEAN, BOOLEAN}, identity},
    {"STRING", 1, 1, STRING, {STRING, STRING, STRING}, identity},
    {"ABS", 1, 1, INTEGER, {INTEGER, INTEGER, INTEGER}, absolute},
    {"LENGTH", 1, 1, INTEGER, {STRING, STRING, STRING}, length},
    {"CONCAT", 0, OBS__CESQL_VARIADIC, STRING, {STRING, STRING, STRING}, concat},
    {"CONCAT_WS", 1, OBS__CESQL_VARIADIC, STRING, {STRING, STRING, STRING}, concat_ws},
    {"LOWER", 1, 1, STRING, {STRING, STRING, STRING}, lower},
    {"UPPER", 1, 1, STRING, {STRING, STRING, STRING}, upper},
    {"TRIM", 1, 1, STRING, {STRING, STRING, STRING}, trim},
    {"LEFT", 2, 2, STRING, {STRING, INTEGER, INTEGER}, left},
    {"RIGHT", 2, 2, STRING, {STRING, INTEGER, INTEGER}, right},
    {"SUBSTRING", 2, 3, STRING, {STRING, INTEGER, INTEGER}, substring},
};
