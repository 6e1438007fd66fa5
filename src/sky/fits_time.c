/* When a FITS observation was made: DATE-OBS in its old and new form, with a time beside it, or a modified Julian date. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "sky/header.h"

#define DAY_NS 86400e9
#define MJD_1970 40587.0
#define LONGEST_EXPOSURE 3.2e8 /* seconds: ten years */

/* `21:15:03.25`, `21 15 03`, or seconds of the day */
static int read_clock(double *seconds, obs__view text)
{
    double degrees;
    if (!memchr(text.data, ':', text.size) || !obs__angle_read(&degrees, text, OBS__DECLINATION) || degrees < 0 ||
        degrees >= 24)
        return 0;
    *seconds = degrees * 3600;
    return 1;
}

/* `2026-11-20`, or `20/11/98` of before 2000; what stands behind it in *rest. */
static int read_day(int64_t *ns, obs__view *rest, obs__view text)
{
    int year, month, day;
    *rest = (obs__view){"", 0};
    if (text.size >= 8 && text.data[2] == '/' && text.data[5] == '/')
        return obs__sky_digits(&day, (obs__view){text.data, 2}) && obs__sky_digits(&month, (obs__view){text.data + 3, 2}) &&
               obs__sky_digits(&year, (obs__view){text.data + 6, 2}) && obs__sky_day(ns, 1900 + year, month, day);
    if (text.size < 10 || text.data[4] != '-' || text.data[7] != '-' || !obs__sky_digits(&year, (obs__view){text.data, 4}) ||
        !obs__sky_digits(&month, (obs__view){text.data + 5, 2}) || !obs__sky_digits(&day, (obs__view){text.data + 8, 2}))
        return 0;
    *rest = (obs__view){text.data + 10, text.size - 10};
    return obs__sky_day(ns, year, month, day);
}

/* The time of day: behind the date, or under the first of the other keywords. */
static double seconds_of(const obs__header *header, obs__view behind, const char *const *keywords)
{
    char room[OBS__CARD_SIZE];
    double seconds = 0;
    obs__view text;
    if (behind.size > 1 && *behind.data == 'T') {
        behind = (obs__view){behind.data + 1, behind.size - 1};
        if (behind.data[behind.size - 1] == 'Z')
            behind.size--;
        return read_clock(&seconds, behind) ? seconds : 0;
    }
    for (; *keywords; keywords++)
        if (obs__header_text(&text, room, header, *keywords) && read_clock(&seconds, text))
            return seconds;
    return 0;
}

static int read_instant(int64_t *ns, const obs__header *header, const char *const *dates, const char *const *clocks)
{
    char room[OBS__CARD_SIZE];
    obs__view text, rest;
    for (; *dates; dates++)
        if (obs__header_text(&text, room, header, *dates) && read_day(ns, &rest, text)) {
            *ns += llround(seconds_of(header, rest, clocks) * 1e6) * 1000;
            return 1;
        }
    return 0;
}

static int read_mjd(int64_t *ns, const obs__header *header, const char *const *keywords)
{
    double mjd;
    if (!obs__header_first_number(&mjd, header, keywords) || !(mjd > -40000 && mjd < 110000))
        return 0;
    *ns = llround((mjd - MJD_1970) * DAY_NS / 1000) * 1000;
    return 1;
}

int obs__header_times(int64_t *start_ns, int64_t *end_ns, const obs__header *header)
{
    static const char *const dates[] = {"DATE-OBS", "DATE_OBS", "DATEOBS", "DATE-BEG", NULL};
    static const char *const clocks[] = {"TIME-OBS", "TIME_OBS", "TIME-BEG", "UTSTART", "UTC-OBS", "UT", "UTC", NULL};
    static const char *const mjds[] = {"MJD-OBS", "MJD-BEG", "EXPSTART", NULL};
    static const char *const end_dates[] = {"DATE-END", "DATE_END", NULL};
    static const char *const end_clocks[] = {"TIME-END", "TIME_END", "UTEND", NULL};
    static const char *const exposures[] = {"EXPTIME", "EXPOSURE", "TEXPTIME", "ITIME", NULL};
    double exposure;
    if (!read_instant(start_ns, header, dates, clocks) && !read_mjd(start_ns, header, mjds))
        return 0;
    *end_ns = *start_ns;
    if (read_instant(end_ns, header, end_dates, end_clocks) && *end_ns >= *start_ns)
        return 1;
    *end_ns = *start_ns;
    if (obs__header_first_number(&exposure, header, exposures) && exposure > 0 && exposure < LONGEST_EXPOSURE)
        *end_ns += llround(exposure * 1e6) * 1000;
    return 1;
}
