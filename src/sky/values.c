#include "sky/values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"

#define DAY_NS INT64_C(86400000000000)
#define MJD_1970 40587
#define MJD_DECIMALS 9
#define ANGLE_DECIMALS 9

static void add_name(obs__builder *out, const char *name)
{
    obs__add_json(out, name, strlen(name));
    obs__add_char(out, ':');
}

void obs__sky_number(obs__builder *out, const char *name, double number, int decimals)
{
    if (!isfinite(number) || fabs(number) >= 1e9)
        return;
    add_name(out, name);
    obs__add_number(out, number, decimals);
    obs__add_char(out, ',');
}

void obs__sky_integer(obs__builder *out, const char *name, int64_t number)
{
    obs__add_json_integer(out, name, number);
}

obs__view obs__sky_trim(obs__view text)
{
    while (text.size && (*text.data == ' ' || *text.data == '\t' || *text.data == '\0'))
        text.data++, text.size--;
    while (text.size &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t' || text.data[text.size - 1] == '\0'))
        text.size--;
    return text;
}

void obs__sky_text(obs__builder *out, const char *name, obs__view text)
{
    char clean[128];
    text = obs__sky_trim(text);
    if (!text.size)
        return;
    size_t size = text.size < sizeof clean ? text.size : sizeof clean;
    for (size_t i = 0; i < size; i++) /* headers are ASCII: anything else is damage */
        clean[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
    add_name(out, name);
    obs__add_json(out, clean, size);
    obs__add_char(out, ',');
}

static double mjd_of(int64_t ns)
{
    int64_t day = ns / DAY_NS - (ns % DAY_NS < 0);
    return MJD_1970 + (double)day + (double)(ns - day * DAY_NS) / (double)DAY_NS;
}

void obs__sky_times(obs__builder *out, int64_t start_ns, int64_t end_ns)
{
    char text[OBS__TIME_SIZE];
    obs__time_format(text, start_ns);
    obs__add_json_member(out, "start", text);
    obs__time_format(text, end_ns);
    obs__add_json_member(out, "end", text);
    obs__sky_number(out, "mjd", mjd_of(start_ns), MJD_DECIMALS);
    obs__sky_number(out, "mjd_end", mjd_of(end_ns), MJD_DECIMALS);
}

void obs__sky_place(obs__builder *out, double ra, double dec)
{
    obs__sky_number(out, "ra", ra, ANGLE_DECIMALS);
    obs__sky_number(out, "dec", dec, ANGLE_DECIMALS);
}

void obs__sky_why_not(obs__builder *out, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    obs__add_json_member(out, "index", text);
}

void obs__names_add(obs__names *names, obs__view name)
{
    name = obs__sky_trim(name);
    if (!name.size || name.size >= OBS__NAME_SIZE || names->count > OBS__NAMES_MOST)
        return;
    for (size_t i = 0; i < names->count && i < OBS__NAMES_MOST; i++)
        if (obs__view_is(name, names->names[i]))
            return;
    if (names->count < OBS__NAMES_MOST) {
        memcpy(names->names[names->count], name.data, name.size);
        names->names[names->count][name.size] = '\0';
    }
    names->count++;
}

void obs__sky_names(obs__builder *out, const char *name, const obs__names *names)
{
    char all[OBS__NAMES_MOST * OBS__NAME_SIZE + 1] = "";
    size_t size = 0;
    if (names->count > OBS__NAMES_MOST)
        return;
    for (size_t i = 0; i < names->count; i++)
        size += (size_t)snprintf(all + size, sizeof all - size, "%s%s", i ? " " : "", names->names[i]);
    obs__sky_text(out, name, (obs__view){all, size});
}

void obs__span_add(obs__span_of *span, int64_t start_ns, int64_t end_ns)
{
    if (!span->any || start_ns < span->start_ns)
        span->start_ns = start_ns;
    if (!span->any || end_ns > span->end_ns)
        span->end_ns = end_ns;
    span->any = 1;
}

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int obs__sky_year_day(int64_t *ns, int year, int day_of_year)
{
    if (year < 1800 || year > 2200 || day_of_year < 1 || day_of_year > 365 + is_leap(year))
        return 0;
    int64_t before = year - 1;
    int64_t days = 365 * before + before / 4 - before / 100 + before / 400 + day_of_year - 1;
    *ns = (days - 719162) * DAY_NS; /* of 1970-01-01 */
    return 1;
}

int obs__sky_day(int64_t *ns, int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int before = 0;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1] + (month == 2 && is_leap(year)))
        return 0;
    for (int i = 1; i < month; i++)
        before += lengths[i - 1] + (i == 2 && is_leap(year));
    return obs__sky_year_day(ns, year, before + day);
}

int obs__line_next(obs__view *line, obs__lines *lines)
{
    if (!lines->rest.size)
        return 0;
    const char *end = memchr(lines->rest.data, '\n', lines->rest.size);
    if (!end && lines->cut)
        return 0;
    *line = (obs__view){lines->rest.data, end ? (size_t)(end - lines->rest.data) : lines->rest.size};
    lines->rest.data += line->size + (end != NULL);
    lines->rest.size -= line->size + (end != NULL);
    if (line->size && line->data[line->size - 1] == '\r')
        line->size--;
    return 1;
}

int obs__sky_digits(int *out, obs__view text)
{
    *out = 0;
    if (!text.size || text.size > 9)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        *out = 10 * *out + (text.data[i] - '0');
    }
    return 1;
}
