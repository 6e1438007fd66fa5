/*
 * The whole: all layers merged, checked, and every scalar read. It never changes; the next one takes its place.
 */
#ifndef OBS_CONFIG_WHOLE_H
#define OBS_CONFIG_WHOLE_H

#include "base/schema.h"
#include "config/document.h"

typedef struct obs__config_whole {
    atomic_uint holders;
    uint64_t version;
    size_t layer_count;
    obs__config_document *layers[OBS__CONFIG_LAYERS_MAX]; /* lowest first */
    json_t *tree;
    obs__config_table table;
    char digest[17]; /* for the audit trail: of all documents it was made from, without the environment */
} obs__config_whole;

/* What the merged whole must fit. */
typedef struct obs__config_rules {
    obs__config_document *document; /* the schema as it came; NULL: none */
    obs__schema *schema;
    obs__config_rename *renames; /* by `x-renamed-from` */
    size_t rename_count;
} obs__config_rules;

obs_status obs__config_rules_read(obs__config_rules **out, obs__config_document *document, obs_error *error);
void obs__config_rules_free(obs__config_rules *rules);

/* What the workspace allows. */
typedef struct obs__config_limits {
    char *const *secrets;
    char *const *locked;
} obs__config_limits;

/* Merges and checks; OBS_REFUSED with the place, OBS_INVALID_ARGUMENT, OBS_PERMISSION_DENIED for a secret that obs.yaml does
 * not name. `rules` may be NULL. */
obs_status obs__config_whole_make(obs__config_whole **out, obs__config_document *const *layers, size_t count,
                                  const obs__config_source *sources, obs__config_rules *rules, const obs__config_limits *limits,
                                  obs_error *error);
obs__config_whole *obs__config_whole_retain(obs__config_whole *whole);
void obs__config_whole_free(obs__config_whole *whole);

/* Mappings member by member, everything else by the higher layer; null removes. Lowest first. NULL without memory. */
json_t *obs__config_merge(const json_t *const *layers, size_t count);

/* OBS_NOT_FOUND names the nearest name. */
obs_status obs__config_whole_find(const obs__config_value **out, const obs__config_whole *whole, const char *name,
                                  obs_error *error);
/* The same, when it is of one of these kinds (a bit for each); `what` is what was wanted: `a number`. */
obs_status obs__config_whole_want(const obs__config_value **out, const obs__config_whole *whole, const char *name,
                                  unsigned kinds, const char *what, obs_error *error);
/* OBS_INVALID_ARGUMENT with the place: `config.yaml:7:9: 'ccd.gain' is a text, not a number`. */
obs_status obs__config_wrong_kind(const obs__config_whole *whole, const obs__config_value *value, const char *what,
                                  obs_error *error);
/* `config.yaml:7:9` of a value of the whole. */
void obs__config_whole_place(char out[OBS__CONFIG_PLACE_SIZE], const obs__config_whole *whole, const obs__config_value *value);

/* The reference in `${secret:env:NAME}`; an empty view when it is none. */
obs__view obs__config_reference(const json_t *json);

/* A value as JSON; a secret in it is `{"secret":"env:NAME"}` (show.c). */
void obs__config_json_add(obs__builder *out, const json_t *json);
obs_status obs__config_json(obs_buffer **out, const json_t *json, obs_error *error);

#endif
