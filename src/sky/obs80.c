/* The 80 columns of the Minor Planet Center: an observation on each line. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "sky/values.h"

#define LINE_SIZE 80
#define DAY_NS 86400e9
#define NUMBERS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define LINES_LOOKED_AT 64

typedef struct position {
    int64_t time_ns;
    double ra;
    double dec;
    double mag; /* NAN: none */
    char band;
} position;

static obs__view columns(obs__view line, size_t first, size_t last)
{
    return (obs__view){line.data + first - 1, last - first + 1};
}

/* `2009 03 17.14512` */
static int read_date(int64_t *out, obs__view text)
{
    int year, month, day, digits;
    double fraction = 0;
    if (text.data[4] != ' ' || text.data[7] != ' ' || !obs__sky_digits(&year, (obs__view){text.data, 4}) ||
        !obs__sky_digits(&month, (obs__view){text.data + 5, 2}) || !obs__sky_digits(&day, (obs__view){text.data + 8, 2}))
        return 0;
    obs__view rest = obs__sky_trim((obs__view){text.data + 10, text.size - 10});
    if (rest.size > 1 && (*rest.data != '.' || !obs__sky_digits(&digits, (obs__view){rest.data + 1, rest.size - 1})))
        return 0;
    if (rest.size > 1)
        fraction = digits / pow(10, (double)rest.size - 1);
    if (!obs__sky_day(out, year, month, day))
        return 0;
    *out += llround(fraction * DAY_NS / 1000) * 1000; /* no finer than what is written */
    return 1;
}

/* A line with a place on the sky. The second lines of satellites, radars and rovers have none. */
static int read_line(position *out, obs__view line)
{
    if (line.size != LINE_SIZE || strchr("svrR", line.data[14] ? line.data[14] : 's'))
        return 0;
    if (!read_date(&out->time_ns, columns(line, 16, 32)) ||
        !obs__angle_read(&out->ra, columns(line, 33, 44), OBS__RIGHT_ASCENSION) ||
        !obs__angle_read(&out->dec, columns(line, 45, 56), OBS__DECLINATION) || !(out->ra >= 0 && out->ra < 360) ||
        !(fabs(out->dec) <= 90) || line.data[34] != ' ' || line.data[47] != ' ')
        return 0;
    out->mag = NAN;
    out->band = ' ';
    if (obs__number_read(&out->mag, obs__sky_trim(columns(line, 66, 70)), NULL))
        out->band = line.data[70];
    return 1;
}

int obs__is_obs80(obs__view head)
{
    obs__lines lines = {.rest = head};
    obs__view line;
    position ignored;
    for (int i = 0; i < LINES_LOOKED_AT && obs__line_next(&line, &lines); i++)
        if (read_line(&ignored, line))
            return 1;
    return 0;
}

static int digit_of(char c)
{
    const char *at = c ? strchr(NUMBERS, c) : NULL;
    return at ? (int)(at - NUMBERS) : -1;
}

/* `00433`, `A0345`, `~0000` as a number, `0073P` as that of a comet; 0 when it is none. */
static size_t unpack_number(char *out, size_t room, obs__view packed)
{
    int rest, high = digit_of(*packed.data);
    obs__builder text;
    if (*packed.data == '~') {
        rest = 0;
        for (size_t i = 1; i < 5; i++) {
            int digit = digit_of(packed.data[i]);
            if (digit < 0)
                return 0;
            rest = 62 * rest + digit;
        }
        rest += 620000;
    } else if (obs__sky_digits(&rest, (obs__view){packed.data, 4}) && strchr("PD", packed.data[4] ? packed.data[4] : ' ')) {
        high = packed.data[4];
    } else if (high < 0 || !obs__sky_digits(&rest, (obs__view){packed.data + 1, 4})) {
        return 0;
    } else
        rest += 10000 * high;
    obs__builder_init(&text, room);
    obs__add_integer(&text, rest);
    if (high == 'P' || high == 'D')
        obs__add_char(&text, (char)high);
    size_t size = text.failed ? 0 : text.size;
    memcpy(out, text.data ? text.data : "", size);
    obs__builder_free(&text);
    return size;
}

/* `K14A00A` as `2014 AA`, `PLS2040` as `2040 P-L`; 0 when it is none. */
static size_t unpack_provisional(char *out, size_t room, obs__view packed)
{
    int year, digit, count = 0;
    const char *at = packed.data;
    int century = *at == 'I' ? 18 : *at == 'J' ? 19 : *at == 'K' ? 20 : 0;
    obs__builder text;
    obs__builder_init(&text, room);
    int high = digit_of(at[4]);
    if (century && obs__sky_digits(&year, (obs__view){at + 1, 2}) && high >= 0 &&
        obs__sky_digits(&digit, (obs__view){at + 5, 1}) && at[3] >= 'A' && at[3] <= 'Y' && at[6] >= 'A' && at[6] <= 'Z') {
        count = 10 * high + digit;
        obs__add_integer(&text, century * 100 + year);
        obs__add_char(&text, ' ');
        obs__add_char(&text, at[3]);
        obs__add_char(&text, at[6]);
        if (count)
            obs__add_integer(&text, count);
    } else if (at[2] == 'S' && (at[0] == 'P' || at[0] == 'T') && obs__sky_digits(&digit, (obs__view){at + 3, 4})) {
        obs__add(&text, at + 3, 4);
        obs__add_char(&text, ' ');
        obs__add_char(&text, at[0]);
        obs__add_char(&text, '-');
        obs__add_char(&text, at[1]);
    }
    size_t size = text.failed ? 0 : text.size;
    memcpy(out, text.data ? text.data : "", size);
    obs__builder_free(&text);
    return size;
}

/* As it is spoken: unpacked where that can be. */
static void add_object(obs__names *objects, obs__view line)
{
    char name[OBS__NAME_SIZE];
    size_t size = unpack_number(name, sizeof name - 1, columns(line, 1, 5));
    if (!size)
        size = unpack_provisional(name, sizeof name - 1, columns(line, 6, 12));
    obs__names_add(objects, size ? (obs__view){name, size} : obs__sky_trim(columns(line, 1, 12)));
}

typedef struct found {
    obs__names objects;
    obs__names bands;
    obs__names observatories;
    obs__span_of span;
    obs__direction sum;
    double faintest;
    double brightest;
    int64_t count;
    int64_t others; /* lines that are no place on the sky */
} found;

static void add_position(found *found, const position *position, obs__view line)
{
    obs__direction place = obs__direction_of(position->ra, position->dec);
    found->count++;
    found->sum.x += place.x;
    found->sum.y += place.y;
    found->sum.z += place.z;
    obs__span_add(&found->span, position->time_ns, position->time_ns);
    add_object(&found->objects, line);
    obs__names_add(&found->observatories, columns(line, 78, 80));
    obs__names_add(&found->bands, (obs__view){&position->band, 1});
    if (isnan(position->mag))
        return;
    if (!(position->mag >= found->brightest))
        found->brightest = position->mag;
    if (!(position->mag <= found->faintest))
        found->faintest = position->mag;
}

/* The greatest distance from the middle. */
static double radius_of(const obs__direction *middle, obs__lines lines)
{
    double radius = 0;
    obs__view line;
    position position;
    while (obs__line_next(&line, &lines)) {
        if (!read_line(&position, line))
            continue;
        obs__direction place = obs__direction_of(position.ra, position.dec);
        double distance = obs__separation(middle, &place);
        radius = distance > radius ? distance : radius;
    }
    return radius;
}

static void add_cone(obs__builder *out, const found *found, obs__lines lines)
{
    double ra, dec, length = sqrt(found->sum.x * found->sum.x + found->sum.y * found->sum.y + found->sum.z * found->sum.z);
    if (length < 1e-6 * (double)found->count) /* all around: no side is the middle */
        return;
    obs__direction_angles(&ra, &dec, &found->sum);
    obs__sky_place(out, ra, dec);
    if (found->count > 1)
        obs__sky_number(out, "radius", radius_of(&found->sum, lines), 6);
}

static void add_magnitudes(obs__builder *out, const found *found)
{
    if (isnan(found->brightest))
        return;
    if (found->count == 1)
        obs__sky_number(out, "mag", found->brightest, 3);
    else {
        obs__sky_number(out, "mag_min", found->brightest, 3);
        obs__sky_number(out, "mag_max", found->faintest, 3);
    }
    obs__sky_names(out, "band", &found->bands);
}

void obs__sky_obs80(obs__builder *out, const obs__arrival *arrival)
{
    const obs__lines lines = {arrival->head, arrival->size > arrival->head.size};
    obs__lines rest = lines;
    found found = {.faintest = NAN, .brightest = NAN};
    obs__view line;
    position position;
    while (obs__line_next(&line, &rest)) {
        if (read_line(&position, line))
            add_position(&found, &position, line);
        else
            found.others += line.size != 0;
    }
    obs__sky_integer(out, "count", found.count);
    if (found.others)
        obs__sky_integer(out, "other_lines", found.others);
    if (!found.count)
        return;
    if (found.objects.count == 1)
        obs__sky_text(out, "object", obs__view_of(found.objects.names[0], OBS_TEXT));
    obs__sky_names(out, "observatory", &found.observatories);
    obs__sky_times(out, found.span.start_ns, found.span.end_ns);
    add_cone(out, &found, lines);
    add_magnitudes(out, &found);
}
