/* Where on the sky a FITS observation is: by the pointing, else the middle of the picture by its coordinate system. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "sky/header.h"

#define DEGREE 0.017453292519943295
#define ARCSECOND (DEGREE / 3600)

static obs__direction turn(const double matrix[3][3], const obs__direction *from)
{
    return (obs__direction){matrix[0][0] * from->x + matrix[0][1] * from->y + matrix[0][2] * from->z,
                            matrix[1][0] * from->x + matrix[1][1] * from->y + matrix[1][2] * from->z,
                            matrix[2][0] * from->x + matrix[2][1] * from->y + matrix[2][2] * from->z};
}

/* FK4 of B1950 as J2000: without the terms of aberration that old catalogues left in, then turned (Explanatory Supplement 3.59;
 * of what does not move of itself). */
static void from_b1950(obs__direction *place)
{
    static const double matrix[3][3] = {{0.9999256782, -0.0111820611, -0.0048579477},
                                        {0.0111820610, 0.9999374784, -0.0000271765},
                                        {0.0048579479, -0.0000271474, 0.9999881997}};
    static const obs__direction terms = {-1.62557e-6, -0.31919e-6, -0.13843e-6};
    double along = place->x * terms.x + place->y * terms.y + place->z * terms.z;
    obs__direction clean = {place->x - terms.x + along * place->x, place->y - terms.y + along * place->y,
                            place->z - terms.z + along * place->z};
    *place = turn(matrix, &clean);
}

/* FK5 of another equinox as J2000 (IAU 1976). */
static void precess(obs__direction *place, double equinox)
{
    double big = (equinox - 2000) / 100, t = -big;
    double rate = (2306.2181 + (1.39656 - 0.000139 * big) * big) * t;
    double zeta = (rate + ((0.30188 - 0.000344 * big) + 0.017998 * t) * t * t) * ARCSECOND;
    double z = (rate + ((1.09468 + 0.000066 * big) + 0.018203 * t) * t * t) * ARCSECOND;
    double theta =
        ((2004.3109 - (0.85330 + 0.000217 * big) * big) * t - ((0.42665 + 0.000217 * big) + 0.041833 * t) * t * t) * ARCSECOND;
    const double matrix[3][3] = {{cos(zeta) * cos(theta) * cos(z) - sin(zeta) * sin(z),
                                  -sin(zeta) * cos(theta) * cos(z) - cos(zeta) * sin(z), -sin(theta) * cos(z)},
                                 {cos(zeta) * cos(theta) * sin(z) + sin(zeta) * cos(z),
                                  -sin(zeta) * cos(theta) * sin(z) + cos(zeta) * cos(z), -sin(theta) * sin(z)},
                                 {cos(zeta) * sin(theta), -sin(zeta) * sin(theta), cos(theta)}};
    *place = turn(matrix, place);
}

/* To the frame of the catalog, by what the header says of its own. */
static void to_icrs(double *ra, double *dec, const obs__header *header)
{
    static const char *const equinoxes[] = {"EQUINOX", "EPOCH", NULL};
    static const char *const frames[] = {"RADESYS", "RADECSYS"};
    char room[OBS__CARD_SIZE];
    obs__view frame = {"", 0};
    double equinox = 2000;
    int is_given = obs__header_first_number(&equinox, header, equinoxes) && equinox > 1800 && equinox < 2200;
    for (size_t i = 0; i < 2 && !frame.size; i++)
        obs__header_text(&frame, room, header, frames[i]);
    if (obs__view_is(frame, "ICRS") || (!is_given && !obs__starts_with(frame, (obs__view){"FK4", 3})))
        return;
    obs__direction place = obs__direction_of(*ra, *dec);
    if (obs__starts_with(frame, (obs__view){"FK4", 3}) || (!frame.size && equinox < 1984 && fabs(equinox - 1950) < 0.1))
        from_b1950(&place);
    else if (fabs(equinox - 2000) > 0.01)
        precess(&place, equinox);
    else
        return;
    obs__direction_angles(ra, dec, &place);
}

static int is_on_sky(double ra, double dec)
{
    return ra >= 0 && ra <= 360 && dec >= -90 && dec <= 90;
}

/* Numbers are degrees, texts with parts are hours and degrees. */
static int read_pair(double *ra, double *dec, const obs__header *header, const char *ra_key, const char *dec_key)
{
    char ra_room[OBS__CARD_SIZE], dec_room[OBS__CARD_SIZE];
    obs__view ra_text, dec_text;
    if (!obs__header_text(&ra_text, ra_room, header, ra_key) || !obs__header_text(&dec_text, dec_room, header, dec_key))
        return 0;
    if (!obs__header_number(ra, header, ra_key) && !obs__angle_read(ra, ra_text, OBS__RIGHT_ASCENSION))
        return 0;
    if (!obs__header_number(dec, header, dec_key) && !obs__angle_read(dec, dec_text, OBS__DECLINATION))
        return 0;
    return is_on_sky(*ra, *dec);
}

/* A coordinate system of two axes. */
typedef struct plane {
    double at[2];    /* the reference pixel */
    double value[2]; /* its coordinates */
    double matrix[2][2];
    int ra_axis; /* 0 or 1 */
    int is_tangent;
} plane;

static double number_or(const obs__header *header, const char *keyword, double otherwise)
{
    double number;
    return obs__header_number(&number, header, keyword) ? number : otherwise;
}

static int axis_is(const obs__header *header, const char *keyword, const char *wanted, int *is_tangent)
{
    char room[OBS__CARD_SIZE];
    obs__view text;
    if (!obs__header_text(&text, room, header, keyword) || text.size < 4 || memcmp(text.data, wanted, strlen(wanted)) != 0)
        return 0;
    *is_tangent = text.size >= 8 && (memcmp(text.data + 5, "TAN", 3) == 0 || memcmp(text.data + 5, "TPV", 3) == 0 ||
                                     memcmp(text.data + 5, "TNX", 3) == 0);
    return 1;
}

/* CDi_j, else CDELTi with PCi_j or CROTA2. */
static void read_matrix(plane *plane, const obs__header *header)
{
    static const char *const cd[2][2] = {{"CD1_1", "CD1_2"}, {"CD2_1", "CD2_2"}};
    static const char *const pc[2][2] = {{"PC1_1", "PC1_2"}, {"PC2_1", "PC2_2"}};
    double step[2] = {number_or(header, "CDELT1", 1), number_or(header, "CDELT2", 1)};
    double turned = number_or(header, "CROTA2", 0) * DEGREE, ignored;
    int has_cd = obs__header_number(&ignored, header, "CD1_1") || obs__header_number(&ignored, header, "CD1_2");
    const double rotation[2][2] = {{cos(turned), -sin(turned) * step[1] / step[0]},
                                   {sin(turned) * step[0] / step[1], cos(turned)}};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            plane->matrix[i][k] =
                has_cd ? number_or(header, cd[i][k], 0) : step[i] * number_or(header, pc[i][k], rotation[i][k]);
}

static int read_plane(plane *plane, const obs__header *header)
{
    int ignored;
    if (axis_is(header, "CTYPE1", "RA--", &plane->is_tangent) && axis_is(header, "CTYPE2", "DEC-", &ignored))
        plane->ra_axis = 0;
    else if (axis_is(header, "CTYPE1", "DEC-", &plane->is_tangent) && axis_is(header, "CTYPE2", "RA--", &ignored))
        plane->ra_axis = 1;
    else
        return 0;
    if (!obs__header_number(&plane->value[0], header, "CRVAL1") || !obs__header_number(&plane->value[1], header, "CRVAL2"))
        return 0;
    plane->at[0] = number_or(header, "CRPIX1", 0);
    plane->at[1] = number_or(header, "CRPIX2", 0);
    read_matrix(plane, header);
    return 1;
}

/* From the tangential plane (degrees east and north of the reference) to the sky. */
static void from_tangent(double *ra, double *dec, double east, double north)
{
    double x = east * DEGREE, y = north * DEGREE, ra0 = *ra * DEGREE, dec0 = *dec * DEGREE;
    double down = cos(dec0) - y * sin(dec0);
    *ra = fmod((ra0 + atan2(x, down)) / DEGREE + 720, 360);
    *dec = atan2(sin(dec0) + y * cos(dec0), hypot(x, down)) / DEGREE;
}

/* The middle of the picture; for other projections its reference, which is near it as a rule. */
static int read_middle(double *ra, double *dec, const obs__header *header)
{
    plane plane;
    double size[2];
    if (!read_plane(&plane, header))
        return 0;
    int north = !plane.ra_axis;
    *ra = plane.value[plane.ra_axis];
    *dec = plane.value[north];
    if (*ra < 0)
        *ra += 360;
    if (!is_on_sky(*ra, *dec))
        return 0;
    if (!plane.is_tangent || !obs__header_number(&size[0], header, "NAXIS1") || !obs__header_number(&size[1], header, "NAXIS2"))
        return 1;
    double from[2] = {(size[0] + 1) / 2 - plane.at[0], (size[1] + 1) / 2 - plane.at[1]}, to[2];
    for (int i = 0; i < 2; i++)
        to[i] = plane.matrix[i][0] * from[0] + plane.matrix[i][1] * from[1];
    if (isfinite(to[0]) && isfinite(to[1]) && hypot(to[0], to[1]) < 60)
        from_tangent(ra, dec, to[plane.ra_axis], to[north]);
    return is_on_sky(*ra, *dec);
}

int obs__header_place(double *ra, double *dec, const obs__header *header)
{
    static const char *const pairs[][2] = {{"RA", "DEC"},         {"OBJCTRA", "OBJCTDEC"}, {"RA_TARG", "DEC_TARG"},
                                           {"RA_OBJ", "DEC_OBJ"}, {"RA_PNT", "DEC_PNT"},   {"RA_NOM", "DEC_NOM"}};
    int is_there = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && !is_there; i++)
        is_there = read_pair(ra, dec, header, pairs[i][0], pairs[i][1]);
    if (!is_there && !read_middle(ra, dec, header))
        return 0;
    to_icrs(ra, dec, header);
    return 1;
}
