/* The `mem:` driver: objects in the memory of this process, shared by name. */
#ifndef OBS_STORE_MEM_H
#define OBS_STORE_MEM_H

#include <pthread.h>

#include "store/driver.h"

#define OBS__MEM_SHARDS 64

/* One version of an object; never changes. */
typedef struct obs__mem_object {
    atomic_uint holders;
    obs_buffer *body;
    int64_t modified_ns;
    obs__view key; /* behind this struct, as the entry */
    obs__view entry;
} obs__mem_object;

/* A key. Under the lock of its shard. */
typedef struct obs__mem_node {
    struct obs__mem_node *next;
    uint32_t hash;
    obs__view key;
    obs__mem_object *current;
    unsigned changes;        /* that were applied and are not over: they will look for the node again */
    const void *owner;       /* the change that was applied last and is not finished yet, or NULL */
    obs__mem_object *coming; /* then this is what it makes of the key, or NULL; borrowed from it */
} obs__mem_node;

typedef struct obs__mem_shard {
    pthread_rwlock_t lock;
    obs__mem_node **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} obs__mem_shard;

typedef struct obs__mem_store {
    obs__volume base;
    struct obs__mem_store *next; /* under the lock of all */
    char *name;
    obs__mem_shard shards[OBS__MEM_SHARDS];
} obs__mem_store;

/* mem.c */
obs_status obs__mem_object_new(obs__mem_object **out, obs__view key, obs__view entry, obs_buffer *body, int64_t modified_ns,
                               obs_error *error);
obs__mem_object *obs__mem_object_retain(obs__mem_object *object);
void obs__mem_object_free(obs__mem_object *object);
obs__mem_shard *obs__mem_shard_of(uint32_t *hash, obs__mem_store *store, obs__view key);
/* For a change: nobody else reads or changes the shard, and no child is made meanwhile. */
void obs__mem_lock(obs__mem_shard *shard);
void obs__mem_unlock(obs__mem_shard *shard);
/* Under the lock of the shard. */
obs__mem_node *obs__mem_find(const obs__mem_shard *shard, uint32_t hash, obs__view key);
obs_status obs__mem_make(obs__mem_node **out, obs__mem_shard *shard, uint32_t hash, obs__view key, obs_error *error);
/* Drops a node that says nothing any more. */
void obs__mem_tidy(obs__mem_shard *shard, obs__mem_node *node);

/* mem_change.c */
obs_status obs__mem_put(obs__effect **out, obs__volume *volume, const obs__draft *draft, obs_error *error);
obs_status obs__mem_remove(obs__effect **out, obs__volume *volume, obs__view key, const obs__condition *condition,
                           obs_error *error);
obs_status obs__mem_relabel(obs__effect **out, obs__volume *volume, obs__view key, const obs_pair *labels, size_t count,
                            obs_error *error);
obs_status obs__mem_describe(obs__effect **out, obs__volume *volume, obs__view key, obs__source *source, obs__view entry,
                             obs_error *error);

/* mem_scan.c */
void obs__mem_source_set(obs__source *out, obs__volume *volume, obs__mem_object *object);
obs_status obs__mem_scan(obs__volume *volume, obs__scan *scan, obs_error *error);

#endif
