/* What the public calls of the store share. */
#ifndef OBS_STORE_PRIVATE_H
#define OBS_STORE_PRIVATE_H

#include "store/driver.h"
#include "store/store.h"

struct obs_store {
    atomic_uint holders;
    obs__gate *gate;
    obs__volume *volume;
    const obs__store_driver *driver;
    const char *url;
    char **immutable; /* ends with NULL; behind the struct, as the URL */
    int is_workspace;
};

obs_store *obs__store_retain(obs_store *store);

/* Copies an option struct of possibly older (smaller) size; `from` NULL gives all defaults. */
void obs__options_take(void *to, size_t size, const void *from);

/* A deep copy of what a put is told, for calls that outlive their caller's texts. obs__free(). */
typedef struct obs__put_kept {
    obs_put_options options; /* its `call` points to the next member, or is NULL */
    obs_call call;
    obs_cancel *cancel; /* retained */
} obs__put_kept;
obs_status obs__put_keep(obs__put_kept **out, const obs_put_options *options, obs_error *error);
void obs__put_kept_free(obs__put_kept *kept);

/* change.c: what all ways of writing share. The body is collected but not sealed; *entry receives the lines. */
obs_status obs__change_check(const obs_store *store, const obs_put_options *options, obs_error *error);
/* Whether the bytes have the SHA-256 that was given, if one was. */
obs_status obs__change_check_digest(const obs_put_options *options, const obs__digest *digest, obs_error *error);
obs_status obs__change_stage(obs__effects *effects, obs_store *store, obs__scope *scope, obs__body *body,
                             const obs_put_options *options, obs__builder *entry, obs_error *error);
/* Tells the catalog, when there is one for this store; `head`: the first bytes. */
obs_status obs__change_tell(obs__effects *effects, obs_store *store, obs__scope *scope, const obs__digest *digest,
                            int64_t time_ns, obs__view head, const obs_put_options *options, obs_error *error);
/* The stat of what was just written, when it is asked for. */
obs_status obs__change_stat(obs_stat **out, obs__view key, const obs__body *body, const obs__builder *entry, obs_error *error);
/* Adds bytes in pieces, looking at the limit in between. */
obs_status obs__body_fill(obs__body *body, const void *data, size_t size, const obs__limit *limit, obs_error *error);

/* store.c */
obs_status obs__store_source(obs__source *out, obs_store *store, obs__view key, const obs_get_options *options,
                             const obs__limit *limit, obs_error *error);
/* How many bytes a range has: *length is the object's size before. */
obs_status obs__range_clip(uint64_t *length, const obs_get_options *options, obs__view key, obs_error *error);
obs_status obs__source_stat(obs_stat **out, obs__view key, const obs__source *source, obs_error *error);

#endif
