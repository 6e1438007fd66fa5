/* What a worker answered: its outputs, read with distrust, and made part of a unit. */
#ifndef OBS_FUNCTION_PRODUCT_H
#define OBS_FUNCTION_PRODUCT_H

#include <obs/unit.h>

#include <jansson.h>

#include "base/clock.h"
#include "function/function.h"
#include "function/manifest.h"

/* One output: the members of its line, and its bytes. */
typedef struct obs__product {
    json_t *line;
    const char *what;
    obs__view bytes;
    obs_buffer *file; /* holds the bytes when they came by a file */
} obs__product;

typedef struct obs__products {
    const obs__manifest *manifest; /* all borrowed */
    const obs_event *event;
    const char *folder; /* the call's */
    obs__view body;
    size_t count;
    obs__product list[OBS__OUTPUTS_MAX];
    const char *inputs[256];
    size_t input_count;
    char versions[4096];       /* of the inputs, as JSON */
    char origin[4096];         /* source and id of the event, as JSON; "" when they are longer */
    const char *configuration; /* SHA-256 of what the handler saw of it; NULL: it did not ask */
    char configuration_version[24];
    obs__view configuration_text;
} obs__products;

/* Reads an answer. OBS_ABORTED when it is not what a function may answer. Free with obs__products_free() in any case. */
obs_status obs__products_read(obs__products **out, const obs__manifest *manifest, const obs_event *event, const char *folder,
                              obs__view body, obs_error *error);
void obs__products_free(obs__products *products);
/* Adds all to a unit; the error says which one could not be. */
obs_status obs__products_add(const obs__products *products, obs_unit *unit, obs_error *error);
/* The event of an output as it would be published; free with obs_event_free(). `id` holds what it needs. */
obs_status obs__product_event(obs_event **out, char id[OBS__UUID_SIZE], char source[512], const obs__products *products,
                              size_t index, obs_error *error);
/* The id of output `index`: the same for the same function, event and output (UUID version 8, RFC 9562). */
obs_status obs__product_id(char out[OBS__UUID_SIZE], const obs__manifest *manifest, const obs_event *event, size_t index,
                           obs_error *error);

#endif
