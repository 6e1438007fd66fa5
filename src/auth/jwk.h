/*
 * JSON Web Keys (RFC 7517, 7518, 8037): reading one or a set, writing the public part. For signatures only.
 *
 * A set is what an issuer publishes. Keys in it that cannot verify a signature here (another use, an unknown type, too weak)
 * are passed over, as the standard says, and counted; a set that shows that something is wrong (a private or secret key, two
 * keys of one name, a member twice) is refused whole.
 */
#ifndef OBS_AUTH_JWK_H
#define OBS_AUTH_JWK_H

#include <jansson.h>

#include "auth/key.h"

#define OBS__JWK_SIZE_LIMIT ((size_t)16 << 10)
#define OBS__JWKS_SIZE_LIMIT ((size_t)64 << 10)
#define OBS__JWKS_COUNT_LIMIT 100

typedef enum obs__jwk_flag {
    OBS__JWK_SECRET = 1 /* shared secrets (`oct`) are keys, too: only for published vectors and tests */
} obs__jwk_flag;

/* One public key. OBS_INVALID_ARGUMENT says what is wrong with it; never repeats a value. Free with obs__key_free(). */
obs_status obs__jwk_parse(obs__key **out, const char *text, size_t size, int flags, obs_error *error);
obs_status obs__jwk_from_json(obs__key **out, const json_t *json, int flags, obs_error *error);
/* The public key with kid, use and alg, as one object. */
void obs__jwk_add(obs__builder *out, const obs__key *key);

/* A set of keys, immutable and shared. */
typedef struct obs__keys obs__keys;

obs_status obs__keys_parse(obs__keys **out, const char *text, size_t size, int flags, obs_error *error);
/* A set of these keys, which it holds, too. Two of one name are refused. */
obs_status obs__keys_make(obs__keys **out, obs__key *const *keys, size_t count, obs_error *error);
obs__keys *obs__keys_retain(obs__keys *keys);
void obs__keys_free(obs__keys *keys);
size_t obs__keys_count(const obs__keys *keys);
const obs__key *obs__keys_at(const obs__keys *keys, size_t index);
/* How many keys of the text were passed over. */
size_t obs__keys_ignored(const obs__keys *keys);
/* Whether both have the same keys with the same names and rights. */
int obs__keys_equal(const obs__keys *a, const obs__keys *b);
/* The key that a token means: by its id; a token without one means the only key that can do the algorithm. NULL with the error
 * set when there is none, or more than one. */
const obs__key *obs__keys_find(const obs__keys *keys, obs__view id, obs__algorithm algorithm, obs_error *error);
/* `{"keys":[…]}`, public parts only. */
void obs__keys_add(obs__builder *out, const obs__keys *keys);

#endif
