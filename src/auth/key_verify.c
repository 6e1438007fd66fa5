/* Checking and making signatures. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <string.h>

#include "auth/key_inside.h"
#include "base/error.h"
#include "base/memory.h"

#define COORDINATE_MOST 66
#define DER_MOST (2 * (COORDINATE_MOST + 3) + 3)

void obs__key_work_free(obs__key_work *work)
{
    if (!work)
        return;
    EVP_PKEY_CTX_free(work->verifier);
    EVP_MD_CTX_free(work->digest);
    obs__free(work);
}

static obs__key_work *take(obs__key *key)
{
    for (size_t i = 0; i < OBS__KEY_SLOTS; i++) {
        obs__key_work *work = atomic_load_explicit(&key->slots[i], memory_order_relaxed);
        if (work && (work = atomic_exchange(&key->slots[i], NULL)) != NULL)
            return work;
    }
    obs__key_work *work = obs__calloc(1, sizeof *work);
    if (work && (work->digest = EVP_MD_CTX_new()) != NULL)
        return work;
    obs__free(work);
    return NULL;
}

static void give_back(obs__key *key, obs__key_work *work)
{
    for (size_t i = 0; i < OBS__KEY_SLOTS; i++) {
        obs__key_work *none = NULL;
        if (!atomic_load_explicit(&key->slots[i], memory_order_relaxed) &&
            atomic_compare_exchange_strong(&key->slots[i], &none, work))
            return;
    }
    obs__key_work_free(work);
}

/* RSA-PSS: MGF1 with the same hash, and a salt exactly as long as it (RFC 7518, section 3.5). */
static int set_padding(EVP_PKEY_CTX *context, const obs__algorithm_row *row, const EVP_MD *digest)
{
    if (row->kinds != OBS__KEY_RSA)
        return 1;
    if (!row->is_pss)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)row->hash_bits / 8) > 0;
}

/* A context that is ready for this algorithm, and stays so. */
static int prepare(obs__key_work *work, const obs__key *key, const obs__algorithm_row *row, const obs__crypto *crypto)
{
    const EVP_MD *digest = obs__algorithm_digest(row, crypto);
    if (work->verifier && work->algorithm == row->algorithm)
        return 1;
    EVP_PKEY_CTX_free(work->verifier);
    work->algorithm = row->algorithm;
    work->verifier = EVP_PKEY_CTX_new_from_pkey(crypto->context, key->pkey, NULL);
    if (work->verifier && EVP_PKEY_verify_init(work->verifier) > 0 && set_padding(work->verifier, row, digest) &&
        EVP_PKEY_CTX_set_signature_md(work->verifier, digest) > 0)
        return 1;
    EVP_PKEY_CTX_free(work->verifier);
    work->verifier = NULL;
    return 0;
}

/* An unsigned number as INTEGER of DER; returns what is behind it. */
static unsigned char *add_integer(unsigned char *out, const unsigned char *number, size_t size)
{
    for (; size > 1 && *number == 0; size--)
        number++;
    *out++ = 2;
    *out++ = (unsigned char)(size + (*number >> 7));
    if (*number >> 7)
        *out++ = 0;
    memcpy(out, number, size);
    return out + size;
}

/* From r and s of fixed size, which is what tokens carry, to the DER that EVP wants. Returns its size. */
static size_t to_der(unsigned char out[DER_MOST], const unsigned char *signature, size_t size)
{
    unsigned char body[DER_MOST];
    unsigned char *end = add_integer(add_integer(body, signature, size / 2), signature + size / 2, size / 2);
    size_t body_size = (size_t)(end - body), at = 0;
    out[at++] = 0x30;
    if (body_size > 127)
        out[at++] = 0x81;
    out[at++] = (unsigned char)body_size;
    memcpy(out + at, body, body_size);
    return at + body_size;
}

/* INTEGER of DER as a number of fixed size; 0 when it is none. */
static int read_integer(unsigned char *out, size_t size, const unsigned char **at, const unsigned char *end)
{
    if (end - *at < 2 || (*at)[0] != 2 || (*at)[1] > end - *at - 2)
        return 0;
    size_t length = (*at)[1];
    const unsigned char *number = *at + 2;
    *at = number + length;
    for (; length && *number == 0; length--)
        number++;
    if (length > size)
        return 0;
    memset(out, 0, size - length);
    memcpy(out + size - length, number, length);
    return 1;
}

static int from_der(unsigned char *out, size_t size, const unsigned char *der, size_t der_size)
{
    const unsigned char *at = der + (der_size > 2 && der[1] == 0x81 ? 3 : 2), *end = der + der_size;
    return der_size > 2 && read_integer(out, size / 2, &at, end) && read_integer(out + size / 2, size / 2, &at, end) &&
           at == end;
}

/* 1, 0, or -1 when there was no memory. */
static int check_hashed(obs__key_work *work, const obs__key *key, const obs__algorithm_row *row, const obs__crypto *crypto,
                        const void *data, size_t size, const unsigned char *signature)
{
    unsigned char hash[EVP_MAX_MD_SIZE], der[DER_MOST];
    size_t signature_size = key->signature_size;
    if (!prepare(work, key, row, crypto) || !EVP_DigestInit_ex2(work->digest, obs__algorithm_digest(row, crypto), NULL) ||
        !EVP_DigestUpdate(work->digest, data, size) || !EVP_DigestFinal_ex(work->digest, hash, NULL))
        return -1;
    if (key->kind != OBS__KEY_RSA) {
        signature_size = to_der(der, signature, signature_size);
        signature = der;
    }
    return EVP_PKEY_verify(work->verifier, signature, signature_size, hash, row->hash_bits / 8) == 1;
}

static int check_whole(obs__key_work *work, const obs__key *key, const obs__crypto *crypto, const void *data, size_t size,
                       const unsigned char *signature)
{
    if (EVP_DigestVerifyInit_ex(work->digest, NULL, NULL, crypto->context, NULL, key->pkey, NULL) <= 0)
        return -1;
    return EVP_DigestVerify(work->digest, signature, key->signature_size, data, size) == 1;
}

/* The code that the secret gives for the data; 0 without memory. */
static int authenticate(unsigned char out[EVP_MAX_MD_SIZE], const obs__key *key, const obs__algorithm_row *row,
                        const obs__crypto *crypto, const void *data, size_t size)
{
    char name[16];
    size_t written = 0, length = strlen(EVP_MD_get0_name(obs__algorithm_digest(row, crypto)));
    memcpy(name, EVP_MD_get0_name(obs__algorithm_digest(row, crypto)), length + 1);
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(crypto->hmac);
    int done = context && EVP_MAC_init(context, key->secret, key->secret_size, parameters) &&
               EVP_MAC_update(context, data, size) && EVP_MAC_final(context, out, &written, EVP_MAX_MD_SIZE);
    EVP_MAC_CTX_free(context);
    return done;
}

static int check(obs__key *key, const obs__algorithm_row *row, const obs__crypto *crypto, const void *data, size_t size,
                 const unsigned char *signature)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    if (key->kind == OBS__KEY_SECRET)
        return authenticate(code, key, row, crypto, data, size) ? CRYPTO_memcmp(code, signature, row->hash_bits / 8) == 0 : -1;
    obs__key_work *work = take(key);
    if (!work)
        return -1;
    obs__crypto_enter();
    int right = row->hash_bits ? check_hashed(work, key, row, crypto, data, size, signature)
                               : check_whole(work, key, crypto, data, size, signature);
    if (obs__crypto_leave() && !right)
        right = -1;
    give_back(key, work);
    return right;
}

obs_status obs__key_verify(const obs__key *key, obs__algorithm algorithm, const void *data, size_t size, const void *signature,
                           size_t signature_size, obs_error *error)
{
    const obs__algorithm_row *row = obs__algorithm_row_of(algorithm);
    const obs__crypto *crypto = NULL;
    if (!row || !(key->algorithms & algorithm))
        return obs__fail(error, OBS_UNAUTHENTICATED, "the key is not for this algorithm");
    if (signature_size != (key->signature_size ? key->signature_size : row->hash_bits / 8))
        return obs__fail(error, OBS_UNAUTHENTICATED, "the signature has a wrong length");
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    /* Only the contexts change, and each belongs to one call at a time. */
    int right = check((obs__key *)(uintptr_t)key, row, crypto, data, size, signature);
    return right > 0    ? OBS_OK
           : right == 0 ? obs__fail(error, OBS_UNAUTHENTICATED, "the signature is wrong")
                        : obs__fail_memory(error);
}

static int sign(unsigned char *out, size_t *out_size, const obs__key *key, const obs__algorithm_row *row,
                const obs__crypto *crypto, const void *data, size_t size)
{
    const EVP_MD *digest = obs__algorithm_digest(row, crypto);
    EVP_PKEY_CTX *inside = NULL; /* belongs to the context */
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *out_size = OBS__SIGNATURE_LIMIT;
    int done = context &&
               EVP_DigestSignInit_ex(context, &inside, digest ? EVP_MD_get0_name(digest) : NULL, crypto->context, NULL,
                                     key->pkey, NULL) > 0 &&
               set_padding(inside, row, digest) && EVP_DigestSign(context, out, out_size, data, size) > 0;
    EVP_MD_CTX_free(context);
    return done;
}

obs_status obs__key_sign(unsigned char out[OBS__SIGNATURE_LIMIT], size_t *out_size, const obs__key *key,
                         obs__algorithm algorithm, const void *data, size_t size, obs_error *error)
{
    unsigned char der[OBS__SIGNATURE_LIMIT];
    const obs__algorithm_row *row = obs__algorithm_row_of(algorithm);
    const obs__crypto *crypto = NULL;
    *out_size = 0;
    if (!row || !(key->algorithms & algorithm) || !key->is_private)
        return obs__fail(error, OBS_FAILED_PRECONDITION, "the key cannot sign with this algorithm");
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    int is_ec = (key->kind & (OBS__KEY_P256 | OBS__KEY_P384 | OBS__KEY_P521)) != 0;
    obs__crypto_enter();
    int done = sign(is_ec ? der : out, out_size, key, row, crypto, data, size);
    if (done && is_ec) {
        done = from_der(out, key->signature_size, der, *out_size);
        *out_size = key->signature_size;
    }
    int lacked = obs__crypto_leave();
    return done     ? OBS_OK
           : lacked ? obs__fail_memory(error)
                    : obs__fail(error, OBS_INTERNAL, "OpenSSL could not make a signature");
}
