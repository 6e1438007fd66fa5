/*
 * Keys that sign and verify: an EVP_PKEY with what may be done with it. Immutable and shared by any number of threads; a
 * private key lives in the EVP_PKEY only.
 */
#ifndef OBS_AUTH_KEY_H
#define OBS_AUTH_KEY_H

#include <openssl/evp.h>

#include "auth/algorithm.h"

#define OBS__KEY_BITS_LEAST 2048
#define OBS__KEY_BITS_MOST 8192
#define OBS__KEY_ID_SIZE 257      /* with NUL */
#define OBS__THUMBPRINT_SIZE 44   /* base64url of SHA-256, with NUL */
#define OBS__SIGNATURE_LIMIT 1024 /* the largest RSA key's */
#define OBS__KEY_PEM_LIMIT 16384

typedef struct obs__key obs__key;

/* Takes `pkey` over, also on failure. Weak and unknown ones are refused. Free with obs__key_free(). */
obs_status obs__key_from_pkey(obs__key **out, EVP_PKEY *pkey, obs_error *error);
/* A shared secret; only for published vectors and tests. */
obs_status obs__key_from_secret(obs__key **out, const void *secret, size_t size, obs_error *error);
/* A new private key for OBS__EDDSA (Ed25519) or OBS__ES256; its id is its thumbprint. */
obs_status obs__key_generate(obs__key **out, obs__algorithm algorithm, obs_error *error);
/* PKCS #8 in PEM. What it writes must be wiped: *out is freed with obs__key_pem_free(). */
obs_status obs__key_to_pem(char **out, size_t *out_size, const obs__key *key, obs_error *error);
void obs__key_pem_free(char *pem, size_t size);
/* The id is the thumbprint. The text is left to the caller to wipe and is never told. */
obs_status obs__key_from_pem(obs__key **out, const char *pem, size_t size, obs_error *error);
obs__key *obs__key_retain(obs__key *key);
void obs__key_free(obs__key *key);

obs__key_type obs__key_type_of(const obs__key *key);
int obs__key_is_private(const obs__key *key);
/* What the key may verify with; its type, and its `alg`, `use` and `key_ops` if it has them. */
unsigned obs__key_algorithms(const obs__key *key);
/* Before the key is shared: takes algorithms away, gives it an id. 0 when the id is too long. */
void obs__key_restrict(obs__key *key, unsigned algorithms);
int obs__key_name(obs__key *key, const char *id);
const char *obs__key_id(const obs__key *key); /* "" when it has none */
/* RFC 7638. */
const char *obs__key_thumbprint(const obs__key *key);
/* The members of RFC 7638 in their order, without braces: `"crv":"Ed25519","kty":"OKP","x":"…"`. */
void obs__key_members(obs__builder *out, const obs__key *key);

/* OBS_OK, or OBS_UNAUTHENTICATED. The algorithm must be one of the key's. ECDSA signatures are r and s, of fixed size. */
obs_status obs__key_verify(const obs__key *key, obs__algorithm algorithm, const void *data, size_t size, const void *signature,
                           size_t signature_size, obs_error *error);
/* *out_size receives how much was written. */
obs_status obs__key_sign(unsigned char out[OBS__SIGNATURE_LIMIT], size_t *out_size, const obs__key *key,
                         obs__algorithm algorithm, const void *data, size_t size, obs_error *error);

#endif
