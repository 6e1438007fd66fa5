#include "base/angle.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

#define DEGREE 0.017453292519943295

/* What is left to read. */
typedef struct reader {
    const char *at;
    const char *end;
} reader;

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(reader *reader)
{
    while (reader->at < reader->end && is_blank(*reader->at))
        reader->at++;
}

/* Digits with perhaps a fraction; neither sign nor exponent. */
static int read_part(double *out, int *has_fraction, reader *reader)
{
    const char *start = reader->at;
    *has_fraction = 0;
    for (; reader->at < reader->end; reader->at++) {
        if (*reader->at == '.')
            *has_fraction = 1;
        else if (*reader->at < '0' || *reader->at > '9')
            break;
    }
    return obs__number_read(out, (obs__view){start, (size_t)(reader->at - start)}, NULL);
}

/* Which part a unit names: 0 for hours and degrees, 1, 2; -1 when none stands here. */
static int read_unit(reader *reader, char *whole)
{
    if (reader->at == reader->end)
        return -1;
    char c = *reader->at;
    int part = c == 'h' || c == 'd' ? 0 : c == 'm' ? 1 : c == 's' ? 2 : -1;
    if (part == 0)
        *whole = c;
    reader->at += part >= 0;
    return part;
}

/* `13h29m52.7s`; *whole receives the unit of the first part. */
static int read_units(double parts[3], char *whole, reader *reader)
{
    int last = -1, had_fraction = 0;
    for (skip_blanks(reader); reader->at < reader->end; skip_blanks(reader)) {
        double number;
        int has_fraction;
        if (had_fraction || !read_part(&number, &has_fraction, reader))
            return 0;
        int part = read_unit(reader, whole);
        if (part <= last || (part && last >= 0 && number >= 60))
            return 0;
        parts[part] = number;
        last = part;
        had_fraction = has_fraction;
    }
    return last >= 0;
}

/* `13:29:52.7` or `13 29 52.7`: returns how many parts there are, 0 when this is something else. */
static int read_fields(double parts[3], reader *reader)
{
    char between = 0;
    for (int i = 0; i < 3; i++) {
        int has_fraction;
        if (!read_part(&parts[i], &has_fraction, reader) || (i && parts[i] >= 60))
            return 0;
        char next = reader->at < reader->end ? *reader->at : 0;
        if (!next || i == 2 || has_fraction)
            return next ? 0 : i + 1;
        if ((next != ':' && !is_blank(next)) || (between && between != next))
            return 0;
        between = next;
        reader->at++;
        if (next != ':')
            skip_blanks(reader);
    }
    return 0;
}

static reader trimmed(obs__view text)
{
    reader reader = {text.data, text.data + text.size};
    skip_blanks(&reader);
    while (reader.end > reader.at && is_blank(reader.end[-1]))
        reader.end--;
    return reader;
}

int obs__angle_read(double *degrees, obs__view text, obs__angle_kind kind)
{
    reader reader = trimmed(text);
    double parts[3] = {0, 0, 0}, scale = 1;
    char whole = 'd';
    int negative = reader.at < reader.end && *reader.at == '-';
    if (reader.at < reader.end && (*reader.at == '-' || *reader.at == '+'))
        reader.at++;
    if (reader.at == reader.end || is_blank(*reader.at))
        return 0;
    size_t size = (size_t)(reader.end - reader.at);
    int has_units = memchr(reader.at, 'h', size) || memchr(reader.at, 'd', size) || memchr(reader.at, 'm', size) ||
                    memchr(reader.at, 's', size);
    if (has_units && !read_units(parts, &whole, &reader))
        return 0;
    int fields = has_units ? 0 : read_fields(parts, &reader);
    if (!has_units && !fields)
        return 0;
    if (whole == 'h' && kind != OBS__RIGHT_ASCENSION)
        return 0;
    if (whole == 'h' || (fields > 1 && kind == OBS__RIGHT_ASCENSION))
        scale = 15;
    *degrees = scale * (parts[0] + parts[1] / 60 + parts[2] / 3600);
    if (negative)
        *degrees = -*degrees;
    return 1;
}

obs__direction obs__direction_of(double ra, double dec)
{
    double flat = cos(dec * DEGREE);
    return (obs__direction){flat * cos(ra * DEGREE), flat * sin(ra * DEGREE), sin(dec * DEGREE)};
}

void obs__direction_angles(double *ra, double *dec, const obs__direction *direction)
{
    *ra = atan2(direction->y, direction->x) / DEGREE;
    if (*ra < 0)
        *ra += 360;
    if (*ra >= 360) /* what was just below zero */
        *ra = 0;
    *dec = atan2(direction->z, hypot(direction->x, direction->y)) / DEGREE;
}

double obs__separation(const obs__direction *a, const obs__direction *b)
{
    double x = a->y * b->z - a->z * b->y, y = a->z * b->x - a->x * b->z, z = a->x * b->y - a->y * b->x;
    return atan2(sqrt(x * x + y * y + z * z), a->x * b->x + a->y * b->y + a->z * b->z) / DEGREE;
}
