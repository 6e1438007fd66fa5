#include "auth/revoked.h"

#include <stdatomic.h>
#include <string.h>

#include "auth/identity.h"
#include "auth/issuer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#define S INT64_C(1000000000)
#define MANY 1000                                  /* from here on old entries go */
#define OLD_S (OBS__ISSUED_LIFETIME_MOST_S + 3600) /* no token is left that such an entry can mean */
#define ID_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

struct obs__revoked {
    atomic_uint holders;
    json_t *json;
    const json_t *tokens; /* borrowed from it */
    const json_t *subjects;
};

static obs_status check_times(const json_t *entries, const char *name, obs_error *error)
{
    const char *key;
    json_t *time;
    if (!json_is_object(entries))
        return obs__fail(error, OBS_DATA_LOSS, "the list of revoked tokens is damaged: '%s' is no object", name);
    json_object_foreach((json_t *)entries, key, time)
    {
        if (!json_is_integer(time))
            return obs__fail(error, OBS_DATA_LOSS, "the list of revoked tokens is damaged: a time is no number");
    }
    return OBS_OK;
}

obs_status obs__revoked_read(obs__revoked **out, const char *text, size_t size, obs_error *error)
{
    const obs__json_options options = {.size_limit = OBS__REVOKED_SIZE_LIMIT, .name = "revoked.json"};
    obs__revoked *revoked = *out = obs__calloc(1, sizeof *revoked);
    if (!revoked)
        return obs__fail_memory(error);
    atomic_init(&revoked->holders, 1);
    obs_status status = obs__json_load(&revoked->json, text, size, &options, error);
    if (status == OBS_OK) {
        revoked->tokens = json_object_get(revoked->json, "tokens");
        revoked->subjects = json_object_get(revoked->json, "subjects");
        status = check_times(revoked->tokens, "tokens", error);
    }
    if (status == OBS_OK)
        status = check_times(revoked->subjects, "subjects", error);
    if (status == OBS_OK)
        return status;
    obs__revoked_free(revoked);
    *out = NULL;
    return status;
}

obs__revoked *obs__revoked_retain(obs__revoked *revoked)
{
    if (revoked)
        atomic_fetch_add(&revoked->holders, 1);
    return revoked;
}

void obs__revoked_free(obs__revoked *revoked)
{
    if (!revoked || atomic_fetch_sub(&revoked->holders, 1) != 1)
        return;
    json_decref(revoked->json);
    obs__free(revoked);
}

int obs__revoked_has(const obs__revoked *revoked, const obs__claims *claims)
{
    if (!revoked)
        return 0;
    const json_t *since = json_object_get(revoked->subjects, claims->subject);
    return json_object_get(revoked->tokens, claims->id) != NULL ||
           (since && claims->issued_ns / S <= json_integer_value(since));
}

/* ---- One more. ---- */

static obs_status check_entry(const char *id, const char *subject, obs_error *error)
{
    if (!id == !subject)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "either the id of a token or a subject is revoked");
    if (subject)
        return obs__auth_check_subject(subject, error);
    if (strlen(id) == OBS__ISSUED_ID_SIZE - 1 && strspn(id, ID_LETTERS) == OBS__ISSUED_ID_SIZE - 1)
        return OBS_OK;
    return obs__fail(error, OBS_INVALID_ARGUMENT,
                     "the id of a token has %d letters: 'obsctl audit query --action token.issue' lists those that were issued",
                     OBS__ISSUED_ID_SIZE - 1);
}

static json_t *copy_young(const json_t *entries, int64_t oldest)
{
    const char *key;
    json_t *time, *copy = json_object();
    json_object_foreach((json_t *)entries, key, time)
    {
        if (json_integer_value(time) >= oldest && json_object_set(copy, key, time) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

obs_status obs__revoked_add(obs_buffer **out, const obs__revoked *before, const char *id, const char *subject, int64_t now_ns,
                            obs_error *error)
{
    *out = NULL;
    obs_status status = check_entry(id, subject, error);
    if (status != OBS_OK)
        return status;
    size_t count = before ? json_object_size(before->tokens) + json_object_size(before->subjects) : 0;
    int64_t oldest = count < MANY ? INT64_MIN : now_ns / S - OLD_S;
    json_t *tokens = copy_young(before ? before->tokens : NULL, oldest);
    json_t *subjects = copy_young(before ? before->subjects : NULL, oldest);
    json_t *whole = json_pack("{s:o,s:o}", "tokens", tokens, "subjects", subjects); /* takes both over, also when it fails */
    if (!whole || json_object_set_new(id ? tokens : subjects, id ? id : subject, json_integer(now_ns / S)) != 0)
        status = obs__fail_memory(error);
    else if (json_object_size(tokens) + json_object_size(subjects) > OBS__REVOKED_COUNT_LIMIT)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                           "more than %d entries were revoked within a day: revoke subjects instead of single tokens",
                           OBS__REVOKED_COUNT_LIMIT);
    else
        status = obs__json_dump(out, whole, 1, OBS__REVOKED_SIZE_LIMIT, error);
    json_decref(whole);
    return status;
}
