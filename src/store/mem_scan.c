/* Listing memory: the smallest keys after a place, a batch at a time. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/mem.h"
#include "store/select.h"

static obs_status read_object(obs__source *source, uint64_t offset, void *data, size_t size, const obs__limit *limit,
                              obs_error *error)
{
    const obs__mem_object *object = source->object;
    (void)limit, (void)error;
    if (size)
        memcpy(data, (const char *)obs_buffer_data(object->body) + offset, size);
    return OBS_OK;
}

static obs_buffer *whole_object(obs__source *source)
{
    return obs_buffer_retain(((obs__mem_object *)source->object)->body);
}

static void close_object(obs__source *source)
{
    obs__mem_object_free(source->object);
}

void obs__mem_source_set(obs__source *out, obs__volume *volume, obs__mem_object *object)
{
    static const obs__source_ops ops = {read_object, whole_object, close_object};
    out->ops = &ops;
    out->volume = volume;
    out->key = object->key;
    out->size = obs_buffer_size(object->body);
    out->modified_ns = object->modified_ns;
    out->entry = object->entry;
    out->former = (obs__view){"", 0};
    out->object = object;
    out->fd = -1;
    out->sidecar = NULL;
}

/* All keys of a shard with the prefix and after the place. */
static void add_shard(obs__select *batch, obs__mem_shard *shard, obs__view prefix, obs__view after)
{
    pthread_rwlock_rdlock(&shard->lock);
    for (size_t i = 0; i < shard->bucket_count; i++)
        for (const obs__mem_node *node = shard->buckets[i]; node; node = node->next)
            if (node->current && obs__starts_with(node->key, prefix) && obs__compare(node->key, after) > 0 &&
                obs__select_wants(batch, node->current->key))
                obs__select_add(batch, node->current->key, obs__mem_object_retain(node->current));
    pthread_rwlock_unlock(&shard->lock);
}

static void drop_object(void *item)
{
    obs__mem_object_free(item);
}

/* Up to where the listing has come. */
typedef struct obs__mem_place {
    char text[OBS_KEY_MAX + 1];
    size_t size;
} obs__mem_place;

static void set_place(obs__mem_place *place, obs__view key)
{
    memcpy(place->text, key.data, key.size);
    place->size = key.size;
}

static obs__view view_of_place(const obs__mem_place *place)
{
    return (obs__view){place->text, place->size};
}

static obs_status emit(obs__scan *scan, obs__volume *volume, obs__mem_object *object, obs__mem_place *place, int *done,
                       obs_error *error)
{
    obs__source source;
    size_t from = scan->prefix.size;
    const char *slash = scan->group ? memchr(object->key.data + from, '/', object->key.size - from) : NULL;
    if (slash) {
        obs__view group = {object->key.data, (size_t)(slash - object->key.data) + 1};
        set_place(place, group);
        place->text[place->size++] = '\xFF'; /* after all keys of the group: none contains this byte */
        /* A group that is itself not after the place was given before. */
        return obs__compare(group, scan->after) > 0 ? scan->group_found(scan, group, done, error) : OBS_OK;
    }
    set_place(place, object->key);
    obs__mem_source_set(&source, volume, object);
    return scan->object(scan, object->key, &source, done, error);
}

static obs_status emit_batch(obs__select *batch, obs__scan *scan, obs__volume *volume, obs__mem_place *place, int *done,
                             obs_error *error)
{
    obs_status status = OBS_OK;
    obs__select_sort(batch);
    for (size_t i = 0; i < batch->count && status == OBS_OK && !*done; i++)
        if (obs__compare(batch->items[i].key, view_of_place(place)) > 0)
            status = emit(scan, volume, batch->items[i].item, place, done, error);
    return status;
}

obs_status obs__mem_scan(obs__volume *volume, obs__scan *scan, obs_error *error)
{
    obs__mem_store *store = (obs__mem_store *)volume;
    obs__mem_place place = {.size = 0};
    int done = 0;
    obs_status status = OBS_OK;
    obs__select *batch = obs__alloc(sizeof *batch);
    if (!batch)
        return obs__fail_memory(error);
    set_place(&place, scan->after);
    obs__select_init(batch, drop_object);
    do {
        obs__select_clear(batch);
        for (int i = 0; i < OBS__MEM_SHARDS; i++)
            add_shard(batch, &store->shards[i], scan->prefix, view_of_place(&place));
        status = emit_batch(batch, scan, volume, &place, &done, error);
        if (status == OBS_OK)
            status = obs__limit_check(scan->time, error);
    } while (status == OBS_OK && !done && batch->more);
    obs__select_clear(batch);
    obs__free(batch);
    return status;
}
