/* Tokens against a policy and the keys of the moment. */
#include <string.h>

#include "auth/token_cache.h"
#include "base/brief.h"
#include "base/error.h"
#include "base/memory.h"

#define LEEWAY_MOST_NS (10 * 60 * INT64_C(1000000000))
#define LIFETIME_MOST_NS (366 * 24 * 3600 * INT64_C(1000000000))

struct obs__token_verifier {
    obs__token_policy policy; /* its texts are ours */
    obs__token_cache *cache;
    obs__brief lock; /* of keys and generation */
    obs__keys *_Atomic keys;
    atomic_uint_fast64_t generation; /* counts the sets of keys; 0: none yet */
};

static obs_status check_policy(const obs__token_policy *policy, obs_error *error)
{
    const char *why = NULL;
    if (!policy->issuer || !*policy->issuer)
        why = "names no issuer";
    else if (!policy->audience || !*policy->audience)
        why = "names no audience";
    else if (!policy->algorithms)
        why = "names no algorithm";
    else if (policy->algorithms & ~OBS__ALGORITHMS_PUBLIC)
        why = "accepts shared secrets, with which anybody who checks a token could make one";
    else if (policy->leeway_ns > LEEWAY_MOST_NS)
        why = "has a leeway of more than 10 minutes";
    else if (policy->lifetime_ns < 0 || policy->lifetime_ns > LIFETIME_MOST_NS)
        why = "accepts tokens for more than a year";
    return why ? obs__fail(error, OBS_INVALID_ARGUMENT, "a policy for tokens %s", why) : OBS_OK;
}

obs_status obs__token_verifier_new(obs__token_verifier **out, const obs__token_policy *policy, obs_error *error)
{
    *out = NULL;
    obs_status status = check_policy(policy, error);
    if (status != OBS_OK)
        return status;
    obs__token_verifier *verifier = obs__calloc(1, sizeof *verifier);
    if (!verifier)
        return obs__fail_memory(error);
    verifier->policy = *policy;
    verifier->policy.issuer = obs__strdup(policy->issuer);
    verifier->policy.audience = obs__strdup(policy->audience);
    verifier->policy.type = obs__strdup(policy->type);
    verifier->cache = obs__token_cache_new();
    if (!verifier->policy.issuer || !verifier->policy.audience || (policy->type && !verifier->policy.type) ||
        !verifier->cache) {
        obs__token_verifier_free(verifier);
        return obs__fail_memory(error);
    }
    *out = verifier;
    return OBS_OK;
}

void obs__token_verifier_free(obs__token_verifier *verifier)
{
    if (!verifier)
        return;
    obs__token_cache_free(verifier->cache);
    obs__keys_free(atomic_load(&verifier->keys));
    obs__free((char *)(uintptr_t)verifier->policy.type);
    obs__free((char *)(uintptr_t)verifier->policy.audience);
    obs__free((char *)(uintptr_t)verifier->policy.issuer);
    obs__free(verifier);
}

/* The keys of the moment, held for the caller, and their number; NULL when there are none yet. */
static obs__keys *take_keys(obs__token_verifier *verifier, uint64_t *generation)
{
    obs__brief_take(&verifier->lock);
    obs__keys *keys = atomic_load(&verifier->keys);
    if (keys)
        obs__keys_retain(keys);
    *generation = atomic_load(&verifier->generation);
    obs__brief_release(&verifier->lock);
    return keys;
}

obs_status obs__token_verifier_set(obs__token_verifier *verifier, obs__keys *keys, obs_error *error)
{
    uint64_t generation;
    for (size_t i = 0; i < obs__keys_count(keys); i++)
        if (obs__key_type_of(obs__keys_at(keys, i)) == OBS__KEY_SECRET)
            return obs__fail(error, OBS_INVALID_ARGUMENT, "shared secrets are no keys to verify tokens with");
    obs__keys *now = take_keys(verifier, &generation);
    int is_new = !now || !obs__keys_equal(now, keys);
    obs__keys_free(now);
    if (!is_new)
        return OBS_OK;
    obs__keys_retain(keys);
    obs__brief_take(&verifier->lock);
    atomic_fetch_add(&verifier->generation, 1); /* first, so that nobody puts the old keys' word under the new number */
    obs__keys *old = atomic_exchange(&verifier->keys, keys);
    obs__brief_release(&verifier->lock);
    obs__keys_free(old);
    return OBS_OK;
}

static obs_status verify(obs__claims **out, obs__token_verifier *verifier, const unsigned char *hash, const char *token,
                         size_t size, int64_t now_ns, obs_error *error)
{
    obs__jws *jws = NULL;
    uint64_t generation;
    obs__keys *keys = take_keys(verifier, &generation);
    if (!keys)
        return obs__fail(error, OBS_UNAVAILABLE, "the issuer's keys are not known yet: try again later");
    obs_status status = obs__jws_verify(&jws, keys, verifier->policy.algorithms, token, size, error);
    if (status == OBS_OK)
        status = obs__claims_read(out, jws, &verifier->policy, now_ns, error);
    if (status == OBS_OK)
        obs__token_cache_put(verifier->cache, hash, generation, *out, now_ns);
    obs__jws_free(jws);
    obs__keys_free(keys);
    return status;
}

obs_status obs__token_verifier_check(obs__claims **out, obs__token_verifier *verifier, const char *token, size_t size,
                                     int64_t now_ns, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    *out = NULL;
    size = size == OBS_TEXT ? strlen(token) : size;
    if (size > OBS__TOKEN_SIZE_LIMIT) /* before its hash costs time */
        return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: it is longer than 16 KiB");
    obs_status status = obs__sha256(hash, token, size, error);
    if (status != OBS_OK)
        return status;
    obs__claims *claims = obs__token_cache_find(verifier->cache, hash, atomic_load(&verifier->generation));
    if (!claims)
        return verify(out, verifier, hash, token, size, now_ns, error);
    status = obs__claims_check(claims, &verifier->policy, now_ns, error);
    if (status == OBS_OK)
        *out = claims;
    else
        obs__claims_release(claims);
    return status;
}

uint64_t obs__token_verifier_hits(const obs__token_verifier *verifier)
{
    return obs__token_cache_hits(verifier->cache);
}
