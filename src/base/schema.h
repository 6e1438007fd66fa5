/*
 * JSON Schema 2020-12: compiled once into a tree that never changes, then used by any number of threads.
 *
 * Known: all keywords of core, applicator, unevaluated, validation, meta-data, format and content; `dependencies` and
 * `definitions` of older drafts. A schema of another draft is refused, so is a `$ref` to another document. Regular expressions
 * are those of ECMA-262, bounded (see base/regex.h). Integers are exact within 64 bits; larger ones must be loaded as reals.
 */
#ifndef OBS_BASE_SCHEMA_H
#define OBS_BASE_SCHEMA_H

#include <jansson.h>

#include <obs/error.h>

typedef struct obs__schema obs__schema;

enum {
    OBS__SCHEMA_FORMATS = 1 /* `format` is checked, not only noted */
};

/* OBS_INVALID_ARGUMENT says where in the schema what is wrong, as in `#/properties/mag: "minimum" must be a number`;
 * OBS_RESOURCE_EXHAUSTED: too large, or no memory. The document is copied. */
obs_status obs__schema_compile(obs__schema **out, const json_t *document, unsigned flags, obs_error *error);
void obs__schema_free(obs__schema *schema);

/* OBS_REFUSED with the first place of the document that does not fit: `/mag: 31.4 is greater than the maximum 30`;
 * OBS_RESOURCE_EXHAUSTED when deciding it takes too much time, depth or memory. */
obs_status obs__schema_validate(const obs__schema *schema, const json_t *instance, obs_error *error);

/* Other documents that a schema may refer to. Only the tests have one: nothing is ever fetched. */
typedef struct obs__schema_loader {
    const json_t *(*load)(void *user, const char *uri); /* borrowed until the schema is compiled; NULL: not known */
    void *user;
} obs__schema_loader;
obs_status obs__schema_compile_with(obs__schema **out, const json_t *document, unsigned flags, const obs__schema_loader *loader,
                                    obs_error *error);

#endif
