/* Copies, and taking over what another tool wrote: both read an object whole, checked, and describe it anew. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/head.h"
#include "store/private.h"

#define PIECE_SIZE OBS__BLOCK_SIZE

/* Passes all bytes of a source on: to a body, or to a digest alone. */
static obs_status pump(obs__source *source, obs__body *body, obs__digest *digest, const obs__limit *limit, obs_error *error)
{
    size_t room_size = source->size < PIECE_SIZE ? (size_t)source->size : PIECE_SIZE;
    char *room = obs__alloc(room_size);
    obs_status status = room ? OBS_OK : obs__fail_memory(error);
    for (uint64_t at = 0; status == OBS_OK && at < source->size; at += room_size) {
        size_t piece = source->size - at < room_size ? (size_t)(source->size - at) : room_size;
        status = source->ops->read(source, at, room, piece, limit, error);
        if (status == OBS_OK && body)
            status = obs__body_fill(body, room, piece, limit, error);
        else if (status == OBS_OK)
            status = obs__digest_add(digest, room, piece, error);
        if (status == OBS_OK)
            status = obs__limit_check(limit, error);
    }
    obs__free(room);
    return status;
}

/* The options of a put that makes the same object again. */
static obs_put_options options_of(const obs_stat *stat)
{
    return (obs_put_options){.size = sizeof(obs_put_options),
                             .content_type = stat->content_type,
                             .metadata = stat->metadata,
                             .metadata_count = stat->metadata_count,
                             .labels = stat->labels,
                             .label_count = stat->label_count};
}

/* Collects body and effects of a copy. */
static obs_status stage_copy(obs__effects *effects, obs_stat **out, obs_store *store, obs__scope *scope, obs__source *source,
                             const obs_change_options *options, obs_error *error)
{
    obs_stat *from = NULL;
    obs__body body;
    obs__builder entry;
    obs__builder_init(&entry, 0);
    store->driver->body_init(&body, store->volume);
    obs_status status = obs__source_stat(&from, source->key, source, error);
    if (status == OBS_OK)
        status = pump(source, &body, NULL, &scope->limit, error);
    if (status == OBS_OK) {
        obs_put_options put = options_of(from);
        put.if_match = options->if_match;
        put.if_none_match = options->if_none_match;
        status = obs__change_check(store, &put, error);
        if (status == OBS_OK)
            status = obs__change_stage(effects, store, scope, &body, &put, &entry, error);
    }
    if (status == OBS_OK)
        status = obs__change_stat(out, scope->object, &body, &entry, error);
    obs_stat_free(from);
    obs__builder_free(&entry);
    store->driver->body_free(&body);
    return status;
}

/* Commits, and gives the answer up when that fails. */
static obs_status commit(obs_stat **out, obs__scope *scope, obs__effects *effects, obs_status status, obs_error *error)
{
    if (status == OBS_OK)
        status = obs__gate_commit(scope, effects, error);
    else
        obs__effects_free(effects);
    if (status != OBS_OK && out) {
        obs_stat_free(*out);
        *out = NULL;
    }
    return status;
}

/* Reading the source is a call of its own: it may be allowed where writing the target is not, and the other way round. */
static obs_status open_from(obs__source *out, obs_store *store, obs__view from, const obs_call *call, obs_error *error)
{
    obs__scope scope;
    obs_status status = obs__gate_enter(&scope, store->gate, OBS__READ, "store.get", from.data, from.size, call, error);
    if (status != OBS_OK)
        return status;
    status = store->driver->source(out, store->volume, from, &scope.limit, error);
    scope.bytes = status == OBS_OK ? out->size : 0;
    return obs__gate_leave(&scope, status, error);
}

obs_status obs_store_copy(obs_stat **out, obs_store *store, const char *from, size_t from_size, const char *to, size_t to_size,
                          const obs_change_options *options, obs_error *error)
{
    obs_change_options given;
    obs__effects effects = {0};
    obs__source source;
    obs__scope scope;
    obs__view from_key;
    obs__view to_key;
    if (out)
        *out = NULL;
    if (!store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store is required");
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&from_key, from, from_size, error);
    if (status == OBS_OK)
        status = obs__key_check(&to_key, to, to_size, error);
    if (status == OBS_OK)
        status = open_from(&source, store, from_key, given.call, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__CHANGE, "store.copy", to_key.data, to_key.size, given.call, error);
    if (status == OBS_OK) {
        status = stage_copy(&effects, out, store, &scope, &source, &given, error);
        status = obs__gate_leave(&scope, commit(out, &scope, &effects, status, error), error);
    }
    source.ops->close(&source);
    return status;
}

/* What is told about an adopted object: by the caller, else what was known before. */
static obs_status adopt_options(obs_put_options *out, obs_stat **before, obs__source *source, const obs_put_options *options,
                                obs_error *error)
{
    obs__options_take(out, sizeof *out, options);
    *before = NULL;
    if (options)
        return OBS_OK;
    obs__view entry = source->entry.size ? source->entry : source->former;
    obs_status status = obs__stat_new(before, source->key, source->size, source->modified_ns, entry, error);
    if (status == OBS_OK)
        *out = options_of(*before);
    return status;
}

/* The lines about bytes as they are now. A damaged object is read as if it had been changed: that is what adopting means. */
static obs_status describe(obs__builder *entry, obs__digest *digest, obs__source *source, const obs_put_options *options,
                           const obs__limit *limit, obs_error *error)
{
    char etag[OBS__ETAG_SIZE];
    obs__about about = {options->content_type, options->metadata, options->metadata_count, options->labels,
                        options->label_count};
    obs__view known = source->entry;
    source->entry = (obs__view){"", 0};
    obs_status status = pump(source, NULL, digest, limit, error);
    source->entry = known;
    if (status == OBS_OK)
        status = obs__digest_end(digest, error);
    if (status == OBS_OK)
        status = obs__change_check_digest(options, digest, error);
    if (status == OBS_OK)
        status = obs__etag_new(etag, digest->hash, error);
    return status == OBS_OK ? obs__entry_write(entry, etag, digest, &about, error) : status;
}

static obs_status stage_adopt(obs__effects *effects, obs_stat **out, obs_store *store, obs__scope *scope, obs__source *source,
                              const obs_put_options *options, obs_error *error)
{
    obs_stat *before = NULL;
    obs_put_options given;
    obs__effect *effect = NULL;
    obs__digest digest;
    obs__builder entry;
    obs__head head = {.bytes = {"", 0}};
    obs__digest_init(&digest);
    obs__builder_init(&entry, 0);
    obs_status status = adopt_options(&given, &before, source, options, error);
    if (status == OBS_OK)
        status = obs__change_check(store, &given, error);
    if (status == OBS_OK)
        status = describe(&entry, &digest, source, &given, &scope->limit, error);
    obs__view lines = {entry.data, entry.size};
    if (status == OBS_OK)
        status = store->driver->describe(&effect, store->volume, scope->object, source, lines, error);
    if (status == OBS_OK) {
        obs__effects_add(effects, effect);
        scope->bytes = source->size;
        if (store->is_workspace && !given.no_index)
            obs__head_of_source(&head, source, &scope->limit);
        status = obs__change_tell(effects, store, scope, &digest, source->modified_ns, head.bytes, &given, error);
        obs__head_free(&head);
    }
    if (status == OBS_OK && out)
        status = obs__stat_new(out, scope->object, source->size, source->modified_ns, lines, error);
    obs_stat_free(before);
    obs__builder_free(&entry);
    obs__digest_free(&digest);
    return status;
}

obs_status obs_store_adopt(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options,
                           obs_error *error)
{
    obs_put_options given;
    obs__effects effects = {0};
    obs__source source;
    obs__scope scope;
    obs__view view;
    if (out)
        *out = NULL;
    if (!store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store is required");
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__CHANGE, "store.adopt", view.data, view.size, given.call, error);
    if (status != OBS_OK)
        return status;
    status = store->driver->source(&source, store->volume, view, &scope.limit, error);
    if (status == OBS_OK) {
        status = stage_adopt(&effects, out, store, &scope, &source, options, error);
        status = commit(out, &scope, &effects, status, error);
        source.ops->close(&source);
    }
    return obs__gate_leave(&scope, status, error);
}
