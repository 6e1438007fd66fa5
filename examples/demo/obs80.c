/* Observations in 80 columns, and what the two formats share. */
#include "mpc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE 80

void mpc_columns(char *out, const char *line, int first, int last)
{
    while (first <= last && line[first - 1] == ' ')
        first++;
    while (last >= first && line[last - 1] == ' ')
        last--;
    memcpy(out, line + first - 1, (size_t)(last - first + 1));
    out[last - first + 1] = '\0';
}

int mpc_number(const char *text, double *out)
{
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '.')
        return 0;
    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

/* `2010 02 17.37322` as RFC 3339 with microseconds. */
static int date(char *out, size_t capacity, const char *text)
{
    int year, month, used = 0;
    double day;
    if (sscanf(text, "%d %d %lf%n", &year, &month, &day, &used) != 3 || text[used] || year < 1600 || year > 2200 || month < 1 ||
        month > 12 || day < 1 || day >= 32)
        return 0;
    int whole = (int)day;
    long long micro = (long long)((day - whole) * 86400e6 + 0.5);
    if (micro >= 86400000000LL)
        micro = 86399999999LL;
    int second = (int)(micro / 1000000);
    snprintf(out, capacity, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month, whole, second / 3600, second / 60 % 60,
             second % 60, (int)(micro % 1000000));
    return 1;
}

/* `12 05 19.12` or `-01 27 35.7`, also `-01 27.5`: three or two parts, the first with the sign. */
static int sexagesimal(const char *text, double *out)
{
    double parts[3] = {0, 0, 0};
    int negative = *text == '-';
    int used = 0;
    const char *at = text + (*text == '-' || *text == '+');
    int count = sscanf(at, "%lf %lf %lf%n", &parts[0], &parts[1], &parts[2], &used);
    if (count == 2)
        sscanf(at, "%lf %lf%n", &parts[0], &parts[1], &used);
    if (count < 2 || at[used] || parts[1] >= 60 || parts[2] >= 60)
        return 0;
    *out = parts[0] + parts[1] / 60 + parts[2] / 3600;
    if (negative)
        *out = -*out;
    return 1;
}

int mpc_is_plain(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)line[i] < ' ' || (unsigned char)line[i] > '~' || line[i] == '"' || line[i] == '\\')
            return 0;
    return 1;
}

static const char *check(const char *line, size_t size)
{
    if (size < LINE)
        return "shorter than 80 columns";
    if (!mpc_is_plain(line, size))
        return "holds characters that the format does not know";
    if (strchr("sRrvxX", line[14]))
        return "the second line of a satellite, radar or roving observation, or a replaced one";
    return NULL;
}

const char *obs80_to_json(char *out, size_t capacity, const char *line, size_t size)
{
    char packed[16], temporary[16], when[32], text[32], magnitude[16], iso[40], station[8];
    double ra, dec, mag;
    while (size > LINE && (line[size - 1] == ' ' || line[size - 1] == '\r'))
        size--;
    const char *reason = check(line, size);
    if (reason)
        return reason;
    mpc_columns(packed, line, 1, 5);
    mpc_columns(temporary, line, 6, 12);
    if (!*packed && !*temporary)
        return "no designation in columns 1 to 12";
    mpc_columns(when, line, 16, 32);
    if (!date(iso, sizeof iso, when))
        return "no date in columns 16 to 32";
    mpc_columns(text, line, 33, 44);
    if (!sexagesimal(text, &ra) || ra < 0 || ra >= 24)
        return "no right ascension in columns 33 to 44";
    mpc_columns(text, line, 45, 56);
    if (!sexagesimal(text, &dec))
        return "no declination in columns 45 to 56";
    mpc_columns(magnitude, line, 66, 70);
    mpc_columns(station, line, 78, 80);
    int used =
        snprintf(out, capacity, "{\"object\":\"%s\"%s%s%s,\"date\":\"%s\",\"ra\":%.6f,\"dec\":%.6f,\"observatory\":\"%s\"",
                 *packed ? packed : temporary, *packed && *temporary ? ",\"designation\":\"" : "", *packed ? temporary : "",
                 *packed && *temporary ? "\"" : "", iso, ra * 15, dec, station);
    if (mpc_number(magnitude, &mag) && used > 0 && (size_t)used < capacity)
        used += snprintf(out + used, capacity - (size_t)used, ",\"mag\":%.10g", mag);
    if (isalpha((unsigned char)line[70]) && used > 0 && (size_t)used < capacity)
        used += snprintf(out + used, capacity - (size_t)used, ",\"band\":\"%c\"", line[70]);
    if (line[12] == '*' && used > 0 && (size_t)used < capacity)
        used += snprintf(out + used, capacity - (size_t)used, ",\"discovery\":true");
    if (used < 0 || (size_t)used + 2 > capacity)
        return "too long";
    strcpy(out + used, "}");
    return NULL;
}
