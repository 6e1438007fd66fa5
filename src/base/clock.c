#include "base/clock.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t obs__now_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t obs__monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back (H. Hinnant, "chrono-compatible
 * low-level date algorithms"): no time zone files, no locale, no limit at 2038. */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static void date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * y + y / 4 - y / 100);
    unsigned m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = (int64_t)y + era * 400 + (*month <= 2);
}

void obs__time_format(char *out, int64_t ns)
{
    int64_t seconds = ns / 1000000000 - (ns % 1000000000 < 0);
    int64_t rest = ns - seconds * 1000000000;
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    unsigned of_day = (unsigned)(seconds - days * 86400);
    int64_t year;
    unsigned month, day;
    date_from_days(days, &year, &month, &day);
    unsigned numbers[] = {(unsigned)year, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60, (unsigned)(rest / 1000)};
    static const unsigned char widths[] = {4, 2, 2, 2, 2, 2, 6};
    for (size_t i = 0; i < sizeof widths; i++) {
        for (unsigned at = widths[i]; at-- > 0; numbers[i] /= 10)
            out[at] = (char)('0' + numbers[i] % 10);
        out += widths[i];
        *out++ = "--T::.Z"[i];
    }
    *out = '\0';
}

static int digits(const char **at, int count, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return 0;
        *out = *out * 10 + (unsigned)(**at - '0');
    }
    return 1;
}

static int is_date(unsigned year, unsigned month, unsigned day)
{
    static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return 0;
    unsigned leap = month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    return day <= lengths[month - 1] + leap;
}

static int parse_fraction(const char **at, int64_t *ns)
{
    int64_t unit = 100000000;
    *ns = 0;
    if (**at != '.')
        return 1;
    (*at)++;
    if (**at < '0' || **at > '9')
        return 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        *ns += (**at - '0') * unit;
    return 1;
}

static int parse_offset(const char **at, int *minutes)
{
    unsigned hours, rest;
    *minutes = 0;
    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        return 1;
    }
    int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
    if (!sign)
        return 0;
    (*at)++;
    if (!digits(at, 2, &hours) || *(*at)++ != ':' || !digits(at, 2, &rest) || hours > 23 || rest > 59)
        return 0;
    *minutes = sign * (int)(hours * 60 + rest);
    return 1;
}

int obs__time_parse(int64_t *out_ns, const char *text)
{
    const char *at = text;
    unsigned year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0;
    int offset = 0;
    if (!text || !digits(&at, 4, &year) || *at++ != '-' || !digits(&at, 2, &month) || *at++ != '-' || !digits(&at, 2, &day) ||
        !is_date(year, month, day))
        return 0;
    if (*at) {
        if (*at != 'T' && *at != 't' && *at != ' ')
            return 0;
        at++;
        if (!digits(&at, 2, &hour) || *at++ != ':' || !digits(&at, 2, &minute) || *at++ != ':' || !digits(&at, 2, &second) ||
            hour > 23 || minute > 59 || second > 60 || !parse_fraction(&at, &fraction) || !parse_offset(&at, &offset) || *at)
            return 0;
    }
    int64_t seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset * 60;
    /* Nanoseconds in 64 bits reach from 1677 to 2262. */
    if (seconds > 9223372035 || seconds < -9223372035)
        return 0;
    *out_ns = seconds * 1000000000 + fraction;
    return 1;
}

obs_status obs__uuid7(char *out, obs_error *error)
{
    static _Atomic uint64_t last; /* milliseconds << 12 | counter: strictly rising within the process */
    unsigned char bytes[16];
    obs_status status = obs__random(bytes, sizeof bytes, error);
    if (status != OBS_OK)
        return status;
    uint64_t now = (uint64_t)(obs__now_ns() / 1000000) << 12;
    uint64_t seen = atomic_load(&last);
    uint64_t next;
    do
        next = now > seen ? now | (uint64_t)(bytes[6] & 3) << 8 | bytes[7] : seen + 1;
    while (!atomic_compare_exchange_weak(&last, &seen, next));
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(next >> 12 >> (40 - 8 * i));
    bytes[6] = (unsigned char)(0x70 | (next >> 8 & 15));
    bytes[7] = (unsigned char)next;
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3F));
    char hex[33];
    obs__hex(hex, bytes, sizeof bytes);
    for (int i = 0, at = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            out[at++] = '-';
        out[at++] = hex[i];
        out[at] = '\0';
    }
    return OBS_OK;
}
