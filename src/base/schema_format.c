/* The formats of JSON Schema that are checked: times, addresses, names, pointers. */
#include <ctype.h>
#include <string.h>

#include "base/schema_format.h"

static int digits(const char *text, size_t count, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return 0;
        *out = *out * 10 + text[i] - '0';
    }
    return 1;
}

static int is_date(const char *t, size_t size)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (size != 10 || t[4] != '-' || t[7] != '-' || !digits(t, 4, &year) || !digits(t + 5, 2, &month) ||
        !digits(t + 8, 2, &day))
        return 0;
    if (month < 1 || month > 12 || day < 1)
        return 0;
    int leap = month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    return day <= lengths[month - 1] + leap;
}

/* The offset from UTC in minutes. */
static int offset(const char *t, size_t size, int *out)
{
    int hours, minutes;
    *out = 0;
    if (size == 1)
        return *t == 'Z' || *t == 'z';
    if (size != 6 || (t[0] != '+' && t[0] != '-') || t[3] != ':' || !digits(t + 1, 2, &hours) || !digits(t + 4, 2, &minutes))
        return 0;
    *out = (hours * 60 + minutes) * (t[0] == '-' ? -1 : 1);
    return hours < 24 && minutes < 60;
}

static int is_time(const char *t, size_t size)
{
    int hour, minute, second, minutes_east;
    if (size < 9 || t[2] != ':' || t[5] != ':' || !digits(t, 2, &hour) || !digits(t + 3, 2, &minute) ||
        !digits(t + 6, 2, &second))
        return 0;
    size_t at = 8;
    if (t[at] == '.') {
        size_t from = ++at;
        while (at < size && isdigit((unsigned char)t[at]))
            at++;
        if (at == from)
            return 0;
    }
    if (hour > 23 || minute > 59 || second > 60 || !offset(t + at, size - at, &minutes_east))
        return 0;
    int utc = ((hour * 60 + minute - minutes_east) % 1440 + 1440) % 1440;
    return second < 60 || utc == 1439; /* a leap second is the last of a day in UTC */
}

static int is_date_time(const char *t, size_t size)
{
    return size > 11 && (t[10] == 'T' || t[10] == 't') && is_date(t, 10) && is_time(t + 11, size - 11);
}

/* Parts such as `3Y` in the order of `units`; returns how many, or -1. */
static int duration_parts(const char **at, const char *end, const char *units)
{
    int count = 0;
    while (*at < end && **at != 'T') {
        const char *from = *at;
        while (*at < end && isdigit((unsigned char)**at))
            ++*at;
        const char *unit = *at<end && * at> from ? strchr(units, **at) : NULL;
        /* No unit twice, and none left out between two others. */
        if (!unit || (count && unit != units))
            return -1;
        units = unit + 1;
        ++*at;
        count++;
    }
    return count;
}

static int is_duration(const char *t, size_t size)
{
    const char *at = t + 1;
    const char *end = t + size;
    if (size < 3 || *t != 'P')
        return 0;
    if (end[-1] == 'W')
        return strspn(at, "0123456789") == size - 2;
    int days = duration_parts(&at, end, "YMD");
    if (days < 0 || at == end)
        return days > 0;
    at++;
    return duration_parts(&at, end, "HMS") > 0 && at == end;
}

static int is_label(const char *t, size_t size)
{
    if (!size || size > 63 || t[0] == '-' || t[size - 1] == '-')
        return 0;
    if (size > 3 && t[2] == '-' && t[3] == '-' && strncasecmp(t, "xn", 2) != 0)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)t[i]) && t[i] != '-')
            return 0;
    return 1;
}

int obs__format_is_hostname(const char *t, size_t size)
{
    if (!size || size > 253)
        return 0;
    for (const char *end = t + size;;) {
        const char *dot = memchr(t, '.', (size_t)(end - t));
        if (!is_label(t, (size_t)((dot ? dot : end) - t)))
            return 0;
        if (!dot)
            return 1;
        t = dot + 1;
    }
}

int obs__format_is_ipv4(const char *t, size_t size)
{
    const char *end = t + size;
    for (int part = 0; part < 4; part++) {
        int value = 0;
        size_t count = 0;
        while (t + count < end && count < 3 && isdigit((unsigned char)t[count]))
            count++;
        if (!count || (count > 1 && *t == '0') || !digits(t, count, &value) || value > 255)
            return 0;
        t += count;
        if (part < 3 && (t == end || *t++ != '.'))
            return 0;
    }
    return t == end;
}

int obs__format_is_ipv6(const char *t, size_t size)
{
    const char *end = t + size;
    int groups = 0;
    int gap = 0;
    if (size >= 2 && t[0] == ':' && t[1] == ':') {
        gap = 1;
        t += 2;
    }
    while (t < end) {
        size_t count = 0;
        while (t + count < end && count < 4 && isxdigit((unsigned char)t[count]))
            count++;
        const char *next = t + count;
        if (next < end && *next == '.')
            return obs__format_is_ipv4(t, (size_t)(end - t)) && (gap ? groups < 6 : groups == 6);
        if (!count)
            return 0;
        groups++;
        t = next;
        if (t == end)
            break;
        if (*t++ != ':' || t == end)
            return 0;
        if (*t == ':') {
            if (gap++)
                return 0;
            t++;
        }
    }
    return gap ? gap == 1 && groups < 8 : groups == 8;
}

static int is_uuid(const char *t, size_t size)
{
    if (size != 36)
        return 0;
    for (size_t i = 0; i < 36; i++) {
        int dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? t[i] != '-' : !isxdigit((unsigned char)t[i]))
            return 0;
    }
    return 1;
}

static int is_json_pointer(const char *t, size_t size)
{
    if (size && *t != '/')
        return 0;
    for (size_t i = 0; i < size; i++)
        if (t[i] == '~' && (i + 1 == size || (t[i + 1] != '0' && t[i + 1] != '1')))
            return 0;
    return 1;
}

static int is_relative_json_pointer(const char *t, size_t size)
{
    size_t count = 0;
    while (count < size && isdigit((unsigned char)t[count]))
        count++;
    if (!count || (count > 1 && *t == '0'))
        return 0;
    return (count + 1 == size && t[count] == '#') || is_json_pointer(t + count, size - count);
}

static int is_regex(const char *t, size_t size)
{
    obs__regex *regex = NULL;
    obs_error ignored;
    obs_error_init(&ignored, sizeof ignored);
    int fits = obs__regex_compile(&regex, t, size, &ignored) == OBS_OK;
    obs__regex_free(regex);
    return fits;
}

const obs__format *obs__format_find(const char *name)
{
    static const obs__format formats[] = {{"date-time", is_date_time},
                                          {"date", is_date},
                                          {"time", is_time},
                                          {"duration", is_duration},
                                          {"email", obs__format_is_email},
                                          {"idn-email", obs__format_is_idn_email},
                                          {"hostname", obs__format_is_hostname},
                                          {"ipv4", obs__format_is_ipv4},
                                          {"ipv6", obs__format_is_ipv6},
                                          {"uri", obs__format_is_uri},
                                          {"uri-reference", obs__format_is_uri_reference},
                                          {"iri", obs__format_is_iri},
                                          {"iri-reference", obs__format_is_iri_reference},
                                          {"uri-template", obs__format_is_uri_template},
                                          {"uuid", is_uuid},
                                          {"json-pointer", is_json_pointer},
                                          {"relative-json-pointer", is_relative_json_pointer},
                                          {"regex", is_regex}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}
