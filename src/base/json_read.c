#include "base/json_read.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"

void obs__json_begin(obs__json *json, const char *data, size_t size)
{
    *json = (obs__json){.start = data, .at = data, .end = data + size};
}

void obs__json_fault(obs__json *json, const char *at, const char *fault)
{
    if (json->fault)
        return;
    json->at = at;
    json->fault = fault;
}

static int fail(obs__json *json, const char *fault)
{
    obs__json_fault(json, json->at, fault);
    return 0;
}

void obs__json_place(const obs__json *json, const char *at, int *line, int *column)
{
    *line = *column = 1;
    for (const char *c = json->start; c < at; c++)
        if (*c == '\n') {
            *line += *line < INT_MAX;
            *column = 1;
        } else if (((unsigned char)*c & 0xC0) != 0x80)
            *column += *column < INT_MAX;
}

obs_status obs__json_status(const obs__json *json, obs_error *error)
{
    int line, column;
    if (!json->fault)
        return OBS_OK;
    obs__json_place(json, json->at, &line, &column);
    return obs__fail_at(error, OBS_INVALID_ARGUMENT, NULL, line, column, json->fault);
}

static void skip_blanks(obs__json *json)
{
    while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

char obs__json_peek(obs__json *json)
{
    if (json->fault)
        return '\0';
    skip_blanks(json);
    if (json->at >= json->end)
        return '\0';
    switch (*json->at) {
    case '{':
    case '[':
    case '"':
    case 't':
    case 'f':
    case 'n':
        return *json->at;
    default:
        return *json->at == '-' || (*json->at >= '0' && *json->at <= '9') ? '0' : '\0';
    }
}

/* Four hexadecimal digits at *at; -1 when they are not there. */
static int32_t read_hex(const char *at, const char *end)
{
    unsigned char bytes[2];
    if (end - at < 4 || !obs__unhex(bytes, sizeof bytes, at))
        return -1;
    return bytes[0] << 8 | bytes[1];
}

/* At the backslash; goes behind the escape. */
static int read_escape(obs__json *json)
{
    const char *at = json->at + 1;
    if (at < json->end && *at != '\0' && strchr("\"\\/bfnrt", *at)) {
        json->at += 2;
        return 1;
    }
    if (at >= json->end || *at != 'u')
        return fail(json, "a backslash must be followed by one of \" \\ / b f n r t u");
    int32_t unit = read_hex(at + 1, json->end);
    if (unit < 0)
        return fail(json, "\\u must be followed by four hexadecimal digits");
    if (unit >= 0xDC00 && unit < 0xE000)
        return fail(json, "a low surrogate without the high one before it");
    json->at += 6;
    if (unit < 0xD800 || unit >= 0xE000)
        return 1;
    int32_t low =
        json->end - json->at >= 6 && json->at[0] == '\\' && json->at[1] == 'u' ? read_hex(json->at + 2, json->end) : -1;
    if (low < 0xDC00 || low >= 0xE000)
        return fail(json, "a high surrogate without the low one behind it");
    json->at += 6;
    return 1;
}

/* At a character that is not plain ASCII; goes behind it. */
static int read_special(obs__json *json, int *escaped)
{
    unsigned char c = (unsigned char)*json->at;
    uint32_t character;
    if (c == '\\') {
        *escaped = 1;
        return read_escape(json);
    }
    if (c < 0x20)
        return fail(json, "a control character in a string must be escaped");
    size_t length = obs__utf8_decode(&character, json->at, (size_t)(json->end - json->at));
    if (!length)
        return fail(json, "the text is not UTF-8 here");
    json->at += length;
    return 1;
}

int obs__json_string(obs__json *json, obs__json_text *out)
{
    if (obs__json_peek(json) != '"')
        return fail(json, "a string is expected here");
    const char *from = ++json->at;
    int escaped = 0;
    for (;;) {
        const char *at = json->at += obs__plain_size(json->at, (size_t)(json->end - json->at));
        if (at >= json->end)
            return fail(json, "the text ends within a string");
        if (*at == '"')
            break;
        if (!read_special(json, &escaped))
            return 0;
    }
    *out = (obs__json_text){{from, (size_t)(json->at - from)}, escaped};
    json->at++;
    json->fresh = 0;
    return 1;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static int read_number(obs__json *json)
{
    const char *at = json->at + (*json->at == '-');
    const char *digits = skip_digits(at, json->end);
    if (digits == at)
        return fail(json, "a number must have a digit behind the minus");
    if (*at == '0' && digits - at > 1)
        return fail(json, "a number must not begin with a zero");
    at = digits;
    if (at < json->end && *at == '.') {
        digits = skip_digits(at + 1, json->end);
        if (digits == at + 1)
            return fail(json, "a number must have a digit behind the point");
        at = digits;
    }
    if (at < json->end && (*at == 'e' || *at == 'E')) {
        at += at + 1 < json->end && (at[1] == '+' || at[1] == '-') ? 2 : 1;
        digits = skip_digits(at, json->end);
        if (digits == at)
            return fail(json, "a number must have a digit in its exponent");
        at = digits;
    }
    json->at = at;
    return 1;
}

static int read_word(obs__json *json, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0)
        return fail(json, "a value is expected here");
    json->at += size;
    return 1;
}

/* A value that is no object and no array. */
static int read_scalar(obs__json *json, char kind)
{
    obs__json_text ignored;
    json->fresh = 0;
    switch (kind) {
    case '"':
        return obs__json_string(json, &ignored);
    case '0':
        return read_number(json);
    case 't':
        return read_word(json, "true");
    case 'f':
        return read_word(json, "false");
    case 'n':
        return read_word(json, "null");
    default:
        return fail(json, json->at < json->end ? "a value is expected here" : "the text ends where a value is expected");
    }
}

int obs__json_enter(obs__json *json, char bracket)
{
    if (obs__json_peek(json) != bracket)
        return fail(json, bracket == '{' ? "an object is expected here" : "an array is expected here");
    json->at++;
    json->fresh = 1;
    return 1;
}

/* Before an element or member: takes the comma, or the closing bracket, which gives 0. */
static int more(obs__json *json, char closing)
{
    if (json->fault)
        return 0;
    skip_blanks(json);
    int fresh = json->fresh;
    json->fresh = 0;
    if (json->at >= json->end)
        return fail(json, closing == '}' ? "the text ends within an object" : "the text ends within an array");
    if (*json->at == closing) {
        json->at++;
        return 0;
    }
    if (fresh)
        return 1;
    if (*json->at != ',')
        return fail(json, closing == '}' ? "a comma or } is expected here" : "a comma or ] is expected here");
    json->at++;
    return 1;
}

int obs__json_member(obs__json *json, obs__json_text *name)
{
    if (!more(json, '}'))
        return 0;
    if (obs__json_peek(json) != '"')
        return fail(json, "a name in double quotes is expected here");
    if (!obs__json_string(json, name))
        return 0;
    skip_blanks(json);
    if (json->at >= json->end || *json->at != ':')
        return fail(json, "a colon is expected here");
    json->at++;
    return 1;
}

int obs__json_element(obs__json *json)
{
    return more(json, ']');
}

int obs__json_skip(obs__json *json, obs__view *raw)
{
    unsigned char is_object[OBS__JSON_DEPTH]; /* of each open bracket */
    unsigned depth = 0;
    obs__json_text name;
    char kind = obs__json_peek(json);
    const char *from = json->at;
    for (;;) {
        if (kind != '{' && kind != '[') {
            if (!read_scalar(json, kind))
                return 0;
        } else {
            if (depth == OBS__JSON_DEPTH)
                return fail(json, "the values are nested too deeply");
            is_object[depth++] = kind == '{';
            obs__json_enter(json, kind);
        }
        while (depth && !(is_object[depth - 1] ? obs__json_member(json, &name) : obs__json_element(json))) {
            if (json->fault)
                return 0;
            depth--;
        }
        if (!depth)
            break;
        kind = obs__json_peek(json);
    }
    *raw = (obs__view){from, (size_t)(json->at - from)};
    return 1;
}

int obs__json_end(obs__json *json)
{
    if (json->fault)
        return 0;
    skip_blanks(json);
    return json->at == json->end ? 1 : fail(json, "nothing more is expected here");
}

static char meaning_of(char escape)
{
    switch (escape) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return escape;
    }
}

/* The character of a \u escape (or a pair of them) that was checked; goes behind it. */
static uint32_t unescape_unicode(const char **at, const char *end)
{
    uint32_t unit = (uint32_t)read_hex(*at + 2, end);
    *at += 6;
    if (unit < 0xD800 || unit >= 0xE000)
        return unit;
    uint32_t low = (uint32_t)read_hex(*at + 2, end);
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

size_t obs__json_unescape(char *out, obs__json_text text)
{
    const char *at = text.raw.data;
    const char *end = at + text.raw.size;
    char *to = out;
    while (text.escaped && at < end) {
        const char *stop = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((stop ? stop : end) - at);
        memmove(to, at, plain);
        to += plain;
        at += plain;
        if (at < end && at[1] == 'u')
            to += obs__utf8_encode(to, unescape_unicode(&at, end));
        else if (at < end) {
            *to++ = meaning_of(at[1]);
            at += 2;
        }
    }
    memmove(to, at, (size_t)(end - at));
    return (size_t)(to + (end - at) - out);
}
