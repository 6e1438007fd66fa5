/* Configuration from an object of any store. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "client/config_source.h"
#include "store/store.h"

#define NEAR_MS 3000 /* a store on this machine costs nothing to ask */

struct object {
    obs_store *store;
    char *key;
};

/* The time that is left, for a call of the store. */
static obs_call call_within(const obs__limit *limit)
{
    obs_call call;
    obs_call_init(&call, sizeof call);
    int left = obs__limit_left_ms(limit, 3600000);
    call.timeout_ms = left > 0 ? left : 1;
    call.cancel = limit->cancel;
    return call;
}

static obs_status read_object(struct object *object, const obs_stat *stat, const obs_call *call, obs__config_answer *out,
                              obs_error *error)
{
    obs_get_options options;
    obs_get_options_init(&options, sizeof options);
    options.call = call;
    options.if_match = stat->etag; /* the bytes of this very version */
    if (stat->size > OBS__CONFIG_DOCUMENT_MAX)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "'%s' is larger than the limit of %zu bytes", object->key,
                         OBS__CONFIG_DOCUMENT_MAX);
    out->found = OBS__CONFIG_DOCUMENT;
    out->changed_ns = stat->modified_ns;
    snprintf(out->etag, sizeof out->etag, "%s", stat->etag);
    return obs_store_get(&out->bytes, object->store, object->key, OBS_TEXT, &options, error);
}

static obs_status object_fetch(void *user, const char *known, obs__config_answer *out, const obs__limit *limit,
                               obs_error *error)
{
    struct object *object = user;
    obs_call call = call_within(limit);
    obs_stat *stat = NULL;
    *out = (obs__config_answer){.found = OBS__CONFIG_SAME};
    obs_status status = obs_store_head(&stat, object->store, object->key, OBS_TEXT, &call, error);
    if (status == OBS_NOT_FOUND) {
        out->found = OBS__CONFIG_ABSENT;
        return OBS_OK;
    }
    if (status == OBS_OK && strcmp(stat->etag, known) != 0)
        status = read_object(object, stat, &call, out, error);
    obs_stat_free(stat);
    return status;
}

static obs_status object_put(void *user, const char *if_match, obs__view bytes, char etag[OBS__CONFIG_ETAG_SIZE],
                             const obs__limit *limit, obs_error *error)
{
    struct object *object = user;
    obs_call call = call_within(limit);
    obs_stat *stat = NULL;
    obs_put_options options;
    obs_put_options_init(&options, sizeof options);
    options.call = &call;
    options.content_type = "application/yaml";
    options.if_match = *if_match ? if_match : NULL;
    options.if_none_match = *if_match ? NULL : "*";
    obs_status status = obs_store_put(&stat, object->store, object->key, OBS_TEXT, bytes.data, bytes.size, &options, error);
    if (status == OBS_FAILED_PRECONDITION || status == OBS_ALREADY_EXISTS)
        return obs__fail(error, OBS_ABORTED, "'%s' was changed by somebody else in the meantime: look at it and try again",
                         object->key);
    if (status == OBS_OK)
        snprintf(etag, OBS__CONFIG_ETAG_SIZE, "%s", stat->etag);
    obs_stat_free(stat);
    return status;
}

static void object_free(void *user)
{
    struct object *object = user;
    obs_store_free(object->store);
    obs__free(object->key);
    obs__free(object);
}

obs_status obs__config_store_source(obs__config_source *out, const char *store, const char *key, obs__gate *gate,
                                    obs_error *error)
{
    static const obs__config_source_ops ops = {object_fetch, object_put, object_free};
    obs__store_options options = {.url = store};
    struct object *object = obs__calloc(1, sizeof *object);
    if (!object || !(object->key = obs__strdup(key))) {
        obs__free(object);
        return obs__fail_memory(error);
    }
    obs_status status = obs__store_open(&object->store, gate, &options, error);
    if (status != OBS_OK) {
        object_free(object);
        return status;
    }
    out->ops = &ops;
    out->user = object;
    out->kind = OBS__CONFIG_REMOTE;
    if (strncmp(store, "file:", 5) == 0 || strncmp(store, "mem:", 4) == 0)
        out->interval_ms = NEAR_MS;
    return OBS_OK;
}
