/*
 * The names of a document, or of the whole configuration, with what stands under each: an open-addressing hash over the full
 * names with points. Built once, then only read, by any number of threads.
 *
 * A point or a backslash inside a key is written with a backslash before it: `hosts.db\.example\.org`.
 */
#ifndef OBS_CONFIG_TABLE_H
#define OBS_CONFIG_TABLE_H

#include "base/json.h"

#define OBS__CONFIG_VALUES_MAX 100000
#define OBS__CONFIG_NAMES_MAX ((size_t)16 << 20)

typedef enum obs__config_kind {
    OBS__CONFIG_NULL, /* inside a list only */
    OBS__CONFIG_BOOL,
    OBS__CONFIG_INT,
    OBS__CONFIG_REAL,
    OBS__CONFIG_TEXT,
    OBS__CONFIG_SECRET,
    OBS__CONFIG_LIST,
    OBS__CONFIG_MAPPING
} obs__config_kind;

typedef struct obs__config_value {
    const char *name; /* with NUL */
    const json_t *json;
    const char *variable; /* the environment variable it comes from, or NULL */
    uint64_t hash;
    uint32_t name_size;
    int line, column; /* 0 where a document does not tell */
    int layer;        /* in the whole: from which layer */
    obs__config_kind kind;
    int has_duration, has_bytes; /* a text or number that can be read as one */
    int64_t integer;             /* of a BOOL or INT */
    double real;                 /* of an INT or REAL */
    int64_t duration_ns;
    uint64_t bytes;
} obs__config_value;

typedef struct obs__config_table {
    obs__config_value *values; /* each before those inside it */
    size_t count, capacity;
    uint32_t *index; /* number of a value plus one; 0: free */
    size_t mask;
    uint64_t seed;
    struct obs__config_names *names; /* where the names lie */
    size_t names_size;
} obs__config_table;

void obs__config_table_init(obs__config_table *table);
void obs__config_table_free(obs__config_table *table);
/* Appends a value; its name is copied, its JSON borrowed. *out is valid until the next one. `what` is the document, for the
 * error. */
obs_status obs__config_table_add(obs__config_value **out, obs__config_table *table, obs__view name, const json_t *json,
                                 const char *what, obs_error *error);
/* Makes the index, when all are there. */
obs_status obs__config_table_seal(obs__config_table *table, obs_error *error);
/* Finds, or NULL. No lock, no allocation. */
const obs__config_value *obs__config_table_find(const obs__config_table *table, const char *name, size_t size);
/* The name that may have been meant, or NULL. */
const char *obs__config_table_nearest(const obs__config_table *table, const char *name);

/* Appends one part of a name to those before it, with its point. */
void obs__config_name_add(obs__builder *name, const char *key);
/* Whether `name` is `above` or something inside it. */
int obs__config_name_within(const char *name, const char *above);
/* `a text`, `a list` …, for sentences. */
const char *obs__config_kind_name(obs__config_kind kind);

#endif
