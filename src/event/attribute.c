/* The rules for attributes: CloudEvents 1.0.2, sections "Type System" and "Context Attributes". */
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "event/event.h"

const obs__core_attribute obs__core_attributes[OBS__CORE_COUNT] = {
    {"id", offsetof(obs_event, id), OBS__TEXT_VALUE, 1},
    {"source", offsetof(obs_event, source), OBS__URI_REFERENCE, 1},
    {"type", offsetof(obs_event, type), OBS__TEXT_VALUE, 1},
    {"subject", offsetof(obs_event, subject), OBS__TEXT_VALUE, 0},
    {"time", offsetof(obs_event, time), OBS__TIME, 0},
    {"datacontenttype", offsetof(obs_event, datacontenttype), OBS__MEDIA_TYPE, 0},
    {"dataschema", offsetof(obs_event, dataschema), OBS__URI, 0},
};

const obs__core_attribute *obs__core_attribute_of(obs__view name)
{
    for (size_t i = 0; i < OBS__CORE_COUNT; i++)
        if (name.size && *name.data == *obs__core_attributes[i].name && obs__view_is(name, obs__core_attributes[i].name))
            return &obs__core_attributes[i];
    return NULL;
}

const char *obs__attribute_get(const obs_event *event, const obs__core_attribute *core)
{
    const char *value;
    memcpy(&value, (const char *)event + core->offset, sizeof value);
    return value && *value ? value : NULL;
}

void obs__attribute_set(obs_event *event, const obs__core_attribute *core, const char *value)
{
    memcpy((char *)event + core->offset, &value, sizeof value);
}

/* The characters of a CloudEvents String: no controls, no noncharacters, nothing that is not UTF-8. */
static int is_string(obs__view value)
{
    size_t at = 0;
    while ((at += obs__plain_size(value.data + at, value.size - at)) < value.size) {
        uint32_t u;
        size_t length = obs__utf8_decode(&u, value.data + at, value.size - at);
        if (!length || u < 0x20 || (u >= 0x7F && u < 0xA0) || (u >= 0xFDD0 && u <= 0xFDEF) || (u & 0xFFFE) == 0xFFFE)
            return 0;
        at += length;
    }
    return 1;
}

static int is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One character of a URI outside of brackets, or one %XX; returns its length, 0 when it must not stand there. */
static size_t uri_character(const char *at, size_t left)
{
    unsigned char byte;
    if (*at == '%')
        return left >= 3 && obs__unhex(&byte, 1, at + 1) ? 3 : 0;
    return is_alpha(*at) || is_digit(*at) || (*at && strchr("-._~:/?#@!$&'()*+,;=", *at));
}

/* The length of `scheme:` at the begin of a URI; 0: a relative reference; SIZE_MAX: neither. */
static size_t scheme_size(obs__view uri)
{
    size_t at = 0;
    while (at < uri.size && !strchr(":/?#", uri.data[at]))
        at++;
    if (at == uri.size || uri.data[at] != ':')
        return 0;
    if (at == 0 || !is_alpha(*uri.data))
        return SIZE_MAX;
    for (size_t i = 0; i < at; i++)
        if (!is_alpha(uri.data[i]) && !is_digit(uri.data[i]) && !strchr("+-.", uri.data[i]))
            return SIZE_MAX;
    return at + 1;
}

/* Where the authority ends: brackets may stand around an IP literal there, and nowhere else. */
static size_t authority_end(obs__view uri, size_t scheme)
{
    size_t at = scheme;
    if (uri.size - scheme < 2 || memcmp(uri.data + scheme, "//", 2) != 0)
        return scheme;
    for (at += 2; at < uri.size && !strchr("/?#", uri.data[at]);)
        at++;
    return at;
}

/* RFC 3986: the right characters in the right places. */
static int is_uri(obs__view uri, int absolute)
{
    size_t scheme = scheme_size(uri);
    if (scheme == SIZE_MAX || (absolute && !scheme))
        return 0;
    size_t authority = authority_end(uri, scheme);
    int fragments = 0;
    for (size_t at = scheme; at < uri.size;) {
        size_t length = uri_character(uri.data + at, uri.size - at);
        if (uri.data[at] == '[' || uri.data[at] == ']')
            length = at < authority;
        if (!length)
            return 0;
        fragments += uri.data[at] == '#';
        at += length;
    }
    return fragments <= 1;
}

static int number_at(const char *at, size_t digits)
{
    int number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(at[i]))
            return -1;
        number = number * 10 + at[i] - '0';
    }
    return number;
}

static int is_date(const char *at)
{
    int year = number_at(at, 4), month = number_at(at + 5, 2), day = number_at(at + 8, 2);
    if (year < 0 || at[4] != '-' || at[7] != '-' || month < 1 || month > 12 || day < 1)
        return 0;
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int days = month == 2 ? 28 + leap : month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    return day <= days;
}

static int is_clock(const char *at, int most_seconds)
{
    int hours = number_at(at, 2), minutes = at[2] == ':' ? number_at(at + 3, 2) : -1;
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return 0;
    int seconds = most_seconds ? (at[5] == ':' ? number_at(at + 6, 2) : -1) : 0;
    return seconds >= 0 && seconds <= most_seconds;
}

/* RFC 3339 date-time of any year; obs__time_parse() is for times that become nanoseconds. */
static int is_time(obs__view time)
{
    const char *at = time.data;
    if (time.size < 20 || !is_date(at) || (at[10] != 'T' && at[10] != 't') || !is_clock(at + 11, 60))
        return 0;
    const char *end = at + time.size;
    at += 19;
    if (*at == '.') {
        const char *from = ++at;
        while (at < end && is_digit(*at))
            at++;
        if (at == from)
            return 0;
    }
    if (end - at == 1)
        return *at == 'Z' || *at == 'z';
    return end - at == 6 && (*at == '+' || *at == '-') && is_clock(at + 1, 0);
}

static size_t token_size(const char *at, size_t left)
{
    size_t size = 0;
    while (size < left && (is_alpha(at[size]) || is_digit(at[size]) || (at[size] && strchr("!#$&-^_.+*'`|~%", at[size]))))
        size++;
    return size;
}

/* type "/" subtype, then perhaps parameters. */
static int is_media_type(obs__view value)
{
    size_t type = token_size(value.data, value.size);
    if (!type || type == value.size || value.data[type] != '/')
        return 0;
    size_t subtype = token_size(value.data + type + 1, value.size - type - 1);
    size_t rest = type + 1 + subtype;
    while (rest < value.size && value.data[rest] == ' ')
        rest++;
    return subtype && (rest == value.size || value.data[rest] == ';');
}

obs_status obs__attribute_check_name(obs__view name, obs_error *error)
{
    int right = name.size > 0 && name.size <= OBS__EXTENSION_NAME_MAX;
    for (size_t i = 0; right && i < name.size; i++)
        right = is_digit(name.data[i]) || (name.data[i] >= 'a' && name.data[i] <= 'z');
    if (!right)
        return obs__fail(error, OBS_INVALID_ARGUMENT,
                         "'%.*s' cannot name an attribute: use 1 to %d of the letters a-z and digits",
                         (int)(name.size < 80 ? name.size : 80), name.data, OBS__EXTENSION_NAME_MAX);
    if (obs__view_is(name, "data") || obs__view_is(name, "specversion") || obs__core_attribute_of(name))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.*s' cannot name an extension: it has a field of its own",
                         (int)name.size, name.data);
    return OBS_OK;
}

/* What is wrong with a value, or NULL. */
static const char *fault_of(obs__view value, obs__attribute_kind kind)
{
    if (!value.size && kind != OBS__EXTENSION)
        return "must not be empty";
    if (value.size > OBS__ATTRIBUTE_MAX)
        return "is longer than 4,096 bytes";
    if (!is_string(value))
        return "has a control character, or is not UTF-8";
    if (kind == OBS__URI_REFERENCE && !is_uri(value, 0))
        return "is not a URI-reference (RFC 3986): percent-encode what is special";
    if (kind == OBS__URI && !is_uri(value, 1))
        return "is not a URI with a scheme (RFC 3986)";
    if (kind == OBS__TIME && !is_time(value))
        return "is not a time of RFC 3339, as in 2026-11-20T21:15:03Z";
    if (kind == OBS__MEDIA_TYPE && !is_media_type(value))
        return "is not a media type, as in application/json";
    if (kind == OBS__VERSION && !obs__view_is(value, "1.0"))
        return "is not supported: this library reads CloudEvents 1.0";
    return NULL;
}

obs_status obs__attribute_check(obs__view name, obs__view value, obs__attribute_kind kind, obs_error *error)
{
    const char *fault = fault_of(value, kind);
    if (!fault)
        return OBS_OK;
    if (!value.size || value.size > 200)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s %s", (int)name.size, name.data, fault);
    return obs__fail(error, OBS_INVALID_ARGUMENT, "%.*s '%.*s' %s", (int)name.size, name.data, (int)value.size, value.data,
                     fault);
}
