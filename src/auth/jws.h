/*
 * JSON Web Signatures in compact serialization (RFC 7515), and nothing else of JOSE: `header.payload.signature`.
 *
 * Whoever verifies names the algorithms and brings the keys. Of the header only alg, kid and typ count; keys and addresses of
 * keys in it (jwk, jku, x5c, x5u) are never looked at, `crit` and `b64` are refused. OBS_UNAUTHENTICATED says why a token is
 * refused without repeating any of it.
 */
#ifndef OBS_AUTH_JWS_H
#define OBS_AUTH_JWS_H

#include "auth/jwk.h"

#define OBS__TOKEN_SIZE_LIMIT ((size_t)16 << 10)
#define OBS__TOKEN_HEADER_LIMIT ((size_t)4 << 10) /* decoded */

typedef struct obs__jws {
    obs__algorithm algorithm;
    const obs__key *key; /* borrowed from the set */
    obs__view id;        /* kid; empty when there is none */
    obs__view type;      /* typ; empty when there is none */
    obs__view payload;
} obs__jws;

/* `algorithms` is a set of obs__algorithm that must not be empty. Free with obs__jws_free(); its views end with it. */
obs_status obs__jws_verify(obs__jws **out, const obs__keys *keys, unsigned algorithms, const char *token, size_t size,
                           obs_error *error);
void obs__jws_free(obs__jws *jws);

/* Appends a token; type NULL: none. The header has the key's id, if it has one. */
obs_status obs__jws_sign(obs__builder *out, const obs__key *key, obs__algorithm algorithm, const char *type, obs__view payload,
                         obs_error *error);

#endif
