/*
 * What the first bytes of an observation say about it: FITS, miniSEED, the Minor Planet Center's 80 columns, METAR.
 * docs/sky.md has the values.
 */
#ifndef OBS_SKY_SKY_H
#define OBS_SKY_SKY_H

#include "base/text.h"

/* An object that has arrived. All borrowed. */
typedef struct obs__arrival {
    obs__view head;   /* its first bytes, or all of them */
    uint64_t size;    /* of all */
    const char *type; /* media type, or "" */
    obs__view key;
    int64_t time_ns;
} obs__arrival;

/* Appends a JSON object of values; nothing when the bytes are of no kind that is known. Whatever they are, this is no failure:
 * what keeps a known kind from being read is the value `index`. */
void obs__sky_values(obs__builder *out, const obs__arrival *arrival);

#endif
