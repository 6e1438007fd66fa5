/* Where an axis has marks, and what stands at them. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "obsctl/graph.h"

#define MONTH (365.25 / 12 * 86400)
#define MOST_DAYS (10 * 86400.0) /* beyond, marks stand at months and years */
#define CALENDAR 6e10            /* seconds before and after 1970 in which there is one: 1,900 years */

/* The next larger of 1, 2 and 5 times a power of ten. */
static double round_step(double step)
{
    double power = pow(10, floor(log10(step)));
    double share = step / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static double time_step(double least)
{
    static const double steps[] = {1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    if (least < 1)
        return round_step(least);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i] >= least)
            return steps[i];
    return 86400 * round_step(least / 86400);
}

/* Steps of the calendar, in months: what begins with a month or a year is read more easily than days in between. */
static int month_step(double least)
{
    static const int steps[] = {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12000};
    double months = least / MONTH;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (steps[i] >= months)
            return steps[i];
    return steps[sizeof steps / sizeof steps[0] - 1];
}

static void set_month_ticks(graph_axis *axis, int step)
{
    struct tm parts;
    time_t begin = (time_t)floor(axis->least);
    if (!gmtime_r(&begin, &parts))
        return;
    int month = (parts.tm_year + 1900) * 12 + parts.tm_mon;
    for (month -= month % step; axis->tick_count < GRAPH_TICKS; month += step) {
        struct tm first = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};
        double at = (double)timegm(&first);
        if (at > axis->most)
            break;
        if (at < axis->least)
            continue;
        graph_tick *tick = &axis->ticks[axis->tick_count++];
        tick->at = at;
        strftime(tick->label, sizeof tick->label, step % 12 ? "%Y-%m" : "%Y", &first);
    }
}

/* As much as the step needs to tell one mark from the next. */
void graph_format_time(char *out, size_t size, double seconds, double step)
{
    time_t whole = (time_t)floor(seconds + (step < 1 ? 0 : 0.5));
    struct tm parts;
    const char *format = step >= 86400 ? "%Y-%m-%d" : step >= 60 ? "%m-%d %H:%M" : "%H:%M:%S";
    if (!(fabs(seconds) < 4e12) || !gmtime_r(&whole, &parts) || !strftime(out, size, format, &parts))
        snprintf(out, size, "%.6g", seconds);
    else if (step < 1) {
        int digits = (int)ceil(-log10(step) - 1e-9);
        char share[16];
        snprintf(share, sizeof share, "%.*f", digits > 6 ? 6 : digits, seconds - floor(seconds));
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s", share[0] == '0' ? share + 1 : "");
    }
}

static void format_number(char *out, size_t size, double value, double step)
{
    int digits = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (fabs(value) < step / 1e6)
        value = 0;
    if (fabs(value) >= 1e7 || digits > 8)
        snprintf(out, size, "%.7g", value);
    else
        snprintf(out, size, "%.*f", digits, value);
}

static void add_label(graph_axis *axis, const char *text)
{
    size_t used = strlen(axis->label);
    snprintf(axis->label + used, sizeof axis->label - used, "%s", text);
}

/* The day, or the year, that its marks leave out: of the first one. */
static void name_day(graph_axis *axis, double first)
{
    char day[32];
    graph_format_time(day, sizeof day, floor(first / 86400) * 86400, 86400);
    add_label(axis, ", from ");
    add_label(axis, day);
}

void graph_set_ticks(graph_axis *axis, int most)
{
    double size = axis->most - axis->least;
    if (!(size > 0) || !isfinite(size))
        return;
    double step = axis->is_time ? time_step(size / most) : round_step(size / most);
    if (axis->is_time && !strstr(axis->label, "UTC"))
        add_label(axis, axis->label[0] ? " (UTC)" : "time (UTC)");
    if (axis->is_time && step > MOST_DAYS && axis->least > -CALENDAR && axis->most < CALENDAR) {
        set_month_ticks(axis, month_step(size / most));
        return;
    }
    if (axis->is_time && step < 86400)
        name_day(axis, ceil(axis->least / step) * step);
    for (double number = ceil(axis->least / step); axis->tick_count < GRAPH_TICKS; number++) {
        double at = number * step;
        if (at > axis->most || number + 1 == number)
            break;
        graph_tick *tick = &axis->ticks[axis->tick_count++];
        tick->at = at;
        if (axis->is_time)
            graph_format_time(tick->label, sizeof tick->label, at, step);
        else
            format_number(tick->label, sizeof tick->label, at, step);
    }
}
