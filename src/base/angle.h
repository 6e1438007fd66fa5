/* Places on the sky: how angles are written, and how far apart they are. */
#ifndef OBS_BASE_ANGLE_H
#define OBS_BASE_ANGLE_H

#include "base/text.h"

/* What an angle is without units: `13:29:52` is hours of a right ascension, and degrees of anything else. */
typedef enum obs__angle_kind { OBS__RIGHT_ASCENSION, OBS__DECLINATION } obs__angle_kind;

/* Degrees from `202.47`, `202.47d`, `13h29m52.7s`, `13:29:52.7`, `13 29 52.7` (hours for a right ascension), `47d12m`,
 * `+47:12:30`, `-00 57 45.2`, `30m`, `20s` (a sexagesimal part may be missing at the front or at the end). A plain number is
 * degrees. Minutes and seconds are below 60, and only the last part has a fraction. 1; 0 when it is something else. The caller
 * checks the range. */
int obs__angle_read(double *degrees, obs__view text, obs__angle_kind kind);

/* A direction as a vector of length 1, from degrees. */
typedef struct obs__direction {
    double x;
    double y;
    double z;
} obs__direction;
obs__direction obs__direction_of(double ra, double dec);
/* The reverse; ra from 0 to below 360. */
void obs__direction_angles(double *ra, double *dec, const obs__direction *direction);

/* The angle between two directions in degrees, exact also where they are nearly the same or nearly opposite. */
double obs__separation(const obs__direction *a, const obs__direction *b);

#endif
