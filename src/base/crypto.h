/* The one OpenSSL of the library: a library context of its own, so that a program's OpenSSL configuration and ours never meet,
 * and the algorithms of it, fetched once. Only for what calls EVP itself; hashes are in hash.h. */
#ifndef OBS_BASE_CRYPTO_H
#define OBS_BASE_CRYPTO_H

#include <openssl/evp.h>

#include <obs/error.h>

typedef struct obs__crypto {
    OSSL_LIB_CTX *context;
    EVP_MD *sha256;
    EVP_MD *sha384;
    EVP_MD *sha512;
    EVP_MAC *hmac;
} obs__crypto;

/* Made by the first call and kept for the life of the process. Cheap afterwards. */
obs_status obs__crypto_get(const obs__crypto **out, obs_error *error);

/* Around calls of EVP that may fail: the thread's queue of errors belongs to the program, so ours are taken off it again.
 * leave() says whether memory was missing, so that nobody is told that a key or a signature is wrong for want of it. */
void obs__crypto_enter(void);
int obs__crypto_leave(void);

#endif
