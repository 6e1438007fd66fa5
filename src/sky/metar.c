/* METAR and SPECI: aviation weather reports, alone or in bulletins. The report's body; remarks and trends are left alone. */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "sky/values.h"

#define DAY_NS INT64_C(86400000000000)
#define MINUTE_NS INT64_C(60000000000)
#define KNOT 0.514444444
#define MILE 1609.344
#define INCH 33.8638866667 /* of mercury, in hPa */
#define WORDS_LOOKED_AT 64

typedef struct reader {
    obs__view rest;
    obs__view word;
    obs__view before; /* the word before */
    int ends;         /* the word had `=` behind it */
} reader;

/* What one report says; NAN where it says nothing. */
typedef struct report {
    obs__view station;
    int day;
    int minutes;
    int variable; /* wind from all around */
    double direction;
    double speed;
    double gust;
    double visibility;
    double temperature;
    double dew_point;
    double pressure;
} report;

static int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || (unsigned char)c < 4; /* bulletins begin and end with SOH, ETX */
}

static int next_word(reader *reader)
{
    obs__view *rest = &reader->rest;
    reader->before = reader->ends ? (obs__view){"", 0} : reader->word;
    while (rest->size && is_space(*rest->data))
        rest->data++, rest->size--;
    size_t size = 0;
    while (size < rest->size && !is_space(rest->data[size]) && rest->data[size] != '=')
        size++;
    reader->word = (obs__view){rest->data, size};
    reader->ends = size < rest->size && rest->data[size] == '=';
    rest->data += size + (size_t)reader->ends;
    rest->size -= size + (size_t)reader->ends;
    return size || reader->ends;
}

/* `0`: a digit, `A`: a capital letter, `x`: either; anything else is itself. */
static int matches(obs__view word, const char *pattern)
{
    if (word.size != strlen(pattern))
        return 0;
    for (size_t i = 0; i < word.size; i++) {
        int is_digit = word.data[i] >= '0' && word.data[i] <= '9', is_letter = word.data[i] >= 'A' && word.data[i] <= 'Z';
        if (pattern[i] == '0'   ? !is_digit
            : pattern[i] == 'A' ? !is_letter
            : pattern[i] == 'x' ? !is_digit && !is_letter
                                : pattern[i] != word.data[i])
            return 0;
    }
    return 1;
}

static int number_at(const char *digits, size_t count)
{
    int number = 0;
    for (size_t i = 0; i < count; i++)
        number = 10 * number + (digits[i] - '0');
    return number;
}

/* Whether a report begins at this word: its time, behind its station. */
static int begins(report *out, const reader *reader, obs__view before_station)
{
    const char *at = reader->word.data;
    if (!matches(reader->word, "000000Z") || !matches(reader->before, "Axxx") || obs__view_is(before_station, "TAF") ||
        obs__view_is(before_station, "AMD"))
        return 0;
    int day = number_at(at, 2), hour = number_at(at + 2, 2), minute = number_at(at + 4, 2);
    if (day < 1 || day > 31 || hour > 23 || minute > 59)
        return 0;
    *out = (report){.station = reader->before, .day = day, .minutes = 60 * hour + minute};
    out->direction = out->speed = out->gust = out->visibility = out->temperature = out->dew_point = out->pressure = NAN;
    return 1;
}

/* `36007KT`, `VRB03G15MPS` */
static int take_wind(report *out, obs__view word)
{
    static const struct unit {
        const char *name;
        double factor;
    } units[] = {{"KT", KNOT}, {"MPS", 1}, {"KMH", 1 / 3.6}};
    for (size_t i = 0; i < 3; i++) {
        size_t tail = strlen(units[i].name);
        if (word.size < 5 + tail || memcmp(word.data + word.size - tail, units[i].name, tail) != 0)
            continue;
        obs__view rest = {word.data + 3, word.size - 3 - tail};
        obs__view from = {word.data, 3};
        const char *gust = memchr(rest.data, 'G', rest.size);
        obs__view steady = {rest.data, gust ? (size_t)(gust - rest.data) : rest.size};
        obs__view gusts = {gust ? gust + 1 : "", gust ? rest.size - steady.size - 1 : 0};
        out->variable = obs__view_is(from, "VRB");
        if ((!out->variable && !matches(from, "000")) || (!matches(steady, "00") && !matches(steady, "000")))
            return 0;
        if (!out->variable && number_at(from.data, 3) <= 360)
            out->direction = number_at(from.data, 3);
        out->speed = number_at(steady.data, steady.size) * units[i].factor;
        if (matches(gusts, "00") || matches(gusts, "000"))
            out->gust = number_at(gusts.data, gusts.size) * units[i].factor;
        return 1;
    }
    return 0;
}

/* `10SM`, `1/2SM`, `M1/4SM`, and `1 1/2SM` with the word before */
static int take_miles(report *out, obs__view word, obs__view before)
{
    if (word.size < 3 || memcmp(word.data + word.size - 2, "SM", 2) != 0)
        return 0;
    obs__view rest = {word.data, word.size - 2};
    if (*rest.data == 'M' || *rest.data == 'P')
        rest.data++, rest.size--;
    double miles;
    if (matches(rest, "0") || matches(rest, "00"))
        miles = number_at(rest.data, rest.size);
    else if (matches(rest, "0/0") && rest.data[2] != '0')
        miles = (rest.data[0] - '0') / (double)(rest.data[2] - '0');
    else if (matches(rest, "0/00") && number_at(rest.data + 2, 2))
        miles = (rest.data[0] - '0') / (double)number_at(rest.data + 2, 2);
    else
        return 0;
    if (memchr(rest.data, '/', rest.size) && matches(before, "0"))
        miles += *before.data - '0';
    out->visibility = miles * MILE;
    return 1;
}

static int take_visibility(report *out, obs__view word, obs__view before)
{
    obs__view metres = {word.data, word.size < 4 ? word.size : 4};
    obs__view rest = {metres.data + metres.size, word.size - metres.size};
    if (obs__view_is(word, "CAVOK")) {
        out->visibility = 10000;
        return 1;
    }
    if (matches(metres, "0000") && (!rest.size || obs__view_is(rest, "NDV"))) {
        if (isnan(out->visibility)) /* the first is the prevailing one */
            out->visibility = number_at(metres.data, 4) == 9999 ? 10000 : number_at(metres.data, 4);
        return 1;
    }
    return take_miles(out, word, before);
}

static int take_degrees(double *out, obs__view text)
{
    int minus = text.size && *text.data == 'M';
    obs__view digits = {text.data + minus, text.size - (size_t)minus};
    if (!matches(digits, "00"))
        return 0;
    *out = minus ? -number_at(digits.data, 2) : number_at(digits.data, 2);
    if (*out == 0)
        *out = 0;
    return 1;
}

/* `21/20`, `M05/M10`, `21/` */
static int take_temperature(report *out, obs__view word)
{
    const char *slash = word.size ? memchr(word.data, '/', word.size) : NULL;
    if (!slash)
        return 0;
    obs__view air = {word.data, (size_t)(slash - word.data)}, dew = {slash + 1, word.size - air.size - 1};
    if ((dew.size != 0 && dew.size != 2 && dew.size != 3) || !take_degrees(&out->temperature, air))
        return 0;
    take_degrees(&out->dew_point, dew);
    return 1;
}

static int take_pressure(report *out, obs__view word)
{
    if (matches(word, "Q0000"))
        out->pressure = number_at(word.data + 1, 4);
    else if (matches(word, "A0000"))
        out->pressure = number_at(word.data + 1, 4) * INCH / 100;
    else
        return 0;
    return 1;
}

static int ends_body(obs__view word)
{
    return obs__view_is(word, "RMK") || obs__view_is(word, "TEMPO") || obs__view_is(word, "BECMG") ||
           obs__view_is(word, "NOSIG");
}

/* A second wind is of a trend that nobody announced (military colour codes). */
static int is_wind(obs__view word)
{
    report other = {0};
    return take_wind(&other, word);
}

/* The words up to the end of the report, or to where the next one begins. */
static void read_body(report *out, reader *reader)
{
    struct reader ahead = *reader;
    report ignored;
    int in_body = 1;
    obs__view before_station = {"", 0};
    while (!ahead.ends && next_word(&ahead)) {
        if (begins(&ignored, &ahead, before_station))
            return;
        before_station = ahead.before;
        in_body = in_body && !ends_body(ahead.word) && !(isfinite(out->speed) && is_wind(ahead.word));
        if (in_body && !take_wind(out, ahead.word) && !take_visibility(out, ahead.word, ahead.before) &&
            !take_temperature(out, ahead.word))
            take_pressure(out, ahead.word);
        if (!matches(ahead.word, "Axxx")) /* else it may be the station of the next report */
            *reader = ahead;
    }
    if (ahead.ends)
        *reader = ahead;
}

static int next_report(report *out, reader *reader)
{
    obs__view before_station = {"", 0};
    while (next_word(reader)) {
        if (begins(out, reader, before_station)) {
            read_body(out, reader);
            return 1;
        }
        before_station = reader->before;
    }
    return 0;
}

int obs__is_metar(obs__view head)
{
    reader reader = {.rest = head};
    report report;
    obs__view before_station = {"", 0};
    int named = 0;
    for (int i = 0; i < WORDS_LOOKED_AT && next_word(&reader); i++) {
        named |= obs__view_is(reader.word, "METAR") || obs__view_is(reader.word, "SPECI");
        if (begins(&report, &reader, before_station)) {
            read_body(&report, &reader);
            /* Without its name only at the very beginning, behind a date at most, and with something in it. */
            return named || (i <= 3 && (!isnan(report.speed) || !isnan(report.pressure)));
        }
        before_station = reader.before;
    }
    return 0;
}

static int read_day(int64_t *out, const char *at, char between)
{
    obs__view year = {at, 4}, month = {at + 4 + (between != 0), 2}, day = {at + 6 + 2 * (between != 0), 2};
    int numbers[3];
    if (between && (at[4] != between || at[7] != between))
        return 0;
    return obs__sky_digits(&numbers[0], year) && obs__sky_digits(&numbers[1], month) && obs__sky_digits(&numbers[2], day) &&
           numbers[0] >= 1950 && obs__sky_day(out, numbers[0], numbers[1], numbers[2]);
}

/* A date anywhere in a text: `2026/11/20`, `2026-11-20` or `20261120`. */
static int find_day(int64_t *out, obs__view text)
{
    for (size_t i = 0; i + 8 <= text.size; i++) {
        if (i && isdigit((unsigned char)text.data[i - 1]))
            continue;
        if (i + 10 <= text.size && (read_day(out, text.data + i, '-') || read_day(out, text.data + i, '/')))
            return 1;
        if ((i + 8 == text.size || !isdigit((unsigned char)text.data[i + 8])) && read_day(out, text.data + i, 0))
            return 1;
    }
    return 0;
}

/* A report names the day of a month only. Which month: by a date in the file's first line or in its key, the nearest to it;
 * else the last one before the file arrived. */
static int64_t time_of(const report *report, int64_t about_ns, int is_arrival)
{
    int64_t best = 0, least = INT64_MAX;
    time_t seconds = (time_t)(about_ns / 1000000000);
    struct tm date;
    if (!gmtime_r(&seconds, &date))
        return 0;
    for (int step = -2; step <= 1; step++) { /* two back: the month before may have no such day */
        int month = 12 * (date.tm_year + 1900) + date.tm_mon + step;
        int64_t time;
        if (!obs__sky_day(&time, month / 12, month % 12 + 1, report->day))
            continue;
        time += report->minutes * MINUTE_NS;
        int64_t distance = time > about_ns ? time - about_ns : about_ns - time;
        if ((is_arrival && time > about_ns + DAY_NS) || distance >= least)
            continue;
        best = time;
        least = distance;
    }
    return best;
}

static void add_measures(obs__builder *out, const report *report)
{
    if (report->variable)
        obs__sky_text(out, "wind", obs__view_of("variable", OBS_TEXT));
    obs__sky_number(out, "wind_direction", report->direction, 0);
    obs__sky_number(out, "wind_speed", report->speed, 2);
    obs__sky_number(out, "wind_gust", report->gust, 2);
    obs__sky_number(out, "visibility", report->visibility, 0);
    obs__sky_number(out, "temperature", report->temperature, 1);
    obs__sky_number(out, "dew_point", report->dew_point, 1);
    obs__sky_number(out, "pressure", report->pressure, 1);
}

void obs__sky_metar(obs__builder *out, const obs__arrival *arrival)
{
    reader reader = {.rest = arrival->head};
    report report, last;
    obs__names stations = {0};
    obs__span_of span = {0};
    int64_t count = 0, about_ns;
    obs__view first_line = {arrival->head.data, arrival->head.size < 16 ? arrival->head.size : 16};
    int is_arrival = !find_day(&about_ns, first_line) && !find_day(&about_ns, arrival->key);
    if (is_arrival)
        about_ns = arrival->time_ns;
    for (; next_report(&report, &reader); last = report, count++) {
        int64_t time = time_of(&report, about_ns, is_arrival);
        obs__names_add(&stations, report.station);
        obs__span_add(&span, time, time);
    }
    obs__sky_integer(out, "count", count);
    if (!count)
        return;
    obs__sky_names(out, "station", &stations);
    obs__sky_times(out, span.start_ns, span.end_ns);
    if (count == 1)
        add_measures(out, &last);
}
