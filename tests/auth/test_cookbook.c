/* The cookbook of JOSE: the examples of RFC 7520, 7797 and 8037, each file of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "support.h"
#include "vectors.h"

static obs_error error;

/* The public part of the key of a cookbook's example. */
static obs__keys *cookbook_keys(const json_t *example)
{
    static const char *const secret[] = {"d", "p", "q", "dp", "dq", "qi"};
    obs__key *key = NULL;
    obs__keys *keys = NULL;
    json_t *jwk = json_deep_copy(json_object_get(json_object_get(example, "input"), "key"));
    if (json_object_get(jwk, "d"))
        ck_assert_int_eq(obs__jwk_from_json(&key, jwk, OBS__JWK_SECRET, &error), OBS_PERMISSION_DENIED);
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        json_object_del(jwk, secret[i]);
    ck_assert_ok(obs__jwk_from_json(&key, jwk, OBS__JWK_SECRET, &error));
    ck_assert_ok(obs__keys_make(&keys, &key, 1, &error));
    obs__key_free(key);
    json_decref(jwk);
    return keys;
}

/* Examples of tokens; `inside`: where the file has it below its top. */
static const struct {
    const char *name, *inside;
    int accepted;
    const char *reason;
} examples[] = {
    {"jws/4_3.ecdsa_signature.json", NULL, 1, ""},
    {"jws/4_4.hmac-sha2_integrity_protection.json", NULL, 1, ""},
    {"curve25519/jws.json", NULL, 1, ""},
    {"6.nesting_signatures_and_encryption.json", "sign", 1, ""},
    {"jws/4_5.signature_with_detached_content.json", NULL, 0, "its payload is elsewhere, so that nothing is signed"},
    {"rfc7797/hmac-sha2_b64_false.json", NULL, 0, "its payload is not encoded"},
};

static json_t *load(const char *name)
{
    char path[120];
    snprintf(path, sizeof path, "jose-cookbook/%s", name);
    return vectors_load(path);
}

static void check_payload(const json_t *example, const obs__keys *keys, const char *token)
{
    obs__jws *jws = NULL;
    const char *payload = vectors_text(json_object_get(example, "input"), "payload");
    ck_assert_ok(obs__jws_verify(&jws, keys, OBS__ALGORITHMS_PUBLIC | OBS__ALGORITHMS_SECRET, token, OBS_TEXT, &error));
    ck_assert(obs__view_is(jws->payload, payload));
    obs__jws_free(jws);
}

START_TEST(tokens)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        json_t *json = load(examples[i].name);
        if (!json)
            return;
        const json_t *example = examples[i].inside ? json_object_get(json, examples[i].inside) : json;
        obs__keys *keys = cookbook_keys(example);
        const char *token = vectors_text(json_object_get(example, "output"), "compact");
        ck_assert_ptr_nonnull(token);
        ck_assert_msg(vectors_accept(keys, token) == examples[i].accepted, "%s: %s", examples[i].name, examples[i].reason);
        if (examples[i].accepted)
            check_payload(example, keys, token);
        obs__keys_free(keys);
        json_decref(json);
    }
}
END_TEST

/* No form of an output is a token: in JSON, or encrypted. */
static void refuse_outputs(const char *name, const json_t *outputs, const obs__keys *keys)
{
    const char *form;
    json_t *output;
    int count = 0;
    json_object_foreach((json_t *)(uintptr_t)outputs, form, output)
    {
        obs_buffer *text = NULL;
        if (!json_is_string(output))
            ck_assert_ok(obs__json_dump(&text, output, 0, OBS__TOKEN_SIZE_LIMIT, &error));
        ck_assert_msg(!vectors_accept(keys, text ? obs_buffer_data(text) : json_string_value(output)), "%s: %s", name, form);
        obs_buffer_free(text);
        count++;
    }
    ck_assert_int_gt(count, 0);
}

/* The signature itself is right, and what it is over comes to the same verifier. */
static void check_signature(const json_t *signing, const obs__key *key, const char *algorithm)
{
    unsigned char bytes[OBS__SIGNATURE_LIMIT];
    size_t size;
    const char *data = vectors_text(signing, "sig-input"), *signature = vectors_text(signing, "sig");
    obs__algorithm with = obs__algorithm_find(obs__view_of(algorithm, OBS_TEXT))->algorithm;
    ck_assert(obs__key_algorithms(key) & with);
    ck_assert_uint_lt(strlen(signature), sizeof bytes);
    ck_assert(obs__base64url_decode((char *)bytes, &size, signature, strlen(signature)));
    ck_assert_ok(obs__key_verify(key, with, data, strlen(data), bytes, size, &error));
    bytes[0] ^= 1;
    ck_assert_int_eq(obs__key_verify(key, with, data, strlen(data), bytes, size, &error), OBS_UNAUTHENTICATED);
}

/* The item of a list, or the only one where there is no list. */
static json_t *item(const json_t *json, size_t index)
{
    return json_is_array(json) ? json_array_get(json, index) : (json_t *)(uintptr_t)json;
}

static const char *const in_json[] = {"jws/4_7.protecting_content_only.json", "jws/4_8.multiple_signatures.json"};

START_TEST(signatures_in_json)
{
    for (size_t f = 0; f < sizeof in_json / sizeof *in_json; f++) {
        json_t *json = load(in_json[f]);
        const json_t *input = json_object_get(json, "input"), *list = json_object_get(input, "key");
        if (!json)
            return;
        for (size_t i = 0; i < (json_is_array(list) ? json_array_size(list) : 1); i++) {
            json_t *one = json_pack("{s:{s:O}}", "input", "key", item(list, i));
            obs__keys *keys = cookbook_keys(one);
            check_signature(item(json_object_get(json, "signing"), i), obs__keys_at(keys, 0),
                            json_string_value(item(json_object_get(input, "alg"), i)));
            refuse_outputs(in_json[f], json_object_get(json, "output"), keys);
            obs__keys_free(keys);
            json_decref(one);
        }
        json_decref(json);
    }
}
END_TEST

static const struct {
    const char *name, *inside;
} encrypted[] = {
    {"6.nesting_signatures_and_encryption.json", "encrypt"},
    {"curve25519/ecdh-es.json", NULL},
    {"jwe/5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2.json", NULL},
    {"jwe/5_10.including_additional_authentication_data.json", NULL},
    {"jwe/5_11.protecting_specific_header_fields.json", NULL},
    {"jwe/5_13.encrypting_to_multiple_recipients.json", NULL},
    {"jwe/5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json", NULL},
    {"jwe/5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json", NULL},
    {"jwe/5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2.json", NULL},
};

/* Nothing is decrypted here: neither the keys for it are keys, nor what they opened tokens. */
START_TEST(what_is_encrypted_is_refused)
{
    static const unsigned char secret[64];
    obs__key *key = NULL, *other = NULL;
    obs__keys *keys = NULL;
    ck_assert_ok(obs__key_from_secret(&key, secret, sizeof secret, &error));
    ck_assert_ok(obs__keys_make(&keys, &key, 1, &error));
    for (size_t f = 0; f < sizeof encrypted / sizeof *encrypted; f++) {
        json_t *json = load(encrypted[f].name);
        if (!json)
            break;
        const json_t *example = encrypted[f].inside ? json_object_get(json, encrypted[f].inside) : json;
        const json_t *list = json_object_get(json_object_get(example, "input"), "key");
        for (size_t i = 0; i < (json_is_array(list) ? json_array_size(list) : 1); i++)
            ck_assert_msg(obs__jwk_from_json(&other, item(list, i), OBS__JWK_SECRET, &error) != OBS_OK, "%s: key %zu",
                          encrypted[f].name, i);
        refuse_outputs(encrypted[f].name, json_object_get(example, "output"), keys);
        json_decref(json);
    }
    obs__keys_free(keys);
    obs__key_free(key);
}
END_TEST

START_TEST(public_keys_are_read)
{
    obs__key *key = NULL;
    json_t *ec = load("jwk/3_1.ec_public_key.json"), *rsa = load("jwk/3_3.rsa_public_key.json");
    json_t *private = load("jwk/3_4.rsa_private_key.json");
    if (!ec || !rsa || !private)
        return;
    ck_assert_ok(obs__jwk_from_json(&key, ec, 0, &error));
    ck_assert_int_eq((int)obs__key_algorithms(key), OBS__ES512);
    obs__key_free(key);
    ck_assert_ok(obs__jwk_from_json(&key, rsa, 0, &error));
    ck_assert_str_eq(obs__key_id(key), "bilbo.baggins@hobbiton.example");
    obs__key_free(key);
    ck_assert_int_eq(obs__jwk_from_json(&key, private, 0, &error), OBS_PERMISSION_DENIED);
    json_decref(ec);
    json_decref(rsa);
    json_decref(private);
}
END_TEST

/* The files of jwk/ are named by the test above. */
static int is_run(const char *name)
{
    int known = strncmp(name, "jwk/3_1.", 8) == 0 || strncmp(name, "jwk/3_3.", 8) == 0 || strncmp(name, "jwk/3_4.", 8) == 0;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        known |= strcmp(name, examples[i].name) == 0;
    for (size_t i = 0; i < sizeof in_json / sizeof *in_json; i++)
        known |= strcmp(name, in_json[i]) == 0;
    for (size_t i = 0; i < sizeof encrypted / sizeof *encrypted; i++)
        known |= strcmp(name, encrypted[i].name) == 0;
    return known;
}

START_TEST(each_file_is_run)
{
    static const char *const folders[] = {"", "curve25519/", "jwe/", "jwk/", "jws/", "rfc7797/"};
    int count = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char name[300];
        struct dirent **entries = NULL;
        snprintf(name, sizeof name, "jose-cookbook/%s", folders[i]);
        int found = vectors_list(&entries, name);
        for (int j = 0; j < found; j++) {
            snprintf(name, sizeof name, "%s%s", folders[i], entries[j]->d_name);
            ck_assert_msg(is_run(name), "%s is run by nothing", name);
            free(entries[j]);
            count++;
        }
        free(entries);
    }
    printf("%d files\n", count);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {tokens, signatures_in_json, what_is_encrypted_is_refused, public_keys_are_read,
                                  each_file_is_run};
    obs_error_init(&error, sizeof error);
    return test_main("cookbook", tests, sizeof tests / sizeof *tests);
}
