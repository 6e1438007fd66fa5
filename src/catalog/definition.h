/* The inside of a data definition; the other modules see only what catalog.h declares. */
#ifndef OBS_CATALOG_DEFINITION_H
#define OBS_CATALOG_DEFINITION_H

#include <stdatomic.h>

#include "base/hash.h"
#include "base/schema.h"
#include "catalog/catalog.h"

enum { OBS__DEFINITION_NAME_MAX = 128, OBS__DEFINITION_SIZE_MAX = 1 << 20, OBS__RECORD_SIZE_MAX = 1 << 20 };

struct obs__definition {
    atomic_int holders;
    int64_t version;
    unsigned char sha256[OBS__SHA256_SIZE]; /* of the schema's text */
    obs__schema *schema;
    char name[OBS__DEFINITION_NAME_MAX + 1];
};

/* definition_cache.c: compiled definitions by the hash of their text, so that they serve all tenants and never grow stale. */
obs__definition *obs__definition_cached(const char *name, int64_t version, const unsigned char sha256[OBS__SHA256_SIZE]);
void obs__definition_remember(obs__definition *definition);
obs__definition *obs__definition_retain(obs__definition *definition);

/* definition_compare.c: OBS_FAILED_PRECONDITION with the member and the rule when the new schema refuses what the old one
 * accepted. */
obs_status obs__definition_compare(const json_t *old, const json_t *now, obs_error *error);

/* definition_bounds.c: the same for the keywords of one schema that stand for themselves. NULL, or what is wrong. */
typedef struct obs__narrowing {
    char text[240];
} obs__narrowing;
int obs__narrower_bounds(obs__narrowing *out, const json_t *old, const json_t *now);
int obs__narrower_types(obs__narrowing *out, const json_t *old, const json_t *now);
int obs__narrower_values(obs__narrowing *out, const json_t *old, const json_t *now);
int obs__narrower_rest(obs__narrowing *out, const json_t *old, const json_t *now);

#endif
