/* Sets of keys. */
#include <stdatomic.h>
#include <string.h>

#include "auth/jwk.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#define DEPTH_MOST 8

struct obs__keys {
    atomic_uint holders;
    size_t count;
    size_t ignored;
    obs__key *list[];
};

static obs_status keys_new(obs__keys **out, size_t most, obs_error *error)
{
    *out = NULL;
    if (most > OBS__JWKS_COUNT_LIMIT)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a set of keys may have at most %d", OBS__JWKS_COUNT_LIMIT);
    obs__keys *keys = obs__calloc(1, sizeof *keys + most * sizeof *keys->list);
    if (!keys)
        return obs__fail_memory(error);
    atomic_init(&keys->holders, 1);
    *out = keys;
    return OBS_OK;
}

obs__keys *obs__keys_retain(obs__keys *keys)
{
    atomic_fetch_add(&keys->holders, 1);
    return keys;
}

void obs__keys_free(obs__keys *keys)
{
    if (!keys || atomic_fetch_sub(&keys->holders, 1) != 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        obs__key_free(keys->list[i]);
    obs__free(keys);
}

/* Takes the key over when it fits to the others. */
static obs_status add(obs__keys *keys, obs__key *key, obs_error *error)
{
    for (size_t i = 0; i < keys->count; i++) {
        const obs__key *other = keys->list[i];
        if (*obs__key_id(key) && strcmp(obs__key_id(key), obs__key_id(other)) == 0)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "a set of keys is refused: two keys have the same 'kid'");
        if ((obs__key_type_of(key) == OBS__KEY_SECRET) != (obs__key_type_of(other) == OBS__KEY_SECRET))
            return obs__fail(error, OBS_INVALID_ARGUMENT, "a set of keys is refused: it mixes public keys and shared secrets");
    }
    keys->list[keys->count++] = key;
    return OBS_OK;
}

obs_status obs__keys_make(obs__keys **out, obs__key *const *keys, size_t count, obs_error *error)
{
    obs_status status = keys_new(out, count, error);
    for (size_t i = 0; i < count && status == OBS_OK; i++)
        if ((status = add(*out, keys[i], error)) == OBS_OK)
            obs__key_retain(keys[i]);
    if (status != OBS_OK) {
        obs__keys_free(*out);
        *out = NULL;
    }
    return status;
}

/* The name of a key that is meant for signatures; a key for encryption may have the same one. */
static const char *name_of(const json_t *json)
{
    const char *use = json_string_value(json_object_get(json, "use"));
    return use && strcmp(use, "sig") != 0 ? NULL : json_string_value(json_object_get(json, "kid"));
}

/* Also among keys that are passed over: an issuer that gives a name twice cannot be understood. */
static obs_status check_names(const json_t *list, obs_error *error)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t j = 0; j < i; j++) {
            const char *a = name_of(json_array_get(list, i)), *b = name_of(json_array_get(list, j));
            if (a && b && strcmp(a, b) == 0)
                return obs__fail(error, OBS_INVALID_ARGUMENT, "a set of keys is refused: two keys have the same 'kid'");
        }
    return OBS_OK;
}

static obs_status read_list(obs__keys *keys, const json_t *list, int flags, obs_error *error)
{
    obs_status status = check_names(list, error);
    for (size_t i = 0; i < json_array_size(list) && status == OBS_OK; i++) {
        obs__key *key = NULL;
        status = obs__jwk_from_json(&key, json_array_get(list, i), flags, error);
        if (status == OBS_INVALID_ARGUMENT) {
            keys->ignored++;
            status = OBS_OK;
        } else if (status == OBS_OK && (status = add(keys, key, error)) != OBS_OK) {
            obs__key_free(key);
        }
    }
    return status;
}

obs_status obs__keys_parse(obs__keys **out, const char *text, size_t size, int flags, obs_error *error)
{
    json_t *json = NULL;
    const json_t *list = NULL;
    obs__json_options options = {.size_limit = OBS__JWKS_SIZE_LIMIT, .depth_limit = DEPTH_MOST};
    *out = NULL;
    obs_status status = obs__json_load(&json, text, size == OBS_TEXT ? strlen(text) : size, &options, error);
    if (status == OBS_OK && !json_is_object(json))
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "a set of keys is an object with a list 'keys'");
    if (status == OBS_OK)
        status = obs__json_get_list(&list, json, "keys", 1, error);
    if (status == OBS_OK)
        status = keys_new(out, json_array_size(list), error);
    if (status == OBS_OK)
        status = read_list(*out, list, flags, error);
    json_decref(json);
    if (status != OBS_OK) {
        obs__keys_free(*out);
        *out = NULL;
    }
    return status;
}

size_t obs__keys_count(const obs__keys *keys)
{
    return keys->count;
}

const obs__key *obs__keys_at(const obs__keys *keys, size_t index)
{
    return keys->list[index];
}

size_t obs__keys_ignored(const obs__keys *keys)
{
    return keys->ignored;
}

static int has(const obs__keys *keys, const obs__key *key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(obs__key_thumbprint(keys->list[i]), obs__key_thumbprint(key)) == 0 &&
            strcmp(obs__key_id(keys->list[i]), obs__key_id(key)) == 0 &&
            obs__key_algorithms(keys->list[i]) == obs__key_algorithms(key))
            return obs__key_type_of(key) != OBS__KEY_SECRET; /* secrets have no thumbprint to tell them apart */
    return 0;
}

int obs__keys_equal(const obs__keys *a, const obs__keys *b)
{
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (!has(a, b->list[i]) || !has(b, a->list[i]))
            return 0;
    return 1;
}

const obs__key *obs__keys_find(const obs__keys *keys, obs__view id, obs__algorithm algorithm, obs_error *error)
{
    const obs__key *found = NULL;
    int known = 0;
    for (size_t i = 0; i < keys->count; i++) {
        const obs__key *key = keys->list[i];
        if (id.size && !obs__view_is(id, obs__key_id(key)))
            continue;
        known = 1;
        if (!(obs__key_algorithms(key) & algorithm))
            continue;
        if (found) {
            obs__fail(error, OBS_UNAUTHENTICATED, "the token does not say which of several keys signed it");
            return NULL;
        }
        found = key;
    }
    if (!found)
        obs__fail(error, OBS_UNAUTHENTICATED,
                  known ? "the key that signed the token is not for this algorithm"
                        : "the key that signed the token is not known here");
    return found;
}

void obs__keys_add(obs__builder *out, const obs__keys *keys)
{
    obs__add_text(out, "{\"keys\":[");
    for (size_t i = 0; i < keys->count; i++) {
        if (i)
            obs__add_char(out, ',');
        obs__jwk_add(out, keys->list[i]);
    }
    obs__add_text(out, "]}");
}
