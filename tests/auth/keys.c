#include "auth/keys.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "auth/key_inside.h"
#include "base/base64.h"
#include "support.h"

static EVP_PKEY *generate(obs__algorithm algorithm)
{
    static EVP_PKEY *rsa;
    const obs__crypto *crypto = NULL;
    ck_assert_int_eq(obs__crypto_get(&crypto, NULL), OBS_OK);
    if (algorithm == OBS__EDDSA)
        return EVP_PKEY_Q_keygen(crypto->context, NULL, "ED25519");
    if (algorithm & (OBS__ES256 | OBS__ES384 | OBS__ES512))
        return EVP_PKEY_Q_keygen(crypto->context, NULL, "EC",
                                 algorithm == OBS__ES256   ? "P-256"
                                 : algorithm == OBS__ES384 ? "P-384"
                                                           : "P-521");
    if (!rsa)
        rsa = EVP_PKEY_Q_keygen(crypto->context, NULL, "RSA", (size_t)2048);
    EVP_PKEY_up_ref(rsa);
    return rsa;
}

obs__key *test_key(obs__algorithm algorithm, const char *id)
{
    obs__key *key = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    ck_assert_ok(obs__key_make(&key, generate(algorithm), 1, &error));
    ck_assert(obs__key_name(key, id ? id : obs__key_thumbprint(key)));
    return key;
}

obs__keys *test_keys(obs__key *const *keys, size_t count)
{
    obs__builder text;
    obs__keys *set = NULL, *published = NULL;
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs__builder_init(&text, OBS__JWKS_SIZE_LIMIT);
    ck_assert_ok(obs__keys_make(&set, keys, count, &error));
    obs__keys_add(&text, set);
    ck_assert_ok(obs__keys_parse(&published, text.data, text.size, 0, &error));
    ck_assert_uint_eq(obs__keys_count(published), count);
    obs__keys_free(set);
    obs__builder_free(&text);
    return published;
}

char *test_token(const obs__key *key, obs__algorithm algorithm, const char *header, const char *payload)
{
    unsigned char signature[OBS__SIGNATURE_LIMIT];
    size_t size;
    obs_error error;
    obs__builder token;
    obs_error_init(&error, sizeof error);
    obs__builder_init(&token, 1 << 20);
    obs__add_base64url(&token, header, strlen(header));
    obs__add_char(&token, '.');
    obs__add_base64url(&token, payload, strlen(payload));
    ck_assert_ok(obs__key_sign(signature, &size, key, algorithm, token.data, token.size, &error));
    obs__add_char(&token, '.');
    obs__add_base64url(&token, signature, size);
    char *text = strdup(token.data);
    obs__builder_free(&token);
    return text;
}
