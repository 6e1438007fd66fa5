/* The `mem:` driver: a hash table in shards, each with a lock that readers share for the time of one look-up. */
#include "store/mem.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

#define BODY_LIMIT (SIZE_MAX / 4)

static struct {
    pthread_mutex_t mutex;
    obs__mem_store *first;
} all = {PTHREAD_MUTEX_INITIALIZER, NULL};

/* Held for each change of any shard: then a fork needs no more than this lock to find all of them whole. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

void obs__mem_lock(obs__mem_shard *shard)
{
    pthread_mutex_lock(&changing);
    pthread_rwlock_wrlock(&shard->lock);
}

void obs__mem_unlock(obs__mem_shard *shard)
{
    pthread_rwlock_unlock(&shard->lock);
    pthread_mutex_unlock(&changing);
}

obs_status obs__mem_object_new(obs__mem_object **out, obs__view key, obs__view entry, obs_buffer *body, int64_t modified_ns,
                               obs_error *error)
{
    obs__mem_object *object = obs__alloc(sizeof *object + key.size + entry.size);
    *out = object;
    if (!object)
        return obs__fail_memory(error);
    char *room = (char *)(object + 1);
    memcpy(room, key.data, key.size);
    memcpy(room + key.size, entry.data, entry.size);
    atomic_init(&object->holders, 1);
    object->body = obs_buffer_retain(body);
    object->modified_ns = modified_ns;
    object->key = (obs__view){room, key.size};
    object->entry = (obs__view){room + key.size, entry.size};
    return OBS_OK;
}

obs__mem_object *obs__mem_object_retain(obs__mem_object *object)
{
    if (object)
        atomic_fetch_add_explicit(&object->holders, 1, memory_order_relaxed);
    return object;
}

void obs__mem_object_free(obs__mem_object *object)
{
    if (!object || atomic_fetch_sub(&object->holders, 1) != 1)
        return;
    obs_buffer_free(object->body);
    obs__free(object);
}

obs__mem_shard *obs__mem_shard_of(uint32_t *hash, obs__mem_store *store, obs__view key)
{
    /* A multiplication spreads what the CRC leaves regular. */
    *hash = obs__crc32c(0, key.data, key.size) * 0x9E3779B1u;
    return &store->shards[*hash >> 26];
}

obs__mem_node *obs__mem_find(const obs__mem_shard *shard, uint32_t hash, obs__view key)
{
    if (!shard->bucket_count)
        return NULL;
    obs__mem_node *node = shard->buckets[hash & (shard->bucket_count - 1)];
    while (node && (node->hash != hash || !obs__view_equal(node->key, key)))
        node = node->next;
    return node;
}

static obs_status grow(obs__mem_shard *shard, obs_error *error)
{
    size_t count = shard->bucket_count ? shard->bucket_count * 2 : 16;
    obs__mem_node **buckets = obs__calloc(count, sizeof *buckets);
    if (!buckets)
        return obs__fail_memory(error);
    for (size_t i = 0; i < shard->bucket_count; i++)
        for (obs__mem_node *node = shard->buckets[i], *next; node; node = next) {
            next = node->next;
            node->next = buckets[node->hash & (count - 1)];
            buckets[node->hash & (count - 1)] = node;
        }
    obs__free(shard->buckets);
    shard->buckets = buckets;
    shard->bucket_count = count;
    return OBS_OK;
}

obs_status obs__mem_make(obs__mem_node **out, obs__mem_shard *shard, uint32_t hash, obs__view key, obs_error *error)
{
    *out = obs__mem_find(shard, hash, key);
    if (*out)
        return OBS_OK;
    obs_status status = shard->count >= shard->bucket_count ? grow(shard, error) : OBS_OK;
    if (status != OBS_OK)
        return status;
    obs__mem_node *node = obs__calloc(1, sizeof *node + key.size);
    if (!node)
        return obs__fail_memory(error);
    memcpy(node + 1, key.data, key.size);
    node->key = (obs__view){(const char *)(node + 1), key.size};
    node->hash = hash;
    node->next = shard->buckets[hash & (shard->bucket_count - 1)];
    shard->buckets[hash & (shard->bucket_count - 1)] = node;
    shard->count++;
    *out = node;
    return OBS_OK;
}

void obs__mem_tidy(obs__mem_shard *shard, obs__mem_node *node)
{
    if (node->current || node->changes)
        return;
    obs__mem_node **at = &shard->buckets[node->hash & (shard->bucket_count - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    shard->count--;
    obs__free(node);
}

static void free_shard(obs__mem_shard *shard)
{
    for (size_t i = 0; i < shard->bucket_count; i++)
        for (obs__mem_node *node = shard->buckets[i], *next; node; node = next) {
            next = node->next;
            obs__mem_object_free(node->current);
            obs__free(node);
        }
    obs__free(shard->buckets);
    pthread_rwlock_destroy(&shard->lock);
}

static void mem_free(obs__volume *volume)
{
    obs__mem_store *store = (obs__mem_store *)volume;
    pthread_mutex_lock(&all.mutex);
    for (obs__mem_store **at = &all.first; *at; at = &(*at)->next)
        if (*at == store) {
            *at = store->next;
            break;
        }
    pthread_mutex_unlock(&all.mutex);
    for (int i = 0; i < OBS__MEM_SHARDS; i++)
        free_shard(&store->shards[i]);
    obs__free(store->name);
    obs__free(store);
}

static obs_status new_store(obs__mem_store **out, const char *name, obs_error *error)
{
    obs__mem_store *store = obs__calloc(1, sizeof *store);
    *out = store;
    if (store)
        store->name = obs__strdup(name);
    if (!store || !store->name) {
        obs__free(store);
        return obs__fail_memory(error);
    }
    store->base.driver = &obs__store_mem;
    atomic_init(&store->base.holders, 1);
    for (int i = 0; i < OBS__MEM_SHARDS; i++)
        pthread_rwlock_init(&store->shards[i].lock, NULL);
    return OBS_OK;
}

/* One of that name; a count of 0 is being freed. */
static obs__mem_store *find_store(const char *name)
{
    for (obs__mem_store *store = all.first; store; store = store->next) {
        unsigned holders = atomic_load(&store->base.holders);
        if (strcmp(store->name, name) != 0)
            continue;
        while (holders && !atomic_compare_exchange_weak(&store->base.holders, &holders, holders + 1))
            continue;
        if (holders)
            return store;
    }
    return NULL;
}

static void before_fork(void)
{
    pthread_mutex_lock(&all.mutex);
    pthread_mutex_lock(&changing);
}

static void after_in_parent(void)
{
    pthread_mutex_unlock(&changing);
    pthread_mutex_unlock(&all.mutex);
}

/* A reader of the parent may have held a shard: its lock is made anew, since nobody will ever give it back here. */
static void after_in_child(void)
{
    for (obs__mem_store *store = all.first; store; store = store->next)
        for (int i = 0; i < OBS__MEM_SHARDS; i++)
            pthread_rwlock_init(&store->shards[i].lock, NULL);
    after_in_parent();
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_in_parent, after_in_child);
}

static obs_status mem_open(obs__volume **out, const char *path, obs__gate *gate, obs_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    obs_status status = OBS_OK;
    (void)gate;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&all.mutex);
    obs__mem_store *store = find_store(path);
    if (!store) {
        status = new_store(&store, path, error);
        if (status == OBS_OK) {
            store->next = all.first;
            all.first = store;
        }
    }
    pthread_mutex_unlock(&all.mutex);
    *out = status == OBS_OK ? &store->base : NULL;
    return status;
}

static obs_status mem_source(obs__source *out, obs__volume *volume, obs__view key, const obs__limit *limit, obs_error *error)
{
    uint32_t hash;
    obs__mem_shard *shard = obs__mem_shard_of(&hash, (obs__mem_store *)volume, key);
    (void)limit;
    pthread_rwlock_rdlock(&shard->lock);
    obs__mem_node *node = obs__mem_find(shard, hash, key);
    obs__mem_object *object = node ? obs__mem_object_retain(node->current) : NULL;
    pthread_rwlock_unlock(&shard->lock);
    if (!object)
        return obs__fail(error, OBS_NOT_FOUND, "there is no object '%.*s'", (int)key.size, key.data);
    obs__mem_source_set(out, volume, object);
    return OBS_OK;
}

static void body_init(obs__body *body, obs__volume *volume)
{
    memset(body, 0, sizeof *body);
    body->volume = volume;
    body->fd = -1;
    obs__digest_init(&body->digest);
    obs__builder_init(&body->small, BODY_LIMIT);
}

static obs_status body_add(obs__body *body, const void *data, size_t size, obs_error *error)
{
    obs_status status = obs__digest_add(&body->digest, data, size, error);
    obs__add(&body->small, data, size);
    return status == OBS_OK ? obs__builder_status(&body->small, error) : status;
}

static obs_status body_seal(obs__body *body, obs_error *error)
{
    body->modified_ns = obs__write_time();
    return obs__digest_end(&body->digest, error);
}

static void body_free(obs__body *body)
{
    obs__builder_free(&body->small);
    obs__digest_free(&body->digest);
}

const obs__store_driver obs__store_mem = {
    .features = 1u << OBS_STORE_CONDITIONAL | 1u << OBS_STORE_LABELS,
    .open = mem_open,
    .free = mem_free,
    .source = mem_source,
    .body_init = body_init,
    .body_add = body_add,
    .body_seal = body_seal,
    .body_free = body_free,
    .put = obs__mem_put,
    .remove = obs__mem_remove,
    .relabel = obs__mem_relabel,
    .describe = obs__mem_describe,
    .scan = obs__mem_scan,
};
