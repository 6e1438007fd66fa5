/* Making keys, and keeping private ones as text. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <string.h>

#include "auth/key_inside.h"
#include "base/base64.h"
#include "base/error.h"

static obs_status make_private(obs__key **out, EVP_PKEY *pkey, obs_error *error)
{
    obs_status status = obs__key_make(out, pkey, 1, error);
    if (status == OBS_OK)
        obs__key_name(*out, obs__key_thumbprint(*out));
    return status;
}

obs_status obs__key_generate(obs__key **out, obs__algorithm algorithm, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    *out = NULL;
    if (algorithm != OBS__EDDSA && algorithm != OBS__ES256)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "keys are made for EdDSA and ES256 only");
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    EVP_PKEY *pkey = algorithm == OBS__EDDSA ? EVP_PKEY_Q_keygen(crypto->context, NULL, "ED25519")
                                             : EVP_PKEY_Q_keygen(crypto->context, NULL, "EC", "P-256");
    if (!obs__crypto_leave())
        return make_private(out, pkey, error);
    EVP_PKEY_free(pkey);
    return obs__fail_memory(error);
}

/*
 * PKCS #8 of an Ed25519 key is these bytes and its seed (RFC 8410, section 7). It is written and read here, on the stack and
 * wiped: OpenSSL's encoders and decoders leave copies of the key in memory that they give back as it is.
 */
#define SEED_SIZE 32
static const unsigned char ed25519[] = {0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                        0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
#define ED25519_SIZE (sizeof ed25519 + SEED_SIZE)
static const char armor_begin[] = "-----BEGIN PRIVATE KEY-----\n", armor_end[] = "\n-----END PRIVATE KEY-----\n";

static obs_status write_ed25519(char **out, size_t *out_size, EVP_PKEY *pkey, obs_error *error)
{
    unsigned char plain[ED25519_SIZE];
    size_t size = SEED_SIZE, begin = sizeof armor_begin - 1, text = obs__base64_size(sizeof plain), end = sizeof armor_end - 1;
    memcpy(plain, ed25519, sizeof ed25519);
    char *pem = OPENSSL_malloc(begin + text + end);
    obs_status status = pem && EVP_PKEY_get_raw_private_key(pkey, plain + sizeof ed25519, &size) == 1 ? OBS_OK : OBS_INTERNAL;
    if (status == OBS_OK) {
        memcpy(pem, armor_begin, begin);
        obs__base64_encode(pem + begin, plain, sizeof plain);
        memcpy(pem + begin + text, armor_end, end);
        *out = pem;
        *out_size = begin + text + end;
    } else
        OPENSSL_free(pem);
    explicit_bzero(plain, sizeof plain);
    return status == OBS_OK ? status : obs__fail_memory(error);
}

/* NULL when the text is something else. */
static EVP_PKEY *read_ed25519(const char *pem, size_t size, const obs__crypto *crypto)
{
    unsigned char plain[ED25519_SIZE + 3];
    size_t plain_size = 0, begin = sizeof armor_begin - 1, text = obs__base64_size(ED25519_SIZE), end = sizeof armor_end - 1;
    EVP_PKEY *pkey = NULL;
    if (size == begin + text + end && memcmp(pem, armor_begin, begin) == 0 && memcmp(pem + begin + text, armor_end, end) == 0 &&
        obs__base64_decode(plain, &plain_size, pem + begin, text) && plain_size == ED25519_SIZE &&
        memcmp(plain, ed25519, sizeof ed25519) == 0)
        pkey = EVP_PKEY_new_raw_private_key_ex(crypto->context, "ED25519", NULL, plain + sizeof ed25519, SEED_SIZE);
    explicit_bzero(plain, sizeof plain);
    return pkey;
}

obs_status obs__key_to_pem(char **out, size_t *out_size, const obs__key *key, obs_error *error)
{
    unsigned char *text = NULL;
    *out = NULL;
    *out_size = 0;
    if (!key->is_private || !key->pkey)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the key has no private part to keep");
    if (key->kind == OBS__KEY_ED25519)
        return write_ed25519(out, out_size, key->pkey, error);
    obs__crypto_enter();
    OSSL_ENCODER_CTX *encoder = OSSL_ENCODER_CTX_new_for_pkey(key->pkey, EVP_PKEY_KEYPAIR, "PEM", "PrivateKeyInfo", NULL);
    int done = encoder && OSSL_ENCODER_to_data(encoder, &text, out_size);
    OSSL_ENCODER_CTX_free(encoder);
    obs__crypto_leave();
    if (!done)
        return obs__fail_memory(error);
    *out = (char *)text;
    return OBS_OK;
}

void obs__key_pem_free(char *pem, size_t size)
{
    OPENSSL_clear_free(pem, size);
}

/* Of any kind; NULL when the text is no key, or without memory. */
static EVP_PKEY *read_any(const char *pem, size_t size, const obs__crypto *crypto)
{
    const unsigned char *at = (const unsigned char *)pem;
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *decoder =
        OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", "PrivateKeyInfo", NULL, EVP_PKEY_KEYPAIR, crypto->context, NULL);
    if (decoder && !OSSL_DECODER_from_data(decoder, &at, &size)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_DECODER_CTX_free(decoder);
    return pkey;
}

obs_status obs__key_from_pem(obs__key **out, const char *pem, size_t size, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    *out = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    EVP_PKEY *pkey = read_ed25519(pem, size, crypto);
    if (!pkey)
        pkey = read_any(pem, size, crypto);
    int lacked = obs__crypto_leave();
    if (pkey && !lacked)
        return make_private(out, pkey, error);
    EVP_PKEY_free(pkey);
    return lacked ? obs__fail_memory(error)
                  : obs__fail(error, OBS_DATA_LOSS, "this is no private key in PEM (PKCS #8) without a password");
}
