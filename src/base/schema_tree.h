/* The compiled form of a JSON Schema, shared by schema_*.c only. */
#ifndef OBS_BASE_SCHEMA_TREE_H
#define OBS_BASE_SCHEMA_TREE_H

#include <stdint.h>

#include "base/regex.h"
#include "base/schema.h"
#include "base/schema_value.h"

enum {
    OBS__SCHEMA_DEPTH_MAX = 128,   /* of the schema text */
    OBS__SCHEMA_NODES_MAX = 20000, /* subschemas */
    OBS__SCHEMA_CALLS_MAX = 600,   /* nested evaluations */
    OBS__SCHEMA_STEPS_MAX = 10000000
};

enum {
    OBS__TYPE_NULL = 1,
    OBS__TYPE_BOOLEAN = 2,
    OBS__TYPE_INTEGER = 4,
    OBS__TYPE_NUMBER = 8,
    OBS__TYPE_STRING = 16,
    OBS__TYPE_ARRAY = 32,
    OBS__TYPE_OBJECT = 64
};

/* What a vocabulary switches on, for each schema resource. */
enum {
    OBS__VOCABULARY_APPLICATOR = 1,
    OBS__VOCABULARY_VALIDATION = 2,
    OBS__VOCABULARY_UNEVALUATED = 4,
    OBS__VOCABULARY_FORMAT = 8
};

typedef struct obs__schema_node obs__schema_node;

/* A part of the schema with its own URI. */
typedef struct obs__schema_resource {
    const char *uri; /* absolute, without fragment; "" for a schema without $id */
    obs__schema_node *root;
    unsigned vocabulary;
    struct obs__schema_resource *next;
} obs__schema_resource;

typedef struct obs__schema_anchor {
    const obs__schema_resource *resource;
    const char *name;
    obs__schema_node *node;
    int dynamic;
    struct obs__schema_anchor *next;
} obs__schema_anchor;

typedef struct obs__schema_values {
    size_t count;
    const json_t **items;
    int constant; /* const, not enum */
} obs__schema_values;

typedef struct obs__schema_number {
    const json_t *minimum, *maximum, *above, *below; /* or NULL */
    const json_t *multiple;
    obs__decimal divisor;
} obs__schema_number;

typedef struct obs__format obs__format;

typedef struct obs__schema_string {
    uint64_t least, most; /* characters */
    const obs__regex *pattern;
    const char *pattern_text;
    const obs__format *format;
} obs__schema_string;

typedef struct obs__schema_array {
    uint64_t least, most;
    int unique;
    size_t prefix_count;
    const obs__schema_node **prefix;
    const obs__schema_node *items, *contains;
    uint64_t contains_least, contains_most;
} obs__schema_array;

typedef struct obs__schema_slot {
    const char *name; /* NULL: free */
    uint32_t hash;
    int required;
    const obs__schema_node *node; /* NULL: only required */
} obs__schema_slot;

typedef struct obs__schema_match {
    const obs__regex *pattern;
    const obs__schema_node *node;
} obs__schema_match;

typedef struct obs__schema_dependency {
    const char *name;
    const json_t *required; /* array of names, or NULL */
    const obs__schema_node *node;
} obs__schema_dependency;

typedef struct obs__schema_object {
    uint64_t least, most;
    const json_t *required; /* array of names, or NULL */
    size_t required_count;
    obs__schema_slot *slots; /* a power of two of them: properties and required names */
    size_t slot_mask;
    size_t match_count;
    obs__schema_match *matches;
    const obs__schema_node *additional, *names;
    size_t dependency_count;
    obs__schema_dependency *dependencies;
} obs__schema_object;

typedef struct obs__schema_branches {
    size_t count;
    const obs__schema_node **nodes;
} obs__schema_branches;

/* What applies other schemas to the same value. */
typedef struct obs__schema_combine {
    const obs__schema_node *ref, *dynamic_ref;
    const char *dynamic_name; /* NULL: the dynamic reference is an ordinary one */
    obs__schema_branches all, any, one;
    const obs__schema_node *negated, *condition, *positive, *negative;
} obs__schema_combine;

enum { OBS__NODE_CHECKS, OBS__NODE_ALWAYS, OBS__NODE_NEVER };

struct obs__schema_node {
    int kind;
    unsigned types; /* 0: all */
    const obs__schema_resource *resource;
    const obs__schema_values *constant, *values;
    const obs__schema_number *number;
    const obs__schema_string *string;
    const obs__schema_array *array;
    const obs__schema_object *object;
    const obs__schema_combine *combine;
    const obs__schema_node *other_items, *other_members; /* unevaluatedItems, unevaluatedProperties */
    const json_t *json;
    const obs__schema_node *up; /* where it stands in the text: up's place, keyword, and member or index */
    const char *keyword, *member;
    size_t index;
    int visit;  /* while cycles are looked for */
    int copied; /* of another document */
    obs__schema_node *next;
};

typedef struct obs__schema_block obs__schema_block;
typedef struct obs__schema_pattern obs__schema_pattern;
typedef struct obs__schema_document obs__schema_document;

struct obs__schema {
    obs__schema_block *blocks;
    obs__schema_pattern *patterns;
    obs__schema_document *documents; /* copies of what was compiled */
    const obs__schema_node *root;
    obs__schema_resource *resources;
    obs__schema_anchor *anchors;
    int dynamic; /* has a $dynamicRef that looks at the way it was reached */
};

/* Only while compiling. */
typedef struct obs__schema_maker {
    obs__schema *schema;
    const obs__schema_loader *loader;
    unsigned flags;
    obs_error *error;
    obs_status status; /* the first failure sticks */
    obs__schema_node *first, *last;
    obs__schema_node *compiled; /* the last node whose keywords were read */
    size_t node_count;
    obs__schema_node **known; /* hash table: json_t * to node */
    size_t known_size;
} obs__schema_maker;

/* schema_compile.c */
void *obs__schema_alloc(obs__schema_maker *maker, size_t count, size_t size); /* cleared; NULL has set the status */
int obs__schema_wrong(obs__schema_maker *maker, const obs__schema_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* always 0 */
const obs__regex *obs__schema_regex(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword,
                                    const char *text, size_t size);
json_t *obs__schema_keep(obs__schema_maker *maker, const json_t *document); /* a copy that lives as long as the schema */
const char *obs__schema_text(obs__schema_maker *maker, const char *text, size_t size);

/* schema_scan.c: finds all subschemas, their URIs and anchors. */
obs__schema_node *obs__schema_find(const obs__schema_maker *maker, const json_t *json);
obs__schema_node *obs__schema_scan(obs__schema_maker *maker, const json_t *json, const obs__schema_node *up,
                                   const char *keyword, const char *member, size_t index);
obs__schema_node *obs__schema_scan_document(obs__schema_maker *maker, const json_t *json, const char *uri);

/* schema_ref.c */
const obs__schema_node *obs__schema_resolve(obs__schema_maker *maker, const obs__schema_node *node, const char *reference,
                                            const obs__schema_anchor **out_anchor);
int obs__schema_check_cycles(obs__schema_maker *maker);
/* An absolute URI from a reference (RFC 3986, section 5), to be appended to out. */
void obs__uri_resolve(obs__builder *out, const char *base, const char *reference);

/* schema_keywords.c, schema_members.c: read the keywords of one node; 0 after a failure. */
int obs__schema_read_node(obs__schema_maker *maker, obs__schema_node *node);
int obs__schema_read_object(obs__schema_maker *maker, obs__schema_node *node);
int obs__schema_read_array(obs__schema_maker *maker, obs__schema_node *node);
int obs__schema_read_combine(obs__schema_maker *maker, obs__schema_node *node);
int obs__schema_read_count(obs__schema_maker *maker, const obs__schema_node *node, const char *name, uint64_t *out);
int obs__schema_read_names(obs__schema_maker *maker, const obs__schema_node *node, const char *name, const json_t *array);
const obs__schema_node *obs__schema_child(obs__schema_maker *maker, const obs__schema_node *node, const char *keyword);
uint32_t obs__schema_hash(const char *name);

/* schema_format.c: the checks of `format`; NULL for an unknown name. */
struct obs__format {
    const char *name;
    int (*fits)(const char *text, size_t size);
};
const obs__format *obs__format_find(const char *name);

#endif
