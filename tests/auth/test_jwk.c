#include "auth/jwk.h"

#include <stdlib.h>
#include <string.h>

#include "auth/key_inside.h"
#include "auth/keys.h"
#include "base/base64.h"
#include "support.h"

static obs_error error;

/* RFC 7638, section 3.1, and RFC 8037, appendix A.3. */
#define RFC7638_KEY                                                                                                            \
    "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"         \
    "BJECPebWKRXjBZCi"                                                                                                         \
    "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"                                                 \
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajr"                                                                \
    "n1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":"  \
    "\"AQAB\","                                                                                                                \
    "\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}"
#define RFC8037_KEY "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

START_TEST(thumbprints_of_the_standards)
{
    obs__key *key = NULL;
    ck_assert_ok(obs__jwk_parse(&key, RFC7638_KEY, OBS_TEXT, 0, &error));
    ck_assert_str_eq(obs__key_thumbprint(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    ck_assert_str_eq(obs__key_id(key), "2011-04-29");
    ck_assert_int_eq((int)obs__key_algorithms(key), OBS__RS256);
    obs__key_free(key);
    ck_assert_ok(obs__jwk_parse(&key, RFC8037_KEY, OBS_TEXT, 0, &error));
    ck_assert_str_eq(obs__key_thumbprint(key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    ck_assert_str_eq(obs__key_id(key), "");
    ck_assert_int_eq((int)obs__key_algorithms(key), OBS__EDDSA);
    obs__key_free(key);
}
END_TEST

/* Replaces the first `from` of a key by `to`; valid until the next call. */
static const char *changed(const char *text, const char *from, const char *to)
{
    static char out[4096];
    const char *at = strstr(text, from);
    ck_assert_ptr_nonnull(at);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void expect_refused(const char *text, const char *why)
{
    obs__key *key = NULL;
    ck_assert_int_ne(obs__jwk_parse(&key, text, OBS_TEXT, 0, &error), OBS_OK);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s' for %s", error.message, why, text);
    ck_assert_ptr_null(key);
}

START_TEST(keys_that_are_refused)
{
    obs__key *p256 = test_key(OBS__ES256, "k");
    obs__builder text;
    obs__builder_init(&text, 4096);
    obs__jwk_add(&text, p256);
    const char *ec = strdup(text.data);
    expect_refused("", "");
    expect_refused("[]", "no object");
    expect_refused("{}", "kty");
    expect_refused("{\"kty\":\"AKP\"}", "none of RSA, EC and OKP");
    expect_refused("{\"kty\":7}", "kty");
    expect_refused(changed(RFC8037_KEY, "Ed25519", "X25519"), "its curve");
    expect_refused(changed(RFC8037_KEY, "Ed25519", "Ed448"), "57 bytes");
    expect_refused(changed(RFC8037_KEY, "Ed25519", "P-256"), "its curve");
    expect_refused(changed(RFC8037_KEY, "URo\"", "UR\""), "base64url");
    expect_refused(changed(RFC8037_KEY, "11qY", "11qYAAAA"), "32 bytes");
    expect_refused(changed(RFC8037_KEY, "11qY", "11q="), "base64url");
    expect_refused(changed(RFC8037_KEY, "URo\"", "URp\""), "base64url"); /* unused bits */
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"kty\":\"OKP\",\"kty\""), "duplicate");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"d\":\"AAAA\",\"kty\""), "private");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"d\":null,\"kty\""), "private");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"use\":\"enc\",\"kty\""), "'use'");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"key_ops\":[\"sign\"],\"kty\""), "'key_ops'");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"key_ops\":[\"verify\",\"verify\"],\"kty\""), "twice");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"key_ops\":[7],\"kty\""), "list of texts");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"key_ops\":\"verify\",\"kty\""), "key_ops");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"alg\":\"ES256\",\"kty\""), "'alg'");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"alg\":\"none\",\"kty\""), "'alg'");
    expect_refused(changed(RFC8037_KEY, "\"kty\"", "\"kid\":7,\"kty\""), "kid");
    expect_refused(changed(RFC7638_KEY, "\"n\":\"0vx7", "\"n\":\"AAAA0vx7"), "zero byte");
    expect_refused(changed(RFC7638_KEY, "AQAB", "Ag"), "exponent");
    expect_refused(changed(RFC7638_KEY, "AQAB", "AQ"), "exponent");
    expect_refused(changed(RFC7638_KEY, "AQAB", "AQAAAAE"), "exponent");
    expect_refused(changed(RFC7638_KEY, "AQAB", "AQAA"), "exponent");
    expect_refused(changed(RFC7638_KEY, "nqDKgw", "nqDKgg"), "even");
    expect_refused(changed(RFC7638_KEY, "\"e\"", "\"q\":\"AQAB\",\"e\""), "private");
    expect_refused(changed(ec, "P-256", "P-384"), "48 bytes");
    expect_refused(changed(ec, "\"y\"", "\"z\""), "'y'");
    char *x = strstr(ec, "\"x\":\"") + 5;
    x[0] = x[0] == 'A' ? 'B' : 'A';
    expect_refused(ec, "not on its curve");
    free((char *)(uintptr_t)ec);
    obs__builder_free(&text);
    obs__key_free(p256);
}
END_TEST

/* A modulus of so many bits, all set, as RSA key. */
static const char *rsa_of(size_t bits)
{
    static char text[4096];
    unsigned char bytes[OBS__SIGNATURE_LIMIT + 8];
    char modulus[2000] = "";
    memset(bytes, 0xFF, sizeof bytes);
    bytes[0] = (unsigned char)(0xFF >> ((8 - bits % 8) % 8));
    obs__base64url_encode(modulus, bytes, (bits + 7) / 8);
    snprintf(text, sizeof text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", modulus);
    return text;
}

START_TEST(sizes_of_rsa_keys)
{
    static const size_t right[] = {2048, 3072, 4096, 8192};
    obs__key *key = NULL;
    expect_refused(rsa_of(1024), "at least 2048");
    expect_refused(rsa_of(2047), "at least 2048");
    expect_refused(rsa_of(8200), "longer than");
    for (size_t i = 0; i < 4; i++) {
        ck_assert_ok(obs__jwk_parse(&key, rsa_of(right[i]), OBS_TEXT, 0, &error));
        obs__key_free(key);
    }
}
END_TEST

START_TEST(sets_pass_over_what_they_cannot_use)
{
    static const char text[] = "{\"keys\":[" RFC8037_KEY ",{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AAAA\"},7,"
                               "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"},{\"kty\":\"RSA\",\"use\":\"enc\",\"kid\":"
                               "\"2011-04-29\"}," RFC7638_KEY "],\"extra\":1}";
    obs__keys *keys = NULL, *same = NULL;
    ck_assert_ok(obs__keys_parse(&keys, text, OBS_TEXT, 0, &error));
    ck_assert_uint_eq(obs__keys_count(keys), 2);
    ck_assert_uint_eq(obs__keys_ignored(keys), 4);
    ck_assert_ok(obs__keys_parse(&same, "{\"keys\":[" RFC7638_KEY "," RFC8037_KEY "]}", OBS_TEXT, 0, &error));
    ck_assert(obs__keys_equal(keys, same));
    obs__keys_free(same);
    ck_assert_ok(obs__keys_parse(&same, "{\"keys\":[" RFC7638_KEY "]}", OBS_TEXT, 0, &error));
    ck_assert(!obs__keys_equal(keys, same));
    obs__keys_free(same);
    obs__keys_free(keys);
    ck_assert_ok(obs__keys_parse(&keys, "{\"keys\":[]}", OBS_TEXT, 0, &error));
    ck_assert_uint_eq(obs__keys_count(keys), 0);
    obs__keys_free(keys);
}
END_TEST

static void expect_set_refused(const char *text, size_t size, obs_status status, const char *why)
{
    obs__keys *keys = NULL;
    ck_assert_int_eq(obs__keys_parse(&keys, text, size, 0, &error), status);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s'", error.message, why);
    ck_assert_ptr_null(keys);
}

START_TEST(sets_that_are_refused_whole)
{
    obs__builder text;
    expect_set_refused("", 0, OBS_INVALID_ARGUMENT, "");
    expect_set_refused("[]", 2, OBS_INVALID_ARGUMENT, "'keys'");
    expect_set_refused("{}", 2, OBS_INVALID_ARGUMENT, "keys");
    expect_set_refused("{\"keys\":{}}", OBS_TEXT, OBS_INVALID_ARGUMENT, "keys");
    expect_set_refused("{\"keys\":[],\"keys\":[]}", OBS_TEXT, OBS_INVALID_ARGUMENT, "duplicate");
    expect_set_refused("{\"keys\":[" RFC7638_KEY "," RFC7638_KEY "]}", OBS_TEXT, OBS_INVALID_ARGUMENT, "same 'kid'");
    expect_set_refused("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"d\":\"AA\"}]}", OBS_TEXT,
                       OBS_PERMISSION_DENIED, "private");
    obs__builder_init(&text, 100000);
    obs__add_text(&text, "{\"keys\":[");
    for (int i = 0; i < 101; i++)
        obs__add_text(&text, i ? ",0" : "0");
    obs__add_text(&text, "]}");
    expect_set_refused(text.data, text.size, OBS_RESOURCE_EXHAUSTED, "at most 100");
    while (text.size <= OBS__JWKS_SIZE_LIMIT)
        obs__add_char(&text, ' ');
    expect_set_refused(text.data, text.size, OBS_RESOURCE_EXHAUSTED, "65536");
    obs__builder_free(&text);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    static const obs__algorithm all[] = {OBS__RS256, OBS__ES256, OBS__ES384, OBS__ES512, OBS__EDDSA};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        obs__key *key = test_key(all[i], "\"k\" ö"), *back = NULL;
        obs__builder text;
        obs__builder_init(&text, 4096);
        obs__jwk_add(&text, key);
        ck_assert_ptr_null(strstr(text.data, "\"d\""));
        ck_assert_ok(obs__jwk_parse(&back, text.data, text.size, 0, &error));
        ck_assert_str_eq(obs__key_thumbprint(key), obs__key_thumbprint(back));
        ck_assert_str_eq(obs__key_id(key), obs__key_id(back));
        ck_assert(!obs__key_is_private(back));
        obs__key_free(key);
        obs__key_free(back);
        obs__builder_free(&text);
    }
}
END_TEST

START_TEST(private_keys_in_pem)
{
    static const obs__algorithm all[] = {OBS__ES256, OBS__EDDSA};
    unsigned char signature[OBS__SIGNATURE_LIMIT];
    size_t size, signature_size;
    for (size_t i = 0; i < 2; i++) {
        obs__key *key = NULL, *back = NULL;
        char *pem = NULL;
        ck_assert_ok(obs__key_generate(&key, all[i], &error));
        ck_assert_ok(obs__key_to_pem(&pem, &size, key, &error));
        ck_assert_uint_lt(size, OBS__KEY_PEM_LIMIT);
        ck_assert(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28) == 0);
        ck_assert_ok(obs__key_from_pem(&back, pem, size, &error));
        ck_assert_str_eq(obs__key_id(back), obs__key_thumbprint(key));
        ck_assert_ok(obs__key_sign(signature, &signature_size, back, all[i], "x", 1, &error));
        ck_assert_ok(obs__key_verify(key, all[i], "x", 1, signature, signature_size, &error));
        obs__key_free(back);
        pem[40] ^= 1;
        pem[41] ^= 1;
        if (obs__key_from_pem(&back, pem, size, &error) == OBS_OK) /* another key then, not this one */
            ck_assert_str_ne(obs__key_thumbprint(back), obs__key_thumbprint(key));
        obs__key_free(back);
        ck_assert_int_eq(obs__key_from_pem(&back, pem, size / 2, &error), OBS_DATA_LOSS);
        ck_assert_ptr_null(strstr(error.message, "-----"));
        obs__key_pem_free(pem, size);
        obs__key_free(key);
    }
    obs__key *public = NULL;
    char *pem = NULL;
    ck_assert_ok(obs__jwk_parse(&public, RFC8037_KEY, OBS_TEXT, 0, &error));
    ck_assert_int_eq(obs__key_to_pem(&pem, &size, public, &error), OBS_FAILED_PRECONDITION);
    ck_assert_int_eq(obs__key_sign(signature, &signature_size, public, OBS__EDDSA, "x", 1, &error), OBS_FAILED_PRECONDITION);
    obs__key_free(public);
    ck_assert_int_eq(obs__key_generate(&public, OBS__RS256, &error), OBS_INVALID_ARGUMENT);
}
END_TEST

/* A number that looks like the faulty generator's modulo every prime of the test, made by the Chinese remainder theorem's
 * simplest case: 1, which is a power of 65537 modulo anything. */
START_TEST(the_fingerprint_of_roca)
{
    unsigned char modulus[256] = {0};
    modulus[255] = 1;
    ck_assert(obs__key_is_roca(modulus, sizeof modulus));
    modulus[255] = 0;
    modulus[253] = 1, modulus[255] = 1; /* 65537 itself */
    ck_assert(obs__key_is_roca(modulus, sizeof modulus));
    modulus[0] = 0x80;
    ck_assert(!obs__key_is_roca(modulus, sizeof modulus));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        thumbprints_of_the_standards, keys_that_are_refused,   sizes_of_rsa_keys,   sets_pass_over_what_they_cannot_use,
        sets_that_are_refused_whole,  what_is_written_is_read, private_keys_in_pem, the_fingerprint_of_roca};
    obs_error_init(&error, sizeof error);
    return test_main("jwk", tests, sizeof tests / sizeof *tests);
}
