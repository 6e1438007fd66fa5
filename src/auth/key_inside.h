/* The inside of keys. */
#ifndef OBS_AUTH_KEY_INSIDE_H
#define OBS_AUTH_KEY_INSIDE_H

#include <stdatomic.h>

#include "auth/key.h"

/* As many verifications at once find a context that is ready; more make one for themselves. */
#define OBS__KEY_SLOTS 8

/* What one verification needs: OpenSSL's contexts are costly to make and not to be shared while in use. */
typedef struct obs__key_work {
    EVP_MD_CTX *digest;
    EVP_PKEY_CTX *verifier; /* ready for `algorithm`; NULL for keys that hash by themselves */
    obs__algorithm algorithm;
} obs__key_work;

struct obs__key {
    atomic_uint holders;
    obs__key_type kind;
    unsigned algorithms;
    int is_private;
    size_t signature_size; /* 0 for a secret */
    EVP_PKEY *pkey;        /* NULL for a secret */
    unsigned char *secret;
    size_t secret_size;
    char id[OBS__KEY_ID_SIZE];
    char thumbprint[OBS__THUMBPRINT_SIZE];
    obs__key_work *_Atomic slots[OBS__KEY_SLOTS];
};

void obs__key_work_free(obs__key_work *work);
/* Whether a modulus was made by the generator of CVE-2017-15361, whose keys can be factored. */
int obs__key_is_roca(const unsigned char *modulus, size_t size);
obs_status obs__key_make(obs__key **out, EVP_PKEY *pkey, int is_private, obs_error *error);

#endif
