#include "base/hash.h"

#include <isa-l/crc.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/random.h>

#include "base/crypto.h"
#include "base/error.h"
#include "base/memory.h"

#define BLOCK_SIZE 64 /* of SHA-256 */

struct obs__sha256_stream {
    EVP_MD_CTX *context;
};

/* With a digest that is there nothing but memory can be missing. OpenSSL's own queue of errors is the program's. */
static obs_status failed(obs_error *error)
{
    return obs__fail_memory(error);
}

obs_status obs__sha256(unsigned char out[OBS__SHA256_SIZE], const void *data, size_t size, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && EVP_DigestInit_ex2(context, crypto->sha256, NULL) && EVP_DigestUpdate(context, data, size) &&
               EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
    obs__crypto_leave();
    return done ? OBS_OK : obs__fail_memory(error);
}

static int add(EVP_MD_CTX *context, const unsigned char *data, size_t size)
{
    return !size || EVP_DigestUpdate(context, data, size);
}

/* SHA-256 of a block of the key and the message. */
static int hash_keyed(EVP_MD_CTX *context, const EVP_MD *sha256, const unsigned char block[BLOCK_SIZE], unsigned char mask,
                      const void *data, size_t size, unsigned char out[OBS__SHA256_SIZE])
{
    unsigned char masked[BLOCK_SIZE];
    for (size_t i = 0; i < sizeof masked; i++)
        masked[i] = block[i] ^ mask;
    int done = EVP_DigestInit_ex2(context, sha256, NULL) && add(context, masked, sizeof masked) && add(context, data, size) &&
               EVP_DigestFinal_ex(context, out, NULL);
    OPENSSL_cleanse(masked, sizeof masked);
    return done;
}

/* RFC 2104 on EVP's SHA-256. EVP_MAC looks the digest up by its name for each key, which takes longer than the hashing: each
 * audit record has three keys of its own. */
static int hmac(EVP_MD_CTX *context, const EVP_MD *sha256, const void *key, size_t key_size, const void *data, size_t size,
                unsigned char out[OBS__SHA256_SIZE])
{
    unsigned char block[BLOCK_SIZE] = {0}, inner[OBS__SHA256_SIZE];
    int done = 1;
    if (key_size > sizeof block)
        done = EVP_DigestInit_ex2(context, sha256, NULL) && add(context, key, key_size) &&
               EVP_DigestFinal_ex(context, block, NULL);
    else if (key_size)
        memcpy(block, key, key_size);
    done = done && hash_keyed(context, sha256, block, 0x36, data, size, inner) &&
           hash_keyed(context, sha256, block, 0x5c, inner, sizeof inner, out);
    OPENSSL_cleanse(block, sizeof block);
    return done;
}

obs_status obs__hmac_sha256(unsigned char out[OBS__SHA256_SIZE], const void *key, size_t key_size, const void *data,
                            size_t size, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int done = context && hmac(context, crypto->sha256, key, key_size, data, size, out);
    EVP_MD_CTX_free(context);
    obs__crypto_leave();
    return done ? OBS_OK : obs__fail_memory(error);
}

obs_status obs__sha256_begin(obs__sha256_stream **out, obs_error *error)
{
    *out = NULL;
    const obs__crypto *crypto = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__sha256_stream *stream = obs__calloc(1, sizeof *stream);
    obs__crypto_enter();
    if (stream)
        stream->context = EVP_MD_CTX_new();
    int ready = stream && stream->context && EVP_DigestInit_ex2(stream->context, crypto->sha256, NULL);
    obs__crypto_leave();
    if (!ready) {
        obs__sha256_free(stream);
        return obs__fail_memory(error);
    }
    *out = stream;
    return OBS_OK;
}

obs_status obs__sha256_add(obs__sha256_stream *stream, const void *data, size_t size, obs_error *error)
{
    obs__crypto_enter();
    int done = EVP_DigestUpdate(stream->context, data, size);
    obs__crypto_leave();
    return done ? OBS_OK : failed(error);
}

obs_status obs__sha256_end(unsigned char out[OBS__SHA256_SIZE], obs__sha256_stream *stream, obs_error *error)
{
    obs__crypto_enter();
    int done = EVP_DigestFinal_ex(stream->context, out, NULL);
    obs__crypto_leave();
    return done ? OBS_OK : failed(error);
}

obs_status obs__sha256_restart(obs__sha256_stream *stream, obs_error *error)
{
    obs__crypto_enter();
    int done = EVP_DigestInit_ex2(stream->context, NULL, NULL);
    obs__crypto_leave();
    return done ? OBS_OK : failed(error);
}

void obs__sha256_free(obs__sha256_stream *stream)
{
    if (!stream)
        return;
    EVP_MD_CTX_free(stream->context);
    obs__free(stream);
}

uint32_t obs__crc32c(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    crc = ~crc;
    while (size) { /* ISA-L counts in int and forgot the const */
        int piece = size > INT_MAX ? INT_MAX : (int)size;
        crc = crc32_iscsi((unsigned char *)(uintptr_t)bytes, piece, crc);
        bytes += piece;
        size -= (size_t)piece;
    }
    return ~crc;
}

obs_status obs__random(void *out, size_t size, obs_error *error)
{
    /* The kernel's generator: no state in the process that a fork could copy. */
    for (char *at = out; size;) {
        ssize_t got = getrandom(at, size, 0);
        if (got <= 0)
            return obs__fail(error, OBS_INTERNAL, "the system gives no random bytes");
        at += got;
        size -= (size_t)got;
    }
    return OBS_OK;
}
