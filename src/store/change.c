/* The calls that change, each a list of effects and one commit. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/head.h"
#include "store/private.h"

#define PIECE_SIZE ((size_t)1 << 20)
#define MADE_FROM_MAX 256

static int is_immutable(const obs_store *store, obs__view key)
{
    for (char **prefix = store->immutable; *prefix; prefix++)
        if (obs__starts_with(key, obs__view_of(*prefix, OBS_TEXT)))
            return 1;
    return 0;
}

static obs__about about_of(const obs_put_options *options)
{
    return (obs__about){options->content_type, options->metadata, options->metadata_count, options->labels,
                        options->label_count};
}

obs_status obs__change_check(const obs_store *store, const obs_put_options *options, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs__about about = about_of(options);
    (void)store;
    if (options->if_none_match && strcmp(options->if_none_match, "*") != 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "if_none_match of a write is `*`");
    if (options->sha256 && (strlen(options->sha256) != 2 * sizeof hash || !obs__unhex(hash, sizeof hash, options->sha256)))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a SHA-256 has 64 hexadecimal digits");
    if (options->made_from_count > MADE_FROM_MAX || (options->made_from_count && !options->made_from))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "an object is made from up to %d others", MADE_FROM_MAX);
    return obs__about_check(&about, error);
}

obs_status obs__body_fill(obs__body *body, const void *data, size_t size, const obs__limit *limit, obs_error *error)
{
    const char *at = data;
    obs_status status = obs__limit_check(limit, error);
    while (size && status == OBS_OK) {
        size_t piece = size < PIECE_SIZE ? size : PIECE_SIZE;
        status = body->volume->driver->body_add(body, at, piece, error);
        at += piece;
        size -= piece;
        if (size && status == OBS_OK)
            status = obs__limit_check(limit, error);
    }
    return status;
}

obs_status obs__change_check_digest(const obs_put_options *options, const obs__digest *digest, obs_error *error)
{
    unsigned char wanted[OBS__SHA256_SIZE];
    if (options->sha256 && obs__unhex(wanted, sizeof wanted, options->sha256) &&
        memcmp(wanted, digest->hash, sizeof wanted) != 0)
        return obs__fail(error, OBS_DATA_LOSS,
                         "the bytes do not have the SHA-256 that was given: they were damaged on the way");
    return OBS_OK;
}

/* Seals the body and writes the lines about it. */
static obs_status describe(obs__builder *entry, obs__body *body, const obs_put_options *options, obs_error *error)
{
    char etag[OBS__ETAG_SIZE];
    obs__about about = about_of(options);
    obs_status status = body->volume->driver->body_seal(body, error);
    if (status == OBS_OK)
        status = obs__change_check_digest(options, &body->digest, error);
    if (status != OBS_OK)
        return status;
    status = obs__etag_new(etag, body->digest.hash, error);
    return status == OBS_OK ? obs__entry_write(entry, etag, &body->digest, &about, error) : status;
}

obs_status obs__change_tell(obs__effects *effects, obs_store *store, obs__scope *scope, const obs__digest *digest,
                            int64_t time_ns, obs__view head, const obs_put_options *options, obs_error *error)
{
    char hash[2 * OBS__SHA256_SIZE + 1];
    if (!store->is_workspace)
        return OBS_OK;
    obs__hex(hash, digest->hash, OBS__SHA256_SIZE);
    const obs__entry entry = {.kind = "object",
                              .key = scope->object,
                              .type = options->content_type ? options->content_type : "",
                              .size = digest->size,
                              .sha256 = hash,
                              .time_ns = time_ns,
                              .labels = options->labels,
                              .label_count = options->label_count,
                              .values = options->values,
                              .made_from = options->made_from,
                              .made_from_count = options->made_from_count,
                              .head = options->no_index ? (obs__view){"", 0} : head};
    return store->gate->ops->entry(scope, &entry, effects, error);
}

static obs_status tell_of_body(obs__effects *effects, obs_store *store, obs__scope *scope, obs__body *body,
                               const obs_put_options *options, obs_error *error)
{
    obs__head head = {.bytes = {"", 0}};
    if (store->is_workspace && !options->no_index)
        obs__head_of_body(&head, body);
    obs_status status = obs__change_tell(effects, store, scope, &body->digest, body->modified_ns, head.bytes, options, error);
    obs__head_free(&head);
    return status;
}

obs_status obs__change_stage(obs__effects *effects, obs_store *store, obs__scope *scope, obs__body *body,
                             const obs_put_options *options, obs__builder *entry, obs_error *error)
{
    obs__effect *effect = NULL;
    obs__effects told = {0};
    obs_status status = describe(entry, body, options, error);
    if (status != OBS_OK)
        return status;
    const obs__draft draft = {.key = scope->object,
                              .condition = {.if_match = options->if_match,
                                            .if_none_match = options->if_none_match,
                                            .create_only = is_immutable(store, scope->object),
                                            .is_new = scope->create_only},
                              .body = body,
                              .entry = {entry->data, entry->size}};
    /* First the catalog, which looks into the bytes: the driver takes them over. */
    status = tell_of_body(&told, store, scope, body, options, error);
    if (status == OBS_OK)
        status = store->driver->put(&effect, store->volume, &draft, error);
    if (status == OBS_OK) {
        obs__effects_add(effects, effect);
        obs__effects_move(effects, &told);
        scope->bytes = body->digest.size;
    }
    obs__effects_free(&told);
    return status;
}

obs_status obs__change_stat(obs_stat **out, obs__view key, const obs__body *body, const obs__builder *entry, obs_error *error)
{
    if (!out)
        return OBS_OK;
    return obs__stat_new(out, key, body->digest.size, body->modified_ns, (obs__view){entry->data, entry->size}, error);
}

/* Collects the bytes of one put and adds its effects. */
static obs_status stage(obs__effects *effects, obs_store *store, obs__scope *scope, obs__body *body, obs__builder *entry,
                        const void *data, size_t size, const obs_put_options *options, obs_error *error)
{
    obs_status status = obs__change_check(store, options, error);
    if (status == OBS_OK)
        status = obs__body_fill(body, data, size, &scope->limit, error);
    return status == OBS_OK ? obs__change_stage(effects, store, scope, body, options, entry, error) : status;
}

obs_status obs__store_stage_put(obs__effects *effects, obs_store *store, obs__scope *scope, const void *data, size_t size,
                                const obs_put_options *options, obs_error *error)
{
    obs_put_options given;
    obs__body body;
    obs__builder entry;
    obs__view key;
    obs_status status = obs__key_check(&key, scope->object.data, scope->object.size, error);
    if (status == OBS_OK && !data && size)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "data is required");
    if (status != OBS_OK)
        return status;
    obs__options_take(&given, sizeof given, options);
    obs__builder_init(&entry, 0);
    store->driver->body_init(&body, store->volume);
    status = stage(effects, store, scope, &body, &entry, data, size, &given, error);
    store->driver->body_free(&body);
    obs__builder_free(&entry);
    return status;
}

/* Between enter and leave of a put. */
static obs_status put(obs_stat **out, obs_store *store, obs__scope *scope, const void *data, size_t size,
                      const obs_put_options *options, obs_error *error)
{
    obs__effects effects = {0};
    obs__body body;
    obs__builder entry;
    obs__builder_init(&entry, 0);
    store->driver->body_init(&body, store->volume);
    obs_status status = stage(&effects, store, scope, &body, &entry, data, size, options, error);
    /* The answer is made before the commit: afterwards nothing may fail any more. */
    if (status == OBS_OK)
        status = obs__change_stat(out, scope->object, &body, &entry, error);
    if (status == OBS_OK)
        status = obs__gate_commit(scope, &effects, error);
    else
        obs__effects_free(&effects);
    if (status != OBS_OK && out) {
        obs_stat_free(*out);
        *out = NULL;
    }
    store->driver->body_free(&body);
    obs__builder_free(&entry);
    return status;
}

obs_status obs_store_put(obs_stat **out, obs_store *store, const char *key, size_t key_size, const void *data, size_t size,
                         const obs_put_options *options, obs_error *error)
{
    obs_put_options given;
    obs__scope scope;
    obs__view view;
    if (out)
        *out = NULL;
    if (!store || (!data && size))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store and data are required");
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__CHANGE, "store.put", view.data, view.size, given.call, error);
    if (status != OBS_OK)
        return status;
    status = put(out, store, &scope, data, size, &given, error);
    return obs__gate_leave(&scope, status, error);
}

obs_status obs__store_stage_delete(obs__effects *effects, obs_store *store, obs__scope *scope,
                                   const obs_change_options *options, obs_error *error)
{
    obs_change_options given;
    obs__effect *effect = NULL;
    obs__view key;
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&key, scope->object.data, scope->object.size, error);
    if (status != OBS_OK)
        return status;
    if (is_immutable(store, key))
        return obs__fail(error, OBS_FAILED_PRECONDITION,
                         "'%.*s' lies below an immutable prefix: its objects are kept as they were made", (int)key.size,
                         key.data);
    const obs__condition condition = {.if_match = given.if_match, .must_exist = 1};
    status = store->driver->remove(&effect, store->volume, key, &condition, error);
    if (status != OBS_OK)
        return status;
    obs__effects_add(effects, effect);
    return store->is_workspace ? store->gate->ops->forget(scope, key, effects, error) : OBS_OK;
}

obs_status obs_store_delete(obs_store *store, const char *key, size_t key_size, const obs_change_options *options,
                            obs_error *error)
{
    obs_change_options given;
    obs__effects effects = {0};
    obs__scope scope;
    obs__view view;
    if (!store)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "store is required");
    obs__options_take(&given, sizeof given, options);
    obs_status status = obs__key_check(&view, key, key_size, error);
    if (status != OBS_OK)
        return status;
    status = obs__gate_enter(&scope, store->gate, OBS__CHANGE, "store.delete", view.data, view.size, given.call, error);
    if (status != OBS_OK)
        return status;
    do {
        status = obs__store_stage_delete(&effects, store, &scope, options, error);
        if (status == OBS_OK)
            status = obs__gate_commit(&scope, &effects, error);
        else
            obs__effects_free(&effects);
    } while (obs__gate_spare(&scope, status));
    return obs__gate_leave(&scope, status, error);
}

obs_status obs__store_stage_labels(obs__effects *effects, obs_store *store, obs__view key, const obs_pair *labels, size_t count,
                                   obs_error *error)
{
    obs__effect *effect = NULL;
    obs_status status = obs__key_check(&key, key.data, key.size, error);
    if (status == OBS_OK)
        status = obs__pairs_check(labels, count, "label", error);
    if (status == OBS_OK)
        status = store->driver->relabel(&effect, store->volume, key, labels, count, error);
    if (status == OBS_OK)
        obs__effects_add(effects, effect);
    return status;
}
