/* One document: what a source gave, read, with the names of all its values. Never changes once it was made. */
#ifndef OBS_CONFIG_DOCUMENT_H
#define OBS_CONFIG_DOCUMENT_H

#include <stdatomic.h>

#include "config/config.h"
#include "config/table.h"

typedef struct obs__config_document {
    atomic_uint holders;
    char *url;
    char *label;
    char etag[OBS__CONFIG_ETAG_SIZE];
    int64_t changed_ns;
    int64_t version;   /* of a signed one: its member `version` */
    obs_buffer *bytes; /* as they came */
    json_t *tree;      /* a mapping; an empty document is an empty one */
    obs__config_table table;
} obs__config_document;

/* Reads an answer of a source; its bytes are taken over, also on failure. Errors carry the place. */
obs_status obs__config_document_read(obs__config_document **out, const obs__config_source *source, obs__config_answer *answer,
                                     obs_error *error);
/* What a source without a document stands for. */
obs_status obs__config_document_empty(obs__config_document **out, const obs__config_source *source, obs_error *error);
obs__config_document *obs__config_document_retain(obs__config_document *document);
void obs__config_document_free(obs__config_document *document);
/* Holds another one in this place. */
void obs__config_document_set(obs__config_document **place, obs__config_document *document);

/* An old name and the one that took its place. */
typedef struct obs__config_rename {
    char *old;
    char *name;
    int told; /* the log knows */
} obs__config_rename;

/* The same document with old names in the place of which new ones stand; with none in it, the same one again. */
obs_status obs__config_document_renamed(obs__config_document **out, obs__config_document *document, obs__config_rename *renames,
                                        size_t count, obs_error *error);

/* Of a signed document (sign.c): what is signed, when it is by the key of the source; and its version. */
obs_status obs__config_signed_text(obs__view *out, obs__view bytes, const obs__config_source *source, obs_error *error);
obs_status obs__config_signed_version(int64_t *out, const json_t *tree, const char *label, obs_error *error);

/* Fills an empty document from the environment (environment.c). */
obs_status obs__config_environment_read(obs__config_document *document, const obs__config_source *source, obs_error *error);
/* Appends the names of a tree to a table; `yaml` tells the places, or is NULL. */
struct obs__yaml;
obs_status obs__config_names_of(obs__config_table *table, const json_t *tree, const struct obs__yaml *yaml, const char *what,
                                obs_error *error);
/* What holds the value of a name inside a tree, or NULL; `key` receives its last part. `make`: mappings on the way are
 * made. Without memory the key has failed. */
json_t *obs__config_tree_parent(json_t *tree, const char *name, int make, obs__builder *key);
/* Removes a value, and mappings that become empty by that. */
obs_status obs__config_tree_remove(json_t *tree, const char *name, obs_error *error);

/* `config.yaml:7:9` */
#define OBS__CONFIG_PLACE_SIZE 384
void obs__config_place(char out[OBS__CONFIG_PLACE_SIZE], const obs__config_document *document, const obs__config_value *value);

#endif
