/*
 * The signature algorithms of tokens (RFC 7518, section 3; RFC 8037) and the kinds of keys they need.
 *
 * A set of algorithms is always given by whoever verifies, never taken from a token. `none` does not exist here.
 */
#ifndef OBS_AUTH_ALGORITHM_H
#define OBS_AUTH_ALGORITHM_H

#include "base/crypto.h"
#include "base/text.h"

/* One bit each, so that a set is their union. */
typedef enum obs__algorithm {
    OBS__RS256 = 0x001,
    OBS__RS384 = 0x002,
    OBS__RS512 = 0x004,
    OBS__PS256 = 0x008,
    OBS__PS384 = 0x010,
    OBS__PS512 = 0x020,
    OBS__ES256 = 0x040,
    OBS__ES384 = 0x080,
    OBS__ES512 = 0x100,
    OBS__EDDSA = 0x200,
    /* With a shared secret: only published vectors and tests may ask for these. Whoever can check such a token can make one. */
    OBS__HS256 = 0x400,
    OBS__HS384 = 0x800,
    OBS__HS512 = 0x1000
} obs__algorithm;

/* All that need no shared secret. */
#define OBS__ALGORITHMS_PUBLIC 0x3FFu
#define OBS__ALGORITHMS_SECRET 0x1C00u

/* One bit each. */
typedef enum obs__key_type {
    OBS__KEY_RSA = 0x01,
    OBS__KEY_P256 = 0x02,
    OBS__KEY_P384 = 0x04,
    OBS__KEY_P521 = 0x08,
    OBS__KEY_ED25519 = 0x10,
    OBS__KEY_ED448 = 0x20,
    OBS__KEY_SECRET = 0x40
} obs__key_type;

typedef struct obs__algorithm_row {
    obs__algorithm algorithm;
    const char *name;
    unsigned kinds;     /* of obs__key_type */
    unsigned hash_bits; /* 0: the algorithm hashes by itself */
    int is_pss;
} obs__algorithm_row;

/* The row of a name as it stands in a token or key, or NULL. */
const obs__algorithm_row *obs__algorithm_find(obs__view name);
const obs__algorithm_row *obs__algorithm_row_of(obs__algorithm algorithm);
/* The algorithms that a kind of key can do. */
unsigned obs__algorithms_of(obs__key_type kind);
/* The digest of a row, or NULL when it has none. */
const EVP_MD *obs__algorithm_digest(const obs__algorithm_row *row, const obs__crypto *crypto);

typedef struct obs__curve_row {
    obs__key_type kind;
    const char *name;  /* of JWK */
    const char *type;  /* `EC` or `OKP` */
    const char *group; /* OpenSSL's name */
    size_t size;       /* of a coordinate, or of the public key */
    size_t signature_size;
} obs__curve_row;

/* NULL for an unknown curve, and for kinds that have none. */
const obs__curve_row *obs__curve_find(const char *type, const char *name);
const obs__curve_row *obs__curve_of(obs__key_type kind);

#endif
