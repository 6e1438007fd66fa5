#include "catalog/cone.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define DEGREE 0.017453292519943295
#define SLACK 1e-9 /* degrees: more than what rounding can take away from a bound */
#define DAY_NS INT64_C(86400000000000)
#define MJD_1970 40587

/* Takes what stands before the next comma, or the rest. */
static obs__view take_field(obs__view *rest)
{
    const char *comma = rest->size ? memchr(rest->data, ',', rest->size) : NULL;
    obs__view field = {rest->data, comma ? (size_t)(comma - rest->data) : rest->size};
    rest->data += field.size + (comma != NULL);
    rest->size -= field.size + (comma != NULL);
    return field;
}

/* Where right ascensions lie that are at most `half` from the centre's. */
static void set_arcs(obs__cone *cone, double ra, double half)
{
    double low = ra - half - SLACK, high = ra + half + SLACK;
    cone->arcs = 1;
    cone->ra[0] = (obs__interval){low, high};
    if (low < 0 || high > 360) {
        cone->arcs = 2;
        cone->ra[0] = (obs__interval){low < 0 ? low + 360 : low, 360};
        cone->ra[1] = (obs__interval){0, high > 360 ? high - 360 : high};
    }
}

/* A circle that holds a pole holds all right ascensions. */
static void set_bounds(obs__cone *cone, double ra, double dec)
{
    cone->dec = (obs__interval){dec - cone->radius - SLACK, dec + cone->radius + SLACK};
    if (cone->dec.greatest >= 90 || cone->dec.least <= -90) {
        cone->arcs = 1;
        cone->ra[0] = (obs__interval){0, 360};
        return;
    }
    double sine = sin(cone->radius * DEGREE) / cos(dec * DEGREE);
    set_arcs(cone, ra, sine < 1 ? asin(sine) / DEGREE : 180);
}

const char *obs__cone_parse(obs__cone *out, obs__view text)
{
    double ra, dec;
    obs__view fields[3];
    if (!text.size || !memchr(text.data, ',', text.size))
        return "a cone is right ascension, declination, radius: write cone=202.47,+47.2,0.5 or cone=13h29m52s,+47d11m43s,30m";
    for (int i = 0; i < 3; i++)
        fields[i] = take_field(&text);
    if (!obs__angle_read(&ra, fields[0], OBS__RIGHT_ASCENSION) || !(ra >= 0 && ra <= 360))
        return "the right ascension of a cone is 0 to 360 degrees: write 202.47, 13h29m52s or 13:29:52";
    if (!obs__angle_read(&dec, fields[1], OBS__DECLINATION) || !(dec >= -90 && dec <= 90))
        return "the declination of a cone is -90 to +90 degrees: write +47.2, +47d11m43s or +47:11:43";
    if (text.size || !obs__angle_read(&out->radius, fields[2], OBS__DECLINATION) || !(out->radius > 0 && out->radius <= 180))
        return "the radius of a cone is above 0, up to 180 degrees: write 0.5, 0.5d, 30m (minutes of arc) or 20s (seconds)";
    out->centre = obs__direction_of(ra, dec);
    set_bounds(out, ra, dec);
    return NULL;
}

int obs__cone_distance(double *out, const obs__cone *cone, const obs__row *row, int *failed)
{
    obs__points points;
    obs__point point;
    double ra = NAN, dec = NAN;
    obs__points_begin(&points, row);
    while (obs__points_next(&points, &point)) { /* values stand behind labels, and so win */
        if (point.is_number && obs__view_is(point.name, "ra"))
            ra = point.number;
        else if (point.is_number && obs__view_is(point.name, "dec"))
            dec = point.number;
    }
    *failed = points.failed;
    obs__points_free(&points);
    if (!(ra >= 0 && ra <= 360 && dec >= -90 && dec <= 90))
        return 0;
    obs__direction place = obs__direction_of(ra, dec);
    *out = obs__separation(&cone->centre, &place);
    return 1;
}

static int read_time(double *out, obs__view text)
{
    char copy[64];
    int64_t ns;
    if (text.size >= sizeof copy)
        return 0;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (!obs__time_parse(&ns, copy))
        return 0;
    int64_t day = ns / DAY_NS - (ns % DAY_NS < 0);
    *out = MJD_1970 + (double)day + (double)(ns - day * DAY_NS) / (double)DAY_NS;
    return 1;
}

const char *obs__period_parse(double *from, double *to, obs__view text)
{
    static const char wrong[] = "a period is FROM/TO: write during=2026-11-20/2026-11-21, or during=2026-11-20 for that day; "
                                "times as in 2026-11-20T21:15:00Z";
    const char *slash = text.size ? memchr(text.data, '/', text.size) : NULL;
    obs__view first = {text.data, slash ? (size_t)(slash - text.data) : text.size};
    obs__view second = {slash ? slash + 1 : "", slash ? text.size - first.size - 1 : 0};
    *from = -INFINITY;
    *to = INFINITY;
    if (!slash && (first.size != strlen("2026-11-20") || !read_time(from, first)))
        return wrong;
    if (!slash) {
        *to = *from + 1;
        return NULL;
    }
    if ((!first.size && !second.size) || (first.size && !read_time(from, first)) || (second.size && !read_time(to, second)))
        return wrong;
    return *from < *to ? NULL : "this period ends before it begins: write during=FROM/TO with the earlier time first";
}
