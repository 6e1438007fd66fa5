#include "base/number.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With so many digits, and one more for all others, every double that a decimal may be nearest to is decided: the middle
 * between two doubles has at most 767. */
#define DIGITS_MAX 770

static locale_t plain;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

typedef struct decimal {
    uint64_t first;   /* the first 19 significant digits */
    size_t count;     /* significant digits: all but leading zeros */
    int64_t exponent; /* of ten, for the last digit */
    int negative;
} decimal;

static int is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static const char *read_digits(const char *at, const char *end, decimal *out, int fraction)
{
    for (; is_digit(at, end); at++) {
        out->exponent -= fraction;
        if (!out->count && *at == '0')
            continue;
        if (++out->count <= 19)
            out->first = out->first * 10 + (uint64_t)(*at - '0');
    }
    return at;
}

static const char *read_exponent(const char *at, const char *end, decimal *out)
{
    int sign = 1;
    int64_t exponent = 0;
    if (at == end || (*at != 'e' && *at != 'E'))
        return at;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        sign = *at++ == '-' ? -1 : 1;
    if (!is_digit(at, end))
        return NULL;
    for (; is_digit(at, end); at++)
        exponent = exponent < INT64_MAX / 100 ? exponent * 10 + (*at - '0') : exponent;
    out->exponent += sign * exponent;
    return at;
}

static int read_decimal(decimal *out, obs__view text)
{
    const char *at = text.data, *end = text.data + text.size, *start;
    *out = (decimal){0};
    if (at < end && (*at == '-' || *at == '+'))
        out->negative = *at++ == '-';
    start = at;
    at = read_digits(at, end, out, 0);
    if (at == start)
        return 0;
    if (at < end && *at == '.') {
        start = ++at;
        at = read_digits(at, end, out, 1);
        if (at == start)
            return 0;
    }
    return read_exponent(at, end, out) == end;
}

/* The significant digits of a text that was read, without the point. Those behind DIGITS_MAX only say whether the number is
 * larger than the ones before them: a 1 does. Returns how many were written. */
static size_t copy_digits(char *out, obs__view text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9' || (!count && c == '0'))
            continue;
        if (count < DIGITS_MAX)
            out[count++] = c;
        else if (c != '0') {
            out[count++] = '1';
            break;
        }
    }
    return count;
}

/* Rare: more digits or powers than a product of two exact doubles can hold. */
static int convert_slowly(double *out, const decimal *number, obs__view text)
{
    char digits[DIGITS_MAX + 32];
    pthread_once(&once, make_plain);
    if (plain == (locale_t)0)
        return 0;
    size_t count = copy_digits(digits, text);
    int64_t exponent = number->exponent + (int64_t)number->count - (int64_t)count;
    /* Beyond this all is zero or infinite, with any digits. */
    exponent = exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent;
    snprintf(digits + count, sizeof digits - count, "e%d", (int)exponent);
    *out = strtod_l(digits, NULL, plain);
    return *out - *out == 0; /* finite */
}

int obs__number_read(double *out, obs__view text, size_t *digits)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal number;
    double value;
    if (!read_decimal(&number, text))
        return 0;
    if (digits)
        *digits = number.count;
    if (!number.count)
        value = 0;
    else if (number.count <= 19 && number.first <= UINT64_C(1) << 53 && number.exponent <= 22 && number.exponent >= -22)
        value = number.exponent < 0 ? (double)number.first / powers[-number.exponent]
                                    : (double)number.first * powers[number.exponent];
    else if (!convert_slowly(&value, &number, text))
        return 0;
    *out = number.negative ? -value : value;
    return 1;
}
