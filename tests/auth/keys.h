/* Keys and tokens for the tests of auth, made as they run. */
#ifndef OBS_TESTS_AUTH_KEYS_H
#define OBS_TESTS_AUTH_KEYS_H

#include "auth/jws.h"

/* A new private key for an algorithm, named `id` (NULL: its thumbprint). RSA keys are made once. Free with obs__key_free(). */
obs__key *test_key(obs__algorithm algorithm, const char *id);
/* The public parts of some keys, as an issuer publishes them. */
obs__keys *test_keys(obs__key *const *keys, size_t count);
/* `header.payload.signature` of any header and payload; free with free(). */
char *test_token(const obs__key *key, obs__algorithm algorithm, const char *header, const char *payload);

#endif
