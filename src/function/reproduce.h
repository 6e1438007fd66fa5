/* Making a product again: what is known of how it was made, and what differs now. */
#ifndef OBS_FUNCTION_REPRODUCE_H
#define OBS_FUNCTION_REPRODUCE_H

#include <jansson.h>

#include "function/replay.h"

typedef struct obs__reproduction {
    obs_client *client;
    obs__limit limit;
    int present_code;
    int failed;        /* no memory for a part of the answer */
    char reason[1200]; /* why it cannot be made again; "": nothing is known against it */
    char key[OBS_KEY_MAX + 1];
    obs_stat *stat;                                /* of the product, with its labels */
    const char *function, *digest, *configuration; /* borrowed from it; NULL where it does not say */
    json_t *origin;                                /* source and id of the event, or NULL */
    json_t *read;                                  /* what was read, by key, with its SHA-256; or NULL */
    json_t *inputs;                                /* the same, and what else it was made from (null: there was nothing) */
    json_t *present;                               /* of all of them, what is there now */
    json_t *differs, *first;                       /* of the answer */
    json_t *now;                                   /* the product that would be made; NULL: none */
    int is_identical;
} obs__reproduction;

/* Adds `{"what":…,"name":…,"before":…,"now":…}`; NULL and "" stand for null. */
void obs__differs_add(obs__reproduction *self, const char *what, const char *name, const char *before, const char *now);
/* A text or null. */
json_t *obs__differs_text(const char *text);

/* reproduce_compare.c: what was made now with what was made then. */
obs_status obs__reproduction_compare(obs__reproduction *self, const obs__products *products, obs_error *error);

#endif
