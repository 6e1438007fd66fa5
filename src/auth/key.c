#include "auth/key_inside.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#define EXPONENT_BITS_MOST 32
#define MEMBERS_LIMIT 2048

static obs_status weak(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: %s", why);
}

/* A number of the key in `size` bytes, or in as few as it needs when size is 0. */
static void add_number(obs__builder *out, const EVP_PKEY *pkey, const char *name, int size)
{
    unsigned char bytes[OBS__SIGNATURE_LIMIT];
    BIGNUM *number = NULL;
    int need = EVP_PKEY_get_bn_param(pkey, name, &number) ? BN_num_bytes(number) : -1;
    size = size ? size : need;
    if (need < 0 || size > (int)sizeof bytes || BN_bn2binpad(number, bytes, size) < 0)
        out->failed = 1;
    else
        obs__add_base64url(out, bytes, (size_t)size);
    BN_free(number);
}

static void add_raw(obs__builder *out, const obs__key *key)
{
    unsigned char bytes[64];
    size_t size = sizeof bytes;
    if (EVP_PKEY_get_raw_public_key(key->pkey, bytes, &size))
        obs__add_base64url(out, bytes, size);
    else
        out->failed = 1;
}

void obs__key_members(obs__builder *out, const obs__key *key)
{
    const obs__curve_row *curve = obs__curve_of(key->kind);
    obs__crypto_enter();
    if (key->kind == OBS__KEY_RSA) {
        obs__add_text(out, "\"e\":\"");
        add_number(out, key->pkey, OSSL_PKEY_PARAM_RSA_E, 0);
        obs__add_text(out, "\",\"kty\":\"RSA\",\"n\":\"");
        add_number(out, key->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
    } else if (curve) {
        obs__add_format(out, "\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"", curve->name, curve->type);
        if (strcmp(curve->type, "OKP") == 0) {
            add_raw(out, key);
        } else {
            add_number(out, key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, (int)curve->size);
            obs__add_text(out, "\",\"y\":\"");
            add_number(out, key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, (int)curve->size);
        }
    }
    obs__add_char(out, '"');
    obs__crypto_leave();
}

static obs_status make_thumbprint(obs__key *key, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    obs__builder text;
    obs__builder_init(&text, MEMBERS_LIMIT);
    obs__add_char(&text, '{');
    obs__key_members(&text, key);
    obs__add_char(&text, '}');
    obs_status status = obs__builder_status(&text, error);
    if (status == OBS_OK)
        status = obs__sha256(hash, text.data, text.size, error);
    if (status == OBS_OK)
        obs__base64url_encode(key->thumbprint, hash, sizeof hash); /* the NUL is there already */
    obs__builder_free(&text);
    return status;
}

static obs_status check_rsa(const EVP_PKEY *pkey, obs_error *error)
{
    unsigned char modulus[OBS__SIGNATURE_LIMIT];
    BIGNUM *n = NULL, *e = NULL;
    const char *fault = NULL;
    int bits = EVP_PKEY_get_bits(pkey);
    if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) || !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e)) {
        BN_free(n);
        return obs__fail_memory(error);
    }
    if (bits < OBS__KEY_BITS_LEAST)
        fault = "RSA keys need at least 2048 bits";
    else if (bits > OBS__KEY_BITS_MOST)
        fault = "RSA keys may have at most 8192 bits";
    else if (!BN_is_odd(n))
        fault = "the modulus of an RSA key is even";
    else if (!BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > EXPONENT_BITS_MOST)
        fault = "the exponent of an RSA key must be odd, at least 3 and below 2^32";
    else if (obs__key_is_roca(modulus, (size_t)BN_bn2bin(n, modulus)))
        fault = "it comes from the faulty generator of CVE-2017-15361: make a new key";
    BN_free(n);
    BN_free(e);
    return fault ? weak(error, fault) : OBS_OK;
}

/* On the curve, and not the point at infinity. */
static obs_status check_point(EVP_PKEY *pkey, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto->context, pkey, NULL);
    int right = context ? EVP_PKEY_public_check(context) : -1;
    EVP_PKEY_CTX_free(context);
    return !context ? obs__fail_memory(error) : right == 1 ? OBS_OK : weak(error, "its point is not on its curve");
}

static obs__key_type kind_of(const EVP_PKEY *pkey)
{
    char group[32];
    static const struct {
        const char *group;
        obs__key_type kind;
    } groups[] = {{"prime256v1", OBS__KEY_P256}, {"secp384r1", OBS__KEY_P384}, {"secp521r1", OBS__KEY_P521}};
    if (EVP_PKEY_is_a(pkey, "RSA"))
        return OBS__KEY_RSA;
    if (EVP_PKEY_is_a(pkey, "ED25519"))
        return OBS__KEY_ED25519;
    if (EVP_PKEY_is_a(pkey, "ED448"))
        return OBS__KEY_ED448;
    if (EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL))
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
            if (strcmp(group, groups[i].group) == 0)
                return groups[i].kind;
    return 0;
}

static obs_status examine(obs__key *key, obs_error *error)
{
    const obs__curve_row *curve = obs__curve_of(key->kind);
    if (!key->kind)
        return weak(error, "it is neither RSA, P-256, P-384, P-521, Ed25519 nor Ed448");
    key->signature_size = curve ? curve->signature_size : (size_t)EVP_PKEY_get_size(key->pkey);
    key->algorithms = obs__algorithms_of(key->kind);
    if (key->kind == OBS__KEY_RSA)
        return check_rsa(key->pkey, error);
    return strcmp(curve->type, "EC") == 0 ? check_point(key->pkey, error) : OBS_OK;
}

obs_status obs__key_make(obs__key **out, EVP_PKEY *pkey, int is_private, obs_error *error)
{
    *out = NULL;
    obs__key *key = pkey ? obs__calloc(1, sizeof *key) : NULL;
    if (!key) {
        EVP_PKEY_free(pkey);
        return obs__fail_memory(error);
    }
    atomic_init(&key->holders, 1);
    key->pkey = pkey;
    key->is_private = is_private;
    obs__crypto_enter();
    key->kind = kind_of(pkey);
    obs_status status = examine(key, error);
    if (status == OBS_OK)
        status = make_thumbprint(key, error);
    if (obs__crypto_leave())
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        *out = key;
    else
        obs__key_free(key);
    return status;
}

obs_status obs__key_from_pkey(obs__key **out, EVP_PKEY *pkey, obs_error *error)
{
    return obs__key_make(out, pkey, 0, error);
}

obs_status obs__key_from_secret(obs__key **out, const void *secret, size_t size, obs_error *error)
{
    *out = NULL;
    obs__key *key = obs__calloc(1, sizeof *key);
    if (key)
        key->secret = (unsigned char *)obs__memdup(secret, size);
    if (!key || !key->secret) {
        obs__free(key);
        return obs__fail_memory(error);
    }
    atomic_init(&key->holders, 1);
    key->kind = OBS__KEY_SECRET;
    key->secret_size = size;
    /* A secret shorter than the hash weakens it (RFC 7518, section 3.2). */
    for (obs__algorithm algorithm = OBS__HS256; algorithm <= OBS__HS512; algorithm <<= 1)
        if (size * 8 >= obs__algorithm_row_of(algorithm)->hash_bits)
            key->algorithms |= algorithm;
    if (!key->algorithms) {
        obs__key_free(key);
        return weak(error, "a shared secret needs at least 256 bits");
    }
    *out = key;
    return OBS_OK;
}

obs__key *obs__key_retain(obs__key *key)
{
    atomic_fetch_add(&key->holders, 1);
    return key;
}

void obs__key_free(obs__key *key)
{
    if (!key || atomic_fetch_sub(&key->holders, 1) != 1)
        return;
    for (size_t i = 0; i < OBS__KEY_SLOTS; i++)
        obs__key_work_free(atomic_load(&key->slots[i]));
    if (key->secret)
        OPENSSL_cleanse(key->secret, key->secret_size);
    obs__free(key->secret);
    EVP_PKEY_free(key->pkey);
    obs__free(key);
}

obs__key_type obs__key_type_of(const obs__key *key)
{
    return key->kind;
}

int obs__key_is_private(const obs__key *key)
{
    return key->is_private;
}

unsigned obs__key_algorithms(const obs__key *key)
{
    return key->algorithms;
}

void obs__key_restrict(obs__key *key, unsigned algorithms)
{
    key->algorithms &= algorithms;
}

int obs__key_name(obs__key *key, const char *id)
{
    size_t size = strlen(id);
    if (size >= sizeof key->id)
        return 0;
    memcpy(key->id, id, size + 1);
    return 1;
}

const char *obs__key_id(const obs__key *key)
{
    return key->id;
}

const char *obs__key_thumbprint(const obs__key *key)
{
    return key->thumbprint;
}
