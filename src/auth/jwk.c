#include "auth/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"

#define BYTES_MOST OBS__SIGNATURE_LIMIT /* of one value: a modulus of 8192 bits */
#define DEPTH_MOST 8

static obs_status wrong(obs_error *error, const char *what)
{
    return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: %s", what);
}

/* A member as bytes; strict base64url. */
static obs_status get_bytes(unsigned char out[BYTES_MOST + 2], size_t *out_size, const json_t *json, const char *name,
                            obs_error *error)
{
    const char *text = NULL;
    obs_status status = obs__json_get_text(&text, json, name, 1, error);
    if (status != OBS_OK)
        return status;
    size_t size = strlen(text);
    if (size > obs__base64url_size(BYTES_MOST))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: its '%s' is longer than %d bytes", name, BYTES_MOST);
    if (!obs__base64url_decode(out, out_size, text, size) || !*out_size)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: its '%s' is no base64url", name);
    return OBS_OK;
}

/* A number has no zero bytes in front (RFC 7518, section 2), so that a key has one form and one thumbprint. */
static obs_status get_number(BIGNUM **out, const json_t *json, const char *name, obs_error *error)
{
    unsigned char bytes[BYTES_MOST + 2];
    size_t size = 0;
    obs_status status = get_bytes(bytes, &size, json, name, error);
    if (status != OBS_OK)
        return status;
    if (!bytes[0])
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: its '%s' begins with a zero byte", name);
    *out = BN_bin2bn(bytes, (int)size, NULL);
    return *out ? OBS_OK : obs__fail_memory(error);
}

/* The public key that the parameters describe; NULL when they describe none. */
static EVP_PKEY *build(const obs__crypto *crypto, const char *type, OSSL_PARAM *parameters)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(crypto->context, type, NULL);
    if (!context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) <= 0) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static obs_status read_rsa(EVP_PKEY **out, const json_t *json, const obs__crypto *crypto, obs_error *error)
{
    BIGNUM *n = NULL, *e = NULL;
    OSSL_PARAM *parameters = NULL;
    OSSL_PARAM_BLD *builder = NULL;
    obs_status status = get_number(&n, json, "n", error);
    if (status == OBS_OK)
        status = get_number(&e, json, "e", error);
    if (status != OBS_OK)
        goto out;
    builder = OSSL_PARAM_BLD_new();
    if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        parameters = OSSL_PARAM_BLD_to_param(builder);
    if (parameters)
        *out = build(crypto, "RSA", parameters);
    if (!*out)
        status = parameters ? wrong(error, "it is no RSA key") : obs__fail_memory(error);
out:
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return status;
}

static obs_status get_coordinate(unsigned char *out, const json_t *json, const char *name, const obs__curve_row *curve,
                                 obs_error *error)
{
    unsigned char bytes[BYTES_MOST + 2];
    size_t size = 0;
    obs_status status = get_bytes(bytes, &size, json, name, error);
    if (status == OBS_OK && size != curve->size)
        status = obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: its '%s' must have %zu bytes for %s", name,
                           curve->size, curve->name);
    if (status == OBS_OK)
        memcpy(out, bytes, size);
    return status;
}

static obs_status read_curve(EVP_PKEY **out, const json_t *json, const char *type, const obs__crypto *crypto, obs_error *error)
{
    unsigned char point[1 + 2 * 66] = {4}; /* not compressed */
    const char *name = NULL;
    obs_status status = obs__json_get_text(&name, json, "crv", 1, error);
    if (status != OBS_OK)
        return status;
    const obs__curve_row *curve = obs__curve_find(type, name);
    if (!curve)
        return wrong(error, "its curve is none of P-256, P-384, P-521, Ed25519 and Ed448");
    status = get_coordinate(point + 1, json, "x", curve, error);
    if (strcmp(type, "OKP") == 0) {
        if (status == OBS_OK)
            *out = EVP_PKEY_new_raw_public_key_ex(crypto->context, curve->group, NULL, point + 1, curve->size);
    } else {
        if (status == OBS_OK)
            status = get_coordinate(point + 1 + curve->size, json, "y", curve, error);
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)curve->group, 0),
            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->size), OSSL_PARAM_construct_end()};
        if (status == OBS_OK)
            *out = build(crypto, "EC", parameters);
    }
    return status != OBS_OK || *out ? status : wrong(error, "its point is not on its curve");
}

static obs_status read_public(obs__key **out, const json_t *json, const char *type, obs_error *error)
{
    const obs__crypto *crypto = NULL;
    EVP_PKEY *pkey = NULL;
    obs_status status = obs__crypto_get(&crypto, error);
    if (status != OBS_OK)
        return status;
    obs__crypto_enter();
    if (strcmp(type, "RSA") == 0)
        status = read_rsa(&pkey, json, crypto, error);
    else if (strcmp(type, "EC") == 0 || strcmp(type, "OKP") == 0)
        status = read_curve(&pkey, json, type, crypto, error);
    else
        status = wrong(error, "its type is none of RSA, EC and OKP");
    if (obs__crypto_leave()) /* a key that was made all the same may lack a part */
        status = obs__fail_memory(error);
    if (status == OBS_OK)
        return obs__key_from_pkey(out, pkey, error);
    EVP_PKEY_free(pkey);
    return status;
}

static obs_status read_secret(obs__key **out, const json_t *json, obs_error *error)
{
    unsigned char bytes[BYTES_MOST + 2];
    size_t size = 0;
    obs_status status = get_bytes(bytes, &size, json, "k", error);
    if (status == OBS_OK)
        status = obs__key_from_secret(out, bytes, size, error);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

/* Somebody published more than the public part: whoever reads this must not go on as if nothing were wrong. */
static obs_status refuse_private(const json_t *json, int flags, obs_error *error)
{
    static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(json, members[i]))
            return obs__fail(error, OBS_PERMISSION_DENIED,
                             "a key is refused: it is a private one, which is to be replaced now that others have seen it");
    if (json_object_get(json, "k") && !(flags & OBS__JWK_SECRET))
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "a key is refused: it is a shared secret, with which anybody who "
                         "checks a token could make one");
    return OBS_OK;
}

/* `verify` must be among the operations, if there are any, and none twice. */
static obs_status read_operations(unsigned *algorithms, const json_t *json, obs_error *error)
{
    const json_t *list = NULL;
    int verifies = 0;
    obs_status status = obs__json_get_list(&list, json, "key_ops", 0, error);
    if (status != OBS_OK || !list)
        return status;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *operation = json_string_value(json_array_get(list, i));
        if (!operation || i > 16)
            return wrong(error, "its 'key_ops' is no short list of texts");
        verifies |= strcmp(operation, "verify") == 0;
        for (size_t j = 0; j < i; j++)
            if (strcmp(json_string_value(json_array_get(list, j)), operation) == 0)
                return wrong(error, "its 'key_ops' names an operation twice");
    }
    *algorithms = verifies ? *algorithms : 0;
    return OBS_OK;
}

/* What the key's own members allow. */
static obs_status read_rights(unsigned *algorithms, const json_t *json, obs_error *error)
{
    const char *use = NULL, *name = NULL;
    obs_status status = obs__json_get_text(&use, json, "use", 0, error);
    if (status == OBS_OK)
        status = obs__json_get_text(&name, json, "alg", 0, error);
    if (status == OBS_OK)
        status = read_operations(algorithms, json, error);
    if (status != OBS_OK)
        return status;
    if (use && strcmp(use, "sig") != 0)
        *algorithms = 0;
    if (name) {
        /* P-521 goes with ES512; some write ES521, the published examples among them. */
        const obs__algorithm_row *row =
            obs__algorithm_find(obs__view_of(strcmp(name, "ES521") == 0 ? "ES512" : name, OBS_TEXT));
        *algorithms &= row ? (unsigned)row->algorithm : 0;
    }
    return OBS_OK;
}

static obs_status read_key(obs__key **out, const json_t *json, int flags, obs_error *error)
{
    const char *type = NULL, *id = NULL;
    unsigned algorithms = OBS__ALGORITHMS_PUBLIC | OBS__ALGORITHMS_SECRET;
    obs_status status = obs__json_get_text(&type, json, "kty", 1, error);
    if (status == OBS_OK)
        status = obs__json_get_text(&id, json, "kid", 0, error);
    if (status == OBS_OK)
        status = read_rights(&algorithms, json, error);
    if (status == OBS_OK)
        status = strcmp(type, "oct") == 0 && flags & OBS__JWK_SECRET ? read_secret(out, json, error)
                                                                     : read_public(out, json, type, error);
    if (status != OBS_OK)
        return status;
    obs__key_restrict(*out, algorithms);
    if (id && !obs__key_name(*out, id))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a key is refused: its 'kid' is longer than %d bytes",
                         OBS__KEY_ID_SIZE - 1);
    return obs__key_algorithms(*out) ? OBS_OK : wrong(error, "its 'use', 'key_ops' or 'alg' does not let it verify signatures");
}

obs_status obs__jwk_from_json(obs__key **out, const json_t *json, int flags, obs_error *error)
{
    *out = NULL;
    if (!json_is_object(json))
        return wrong(error, "it is no object");
    obs_status status = refuse_private(json, flags, error);
    if (status == OBS_OK)
        status = read_key(out, json, flags, error);
    if (status != OBS_OK) {
        obs__key_free(*out);
        *out = NULL;
    }
    return status;
}

obs_status obs__jwk_parse(obs__key **out, const char *text, size_t size, int flags, obs_error *error)
{
    json_t *json = NULL;
    obs__json_options options = {.size_limit = OBS__JWK_SIZE_LIMIT, .depth_limit = DEPTH_MOST};
    *out = NULL;
    obs_status status = obs__json_load(&json, text, size == OBS_TEXT ? strlen(text) : size, &options, error);
    if (status == OBS_OK)
        status = obs__jwk_from_json(out, json, flags, error);
    json_decref(json);
    return status;
}

void obs__jwk_add(obs__builder *out, const obs__key *key)
{
    unsigned algorithms = obs__key_algorithms(key);
    obs__add_char(out, '{');
    obs__key_members(out, key);
    obs__add_char(out, ',');
    if (*obs__key_id(key))
        obs__add_json_member(out, "kid", obs__key_id(key));
    if (algorithms && !(algorithms & (algorithms - 1)))
        obs__add_json_member(out, "alg", obs__algorithm_row_of(algorithms)->name);
    obs__add_json_member(out, "use", "sig");
    obs__add_json_end(out);
}
