#include "base/crypto.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/memory.h"

static obs__crypto *_Atomic current;

static void crypto_free(obs__crypto *crypto)
{
    if (!crypto)
        return;
    EVP_MAC_free(crypto->hmac);
    EVP_MD_free(crypto->sha512);
    EVP_MD_free(crypto->sha384);
    EVP_MD_free(crypto->sha256);
    OSSL_LIB_CTX_free(crypto->context);
    obs__free(crypto);
}

static obs__crypto *crypto_new(void)
{
    obs__crypto *crypto = obs__calloc(1, sizeof *crypto);
    if (crypto && (crypto->context = OSSL_LIB_CTX_new()) != NULL) {
        crypto->sha256 = EVP_MD_fetch(crypto->context, "SHA2-256", NULL);
        crypto->sha384 = EVP_MD_fetch(crypto->context, "SHA2-384", NULL);
        crypto->sha512 = EVP_MD_fetch(crypto->context, "SHA2-512", NULL);
        crypto->hmac = EVP_MAC_fetch(crypto->context, "HMAC", NULL);
    }
    if (crypto && crypto->sha256 && crypto->sha384 && crypto->sha512 && crypto->hmac)
        return crypto;
    crypto_free(crypto);
    return NULL;
}

/* A first attempt that found no memory must not be the last: so no pthread_once(). */
obs_status obs__crypto_get(const obs__crypto **out, obs_error *error)
{
    obs__crypto *seen = atomic_load(&current);
    if (!seen) {
        obs__crypto *made = crypto_new();
        if (!made)
            return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "OpenSSL offers no SHA-2, most likely for want of memory");
        if (atomic_compare_exchange_strong(&current, &seen, made))
            seen = made;
        else
            crypto_free(made); /* another thread was faster */
    }
    *out = seen;
    return OBS_OK;
}

void obs__crypto_enter(void)
{
    ERR_set_mark();
    errno = 0;
}

/* OpenSSL often says something else, or nothing, where an allocation failed. What malloc() leaves in errno it keeps. */
int obs__crypto_leave(void)
{
    int lacked = errno == ENOMEM;
    ERR_pop_to_mark();
    return lacked;
}
