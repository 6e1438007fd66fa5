/* Opening stores, and the calls that read. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/driver.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/private.h"

#define CHANGED_TRIES 16

static const obs__driver file_driver = {.scheme = "file",
                                        .kind = OBS__DRIVER_DIRECT,
                                        .ops = &obs__store_file,
                                        .help = "a folder on a local disk: `file:store` in the workspace, `file:/data/night`"};
static const obs__driver mem_driver = {.scheme = "mem",
                                       .kind = OBS__DRIVER_DIRECT,
                                       .ops = &obs__store_mem,
                                       .help = "memory of this process, shared by name: `mem:scratch`"};
static const obs__driver *const driver_list[] = {&file_driver, &mem_driver};
static const obs__drivers drivers = {"store", driver_list, 2};

obs__volume *obs__volume_retain(obs__volume *volume)
{
    atomic_fetch_add(&volume->holders, 1);
    return volume;
}

void obs__volume_free(obs__volume *volume)
{
    if (volume && atomic_fetch_sub(&volume->holders, 1) == 1)
        volume->driver->free(volume);
}

void obs__options_take(void *to, size_t size, const void *from)
{
    size_t given = 0;
    memset(to, 0, size);
    if (from)
        memcpy(&given, from, sizeof given);
    memcpy(to, from ? from : to, given < size ? given : size);
}

static void init_options(void *options, size_t size)
{
    if (!options || size < sizeof size)
        return;
    memset(options, 0, size);
    memcpy(options, &size, sizeof size);
}

void obs_put_options_init(obs_put_options *options, size_t size)
{
    init_options(options, size);
}

void obs_get_options_init(obs_get_options *options, size_t size)
{
    init_options(options, size);
}

void obs_list_options_init(obs_list_options *options, size_t size)
{
    init_options(options, size);
}

void obs_change_options_init(obs_change_options *options, size_t size)
{
    init_options(options, size);
}

/* The texts lie behind the struct. */
static obs_store *new_store(const char *url, const char *const *immutable)
{
    size_t count = 0;
    size_t texts = strlen(url) + 1;
    for (; immutable && immutable[count]; count++)
        texts += strlen(immutable[count]) + 1;
    obs_store *store = obs__calloc(1, sizeof *store + (count + 1) * sizeof(char *) + texts);
    if (!store)
        return NULL;
    store->immutable = (char **)(store + 1);
    char *room = (char *)(store->immutable + count + 1);
    for (size_t i = 0; i < count; i++) {
        store->immutable[i] = room;
        room = stpcpy(room, immutable[i]) + 1;
    }
    store->url = room;
    stpcpy(room, url);
    atomic_init(&store->holders, 1);
    return store;
}

/* The volume of a URL. */
static obs_status open_volume(obs__volume **out, const char *text, obs__gate *gate, obs_error *error)
{
    obs__url *url = NULL;
    const obs__driver *driver = NULL;
    obs_status status = obs__url_parse(&url, text, OBS_TEXT, error);
    if (status == OBS_OK)
        status = obs__driver_find(&driver, &drivers, url, error);
    if (status == OBS_OK && (url->setting_count || *url->host || !*url->path))
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' should look like %s", text,
                           driver == &mem_driver ? "'mem:scratch'" : "'file:store' or 'file:/data/night'");
    if (status == OBS_OK)
        status = ((const obs__store_driver *)driver->ops)->open(out, url->path, gate, error);
    obs__url_free(url);
    return status;
}

obs_status obs__store_open(obs_store **out, obs__gate *gate, const obs__store_options *options, obs_error *error)
{
    *out = NULL;
    obs_store *store = new_store(options->url, options->immutable);
    if (!store)
        return obs__fail_memory(error);
    obs_status status = open_volume(&store->volume, options->url, gate, error);
    if (status != OBS_OK) {
        obs__free(store);
        return status;
    }
    store->driver = store->volume->driver;
    store->is_workspace = options->is_workspace;
    store->gate = gate->ops->retain(gate);
    *out = store;
    return OBS_OK;
}

obs_status obs__store_rebind(obs_store **out, const obs_store *store, obs__gate *gate, obs_error *error)
{
    const char *const *immutable = (const char *const *)store->immutable;
    const obs__store_options options = {store->url, immutable, store->is_workspace};
    *out = NULL;
    /* What orders the changes of a volume is one journal: another tenant opens its own. */
    if (gate->journal != store->gate->journal)
        return obs__store_open(out, gate, &options, error);
    obs_store *other = new_store(store->url, immutable);
    if (!other)
        return obs__fail_memory(error);
    other->volume = obs__volume_retain(store->volume);
    other->driver = store->driver;
    other->is_workspace = store->is_workspace;
    other->gate = gate->ops->retain(gate);
    *out = other;
    return OBS_OK;
}

obs_store *obs__store_retain(obs_store *store)
{
    atomic_fetch_add(&store->holders, 1);
    return store;
}

void obs_store_free(obs_store *store)
{
    if (!store || atomic_fetch_sub(&store->holders, 1) != 1)
        return;
    obs__volume_free(store->volume);
    store->gate->ops->free(store->gate);
    obs__free(store);
}

int obs_store_can(const obs_store *store, obs_store_feature feature)
{
    return store && feature > 0 && (int)feature < 32 && (store->driver->features >> feature & 1);
}

obs__view obs__source_etag(const obs__source *source)
{
    if (source->entry.size)
        return obs__entry_field(source->entry, "etag");
    return obs__view_of(source->changed_etag, OBS_TEXT);
}

obs_status obs__source_stat(obs_stat **out, obs__view key, const obs__source *source, obs_error *error)
{
    if (source->entry.size)
        return obs__stat_new(out, key, source->size, source->modified_ns, source->entry, error);
    return obs__stat_new_changed(out, key, source->size, source->modified_ns, source->changed_etag, error);
}

obs_status obs__condition_check(const obs__condition *condition, obs__view key, obs__view etag, obs_error *error)
{
    int size = (int)key.size;
    if (!etag.size && condition->must_exist)
        return obs__fail(error, OBS_NOT_FOUND, "there is no object '%.*s'", size, key.data);
    if (etag.size && condition->create_only)
        return obs__fail(error, OBS_ALREADY_EXISTS,
                         "'%.*s' exists already, and objects below its prefix can be made but not changed: use another key",
                         size, key.data);
    if (etag.size && condition->is_new)
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "'%.*s' exists already, and you may only make new objects there: that needs the scope storage.modify",
                         size, key.data);
    if (etag.size && condition->if_none_match && strcmp(condition->if_none_match, "*") == 0)
        return obs__fail(error, OBS_ALREADY_EXISTS, "'%.*s' exists already", size, key.data);
    if (etag.size && condition->if_none_match && obs__view_is(etag, condition->if_none_match))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%.*s' still has the entity tag %s", size, key.data,
                         condition->if_none_match);
    if (!condition->if_match)
        return OBS_OK;
    if (!etag.size)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "there is no object '%.*s' that could have the entity tag %s", size,
                         key.data, condition->if_match);
    if (strcmp(condition->if_match, "*") != 0 && !obs__view_is(etag, condition->if_match))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%.*s' was changed meanwhile: its entity tag is %.*s, not %s", size,
                         key.data, (int)etag.size, etag.data, condition->if_match);
    return OBS_OK;
}

obs_status obs__store_source(obs__source *out, obs_store *store, obs__view key, const obs_get_options *options,
                             const obs__limit *limit, obs_error *error)
{
    obs_status status = store->driver->source(out, store->volume, key, limit, error);
    if (status != OBS_OK || (!options->if_match && !options->if_none_match))
        return status;
    const obs__condition condition = {.if_match = options->if_match, .if_none_match = options->if_none_match};
    obs__view etag = obs__source_etag(out);
    if (options->if_none_match && strcmp(options->if_none_match, "*") == 0)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "if_none_match of a read is an entity tag");
    else
        status = obs__condition_check(&condition, key, etag, error);
    if (status != OBS_OK)
        out->ops->close(out);
    return status;
}

obs_status obs__range_clip(uint64_t *length, const obs_get_options *options, obs__view key, obs_error *error)
{
    uint64_t size = *length;
    if (!options->offset && !options->length)
        return OBS_OK;
    if (options->offset > size || (options->offset == size && size))
        return obs__fail(error, OBS_OUT_OF_RANGE, "'%.*s' has %llu bytes: it has none at %llu", (int)key.size, key.data,
                         (unsigned long long)size, (unsigned long long)options->offset);
    *length -= options->offset;
    if (options->length && options->length < *length)
        *length = options->length;
    return OBS_OK;
}

/* The bytes of an opened object. */
static obs_status read_buffer(obs_buffer **out, obs__source *source, const obs_get_options *options, const obs__limit *limit,
                              obs_error *error)
{
    uint64_t length = source->size;
    char *data = NULL;
    obs_status status = obs__range_clip(&length, options, source->key, error);
    if (status != OBS_OK)
        return status;
    if (source->ops->whole && length == source->size) {
        *out = source->ops->whole(source);
        return OBS_OK;
    }
    if (length > SIZE_MAX / 2)
        return obs__fail_memory(error);
    status = obs__buffer_new(out, &data, (size_t)length, error);
    if (status == OBS_OK)
        status = source->ops->read(source, options->offset, data, (size_t)length, limit, error);
    if (status != OBS_OK) {
        obs_buffer_free(*out);
        *out = NULL;
    }
    return status;
}

/* Opens and reads; again when another tool changed the file under our hands. */
static obs_status get(obs_buffer **out, obs_store *store, obs__view key, const obs_get_options *options,
                      const obs__limit *limit, obs_error *error)
{
    obs__source source;
    obs_status status = OBS_ABORTED;
    for (int tries = 0; tries < CHANGED_TRIES && status == OBS_ABORTED; tries++) {
        status = obs__store_source(&source, store, key, options, limit, error);
        if (status != OBS_OK)
            return status;
        status = read_buffer(out, &source, options, limit, error);
        source.ops->close(&source);
    }
    return status;
}

obs_status obs_store_get(obs_buffer **out, obs_store *store, const char *key, size_t key_size, const obs_get_options *options,
                         obs_error *error)
{
    obs_get_options given;
    obs__scope scope;
    obs__view view;
    if (!out || !store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and store are required");
    *out = NULL;
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.get", view.data, view.size, given.call, error);
    if (status != OBS_OK)
        return status;
    status = get(out, store, view, &given, &scope.limit, error);
    scope.bytes = obs_buffer_size(*out);
    return obs__gate_leave(&scope, status, error);
}

/* As get(), into memory of the caller. */
static obs_status get_into(size_t *out_size, obs_store *store, obs__view key, void *data, size_t capacity,
                           const obs_get_options *options, const obs__limit *limit, obs_error *error)
{
    obs__source source;
    uint64_t length = 0;
    obs_status status = OBS_ABORTED;
    for (int tries = 0; tries < CHANGED_TRIES && status == OBS_ABORTED; tries++) {
        status = obs__store_source(&source, store, key, options, limit, error);
        if (status != OBS_OK)
            return status;
        length = source.size;
        status = obs__range_clip(&length, options, key, error);
        *out_size = status == OBS_OK ? (size_t)length : 0;
        if (status == OBS_OK && length > capacity)
            status = obs__fail(error, OBS_OUT_OF_RANGE, "%llu bytes do not fit into %zu", (unsigned long long)length, capacity);
        else if (status == OBS_OK)
            status = source.ops->read(&source, options->offset, data, (size_t)length, limit, error);
        source.ops->close(&source);
    }
    return status;
}

obs_status obs_store_get_into(size_t *out_size, obs_store *store, const char *key, size_t key_size, void *data, size_t capacity,
                              const obs_get_options *options, obs_error *error)
{
    obs_get_options given;
    obs__scope scope;
    obs__view view;
    size_t size = 0;
    if (out_size)
        *out_size = 0;
    if (!store || (!data && capacity))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store and data are required");
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.get", view.data, view.size, given.call, error);
    if (status != OBS_OK)
        return status;
    status = get_into(&size, store, view, data, capacity, &given, &scope.limit, error);
    scope.bytes = status == OBS_OK ? size : 0;
    if (out_size)
        *out_size = size;
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_store_head(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                          obs_error *error)
{
    obs__source source;
    obs__scope scope;
    obs__view view;
    if (!out || !store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and store are required");
    *out = NULL;
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.head", view.data, view.size, call, error);
    if (status != OBS_OK)
        return status;
    status = store->driver->source(&source, store->volume, view, &scope.limit, error);
    if (status == OBS_OK) {
        status = obs__source_stat(out, view, &source, error);
        source.ops->close(&source);
    }
    return obs__gate_leave(&scope, status, error);
}

void obs_stat_free(obs_stat *stat)
{
    obs__free(stat);
}
