/* `cone=` and `during=`: positions and times of observation in a query. */
#ifndef OBS_CATALOG_CONE_H
#define OBS_CATALOG_CONE_H

#include "base/angle.h"
#include "catalog/row.h"

/* Numbers between two others, both included. */
typedef struct obs__interval {
    double least;
    double greatest;
} obs__interval;

/* A circle on the sky, and the strip and the arc in which it lies. All in degrees. */
typedef struct obs__cone {
    obs__direction centre;
    double radius;
    obs__interval dec;
    obs__interval ra[2]; /* two when 0 h lies between */
    int arcs;
} obs__cone;

/* From `202.47,+47.2,0.5`, `13h29m52s,+47d11m43s,30m`. NULL, or what is wrong and what to write. */
const char *obs__cone_parse(obs__cone *out, obs__view text);

/* How far from the centre of the cone the entry is, in degrees; 0 when its values (or labels) hold no `ra` and `dec` of a
 * place on the sky. *failed: no memory. */
int obs__cone_distance(double *out, const obs__cone *cone, const obs__row *row, int *failed);

/* From `2026-11-20/2026-11-21`, `2026-11-20T21:00:00Z/`, `/2026-11-21`, or one day: modified Julian dates, infinite where the
 * period is open. NULL, or what is wrong. */
const char *obs__period_parse(double *from, double *to, obs__view text);

#endif
