#include "auth/jws.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/keys.h"
#include "base/base64.h"
#include "support.h"

static obs_error error;

static const obs__algorithm all[] = {OBS__RS256, OBS__RS384, OBS__RS512, OBS__PS256, OBS__PS384,
                                     OBS__PS512, OBS__ES256, OBS__ES384, OBS__ES512, OBS__EDDSA};
#define ALL_COUNT (sizeof all / sizeof *all)

static obs_status verify(const obs__keys *keys, unsigned algorithms, const char *token)
{
    obs__jws *jws = NULL;
    obs_status status = obs__jws_verify(&jws, keys, algorithms, token, OBS_TEXT, &error);
    ck_assert_int_eq(status == OBS_OK, jws != NULL);
    obs__jws_free(jws);
    return status;
}

static void expect_refused(const obs__keys *keys, const char *token, const char *why)
{
    ck_assert_int_eq(verify(keys, OBS__ALGORITHMS_PUBLIC, token), OBS_UNAUTHENTICATED);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s' for %s", error.message, why, token);
    /* No part of the token is told. */
    for (const char *at = token; strlen(at) >= 12; at += 12) {
        char part[13] = "";
        memcpy(part, at, 12);
        ck_assert_ptr_null(strstr(error.message, part));
        ck_assert_ptr_null(strstr(error.detail, part));
    }
}

START_TEST(every_algorithm_there_and_back)
{
    for (size_t i = 0; i < ALL_COUNT; i++) {
        obs__key *key = test_key(all[i], NULL);
        obs__keys *keys = test_keys(&key, 1);
        obs__builder token;
        obs__jws *jws = NULL;
        obs__builder_init(&token, OBS__TOKEN_SIZE_LIMIT);
        ck_assert_ok(obs__jws_sign(&token, key, all[i], "at+jwt", obs__view_of("{\"sub\":\"ada\"}", OBS_TEXT), &error));
        for (int again = 0; again < 3; again++) {
            ck_assert_ok(obs__jws_verify(&jws, keys, all[i], token.data, token.size, &error));
            ck_assert_int_eq(jws->algorithm, all[i]);
            ck_assert(obs__view_is(jws->payload, "{\"sub\":\"ada\"}"));
            ck_assert(obs__view_is(jws->id, obs__key_thumbprint(key)));
            ck_assert(obs__view_is(jws->type, "at+jwt"));
            obs__jws_free(jws);
        }
        /* Only what is asked for: not with any other list. */
        ck_assert_int_eq(verify(keys, OBS__ALGORITHMS_PUBLIC & ~(unsigned)all[i], token.data), OBS_UNAUTHENTICATED);
        ck_assert_int_eq(verify(keys, 0, token.data), OBS_INVALID_ARGUMENT);
        obs__builder_free(&token);
        obs__keys_free(keys);
        obs__key_free(key);
    }
}
END_TEST

START_TEST(each_changed_bit_is_found)
{
    obs__key *key = test_key(OBS__EDDSA, "k");
    obs__keys *keys = test_keys(&key, 1);
    char *token = test_token(key, OBS__EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "{\"exp\":1}");
    ck_assert_int_eq(verify(keys, OBS__EDDSA, token), OBS_OK);
    for (size_t i = 0; token[i]; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        ck_assert_int_eq(verify(keys, OBS__EDDSA, token), OBS_UNAUTHENTICATED);
        token[i] = was;
    }
    free(token);
    obs__keys_free(keys);
    obs__key_free(key);
}
END_TEST

START_TEST(headers_that_are_refused)
{
    static const struct {
        const char *header, *why;
    } rows[] = {
        {"{\"alg\":\"none\",\"kid\":\"k\"}", "not one that is accepted"},
        {"{\"alg\":\"NONE\",\"kid\":\"k\"}", "not one that is accepted"},
        {"{\"alg\":\"eddsa\",\"kid\":\"k\"}", "not one that is accepted"},
        {"{\"alg\":\"HS256\",\"kid\":\"k\"}", "not one that is accepted"},
        {"{\"alg\":\"ES256\",\"kid\":\"k\"}", "not for this algorithm"},
        {"{\"alg\":\"RS256\",\"kid\":\"k\"}", "not for this algorithm"},
        {"{\"alg\":\"E\\/dDSA-of-others\",\"kid\":\"k\"}", "not one that is accepted"}, /* unescaped where it stands */
        {"{\"kid\":\"k\"}", "no algorithm"},
        {"{\"alg\":null,\"kid\":\"k\"}", "a string is expected"},
        {"{\"alg\":[\"EdDSA\"],\"kid\":\"k\"}", "a string is expected"},
        {"{\"alg\":\"EdDSA\",\"kid\":7}", "a string is expected"},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\",\"kid\":\"k\"}", "twice"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"\\u0061lg\":\"EdDSA\"}", "twice"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"crit\":[\"exp\"]}", "'crit'"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"crit\":[]}", "'crit'"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"b64\":false,\"crit\":[\"b64\"]}", "'crit'"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"b64\":false}", "'b64'"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"b64\":true}", "'b64'"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"../../etc/passwd\"}", "not known"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k' OR '1'='1\"}", "not known"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\\u0000\"}", "not known"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"}x", "nothing more"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",}", "a name in double quotes"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\"", "ends within an object"},
        {"[\"EdDSA\"]", "an object is expected"},
        {"\xEF\xBB\xBF{\"alg\":\"EdDSA\",\"kid\":\"k\"}", "an object is expected"},
        {"{\"alg\":\"EdDSA\",\"kid\":\"k\",\"x\":\"\xFF\"}", "not UTF-8"},
        {"", "missing"},
    };
    obs__key *key = test_key(OBS__EDDSA, "k");
    obs__keys *keys = test_keys(&key, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *token = test_token(key, OBS__EDDSA, rows[i].header, "{}");
        expect_refused(keys, token, rows[i].why);
        free(token);
    }
    obs__keys_free(keys);
    obs__key_free(key);
}
END_TEST

/* Keys that a token brings along, or says where to fetch, are never looked at: only the known one counts. */
START_TEST(keys_in_a_header_do_not_count)
{
    obs__key *known = test_key(OBS__ES256, "k"), *attacker = test_key(OBS__ES256, "k");
    obs__keys *keys = test_keys(&known, 1);
    obs__builder header;
    obs__builder_init(&header, 4096);
    obs__add_text(&header, "{\"alg\":\"ES256\",\"kid\":\"k\",\"jku\":\"https://attacker.example/keys\",\"x5u\":\"file:///x\","
                           "\"x5c\":[\"MIIBszCCAVmgAwIBAgIU\"],\"x5t\":\"AA\",\"jwk\":");
    obs__jwk_add(&header, attacker);
    obs__add_text(&header, "}");
    char *forged = test_token(attacker, OBS__ES256, header.data, "{}"),
         *right = test_token(known, OBS__ES256, header.data, "{}");
    expect_refused(keys, forged, "signature is wrong");
    ck_assert_int_eq(verify(keys, OBS__ES256, right), OBS_OK);
    free(forged);
    free(right);
    obs__builder_free(&header);
    obs__keys_free(keys);
    obs__key_free(known);
    obs__key_free(attacker);
}
END_TEST

START_TEST(forms_that_are_refused)
{
    static const struct {
        const char *token, *why;
    } rows[] = {
        {"", "two dots"},
        {".", "two dots"},
        {"e30.e30", "two dots"},
        {"e30.e30.e30.e30", "two dots"},
        {"e30.e30.AA.", "two dots"},
        {"..", "missing"},
        {"e30..", "missing"},
        {".e30.AA", "missing"},
        {"e30=.e30.AA", "base64url"},
        {"e30.e30=.AA", "base64url"},
        {"e30.e30.AA==", "base64url"},
        {"e30.e30.AB", "base64url"},
        {"e3 0.e30.AA", "base64url"},
        {"e30.e30.AA\n", "base64url"},
        {"e30.e+0A.AA", "base64url"},
        {"e30.e/0A.AA", "base64url"},
        {"Bearer e30.e30.AA", "base64url"},
        {"{\"payload\":\"e30\",\"signatures\":[]}", "two dots"},
    };
    obs__key *key = test_key(OBS__EDDSA, "k");
    obs__keys *keys = test_keys(&key, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(keys, rows[i].token, rows[i].why);
    obs__keys_free(keys);
    obs__key_free(key);
}
END_TEST

static char *filled(size_t size, char c, const char *end)
{
    char *text = malloc(size + strlen(end) + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, c, size);
    strcpy(text + size, end);
    return text;
}

START_TEST(sizes_are_bounded)
{
    obs__key *key = test_key(OBS__EDDSA, "k");
    obs__keys *keys = test_keys(&key, 1);
    char *dots = filled(16384, '.', ""), *many = filled(16385, '.', ""), *header = filled(5600, 'A', ".e30.AA");
    char *members = filled(0, 0, ""), *payload = filled(12000, ' ', "");
    expect_refused(keys, many, "longer than 16 KiB");
    expect_refused(keys, dots, "two dots");
    expect_refused(keys, header, "longer than 4 KiB");
    /* As large as it may be. */
    char *token = test_token(key, OBS__EDDSA, "{\"alg\":\"EdDSA\",\"kid\":\"k\"}", payload);
    ck_assert_uint_lt(strlen(token), OBS__TOKEN_SIZE_LIMIT);
    ck_assert_int_eq(verify(keys, OBS__EDDSA, token), OBS_OK);
    free(token);
    /* Too many members, and too deep. */
    obs__builder text;
    obs__builder_init(&text, 4000);
    obs__add_text(&text, "{\"alg\":\"EdDSA\"");
    for (int i = 0; i < 130; i++)
        obs__add_format(&text, ",\"%d\":0", i);
    obs__add_text(&text, "}");
    token = test_token(key, OBS__EDDSA, text.data, "{}");
    expect_refused(keys, token, "too many members");
    free(token);
    obs__builder_clear(&text);
    obs__add_text(&text, "{\"alg\":\"EdDSA\",\"x\":");
    for (int i = 0; i < 600; i++)
        obs__add_char(&text, '[');
    token = test_token(key, OBS__EDDSA, text.data, "{}");
    expect_refused(keys, token, "nested too deeply");
    free(token);
    obs__builder_free(&text);
    free(dots);
    free(many);
    free(header);
    free(members);
    free(payload);
    obs__keys_free(keys);
    obs__key_free(key);
}
END_TEST

/* A public key is no secret: taken as one, everybody could sign. */
START_TEST(shared_secrets_are_never_keys)
{
    obs__key *key = NULL;
    obs__keys *keys = NULL;
    static const char secret[] =
        "{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"kid\":\"k\"}";
    char set[200];
    snprintf(set, sizeof set, "{\"keys\":[%s]}", secret);
    ck_assert_int_eq(obs__jwk_parse(&key, secret, OBS_TEXT, 0, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_null(key);
    ck_assert_int_eq(obs__keys_parse(&keys, set, OBS_TEXT, 0, &error), OBS_PERMISSION_DENIED);
    ck_assert_ptr_null(keys);
    ck_assert_ok(obs__keys_parse(&keys, set, OBS_TEXT, OBS__JWK_SECRET, &error));
    /* Even where it is a key, it counts only when asked for by name. */
    obs__key *other = test_key(OBS__EDDSA, "k");
    char *token = test_token(other, OBS__EDDSA, "{\"alg\":\"HS256\",\"kid\":\"k\"}", "{}");
    expect_refused(keys, token, "not one that is accepted");
    free(token);
    obs__key_free(other);
    obs__keys_free(keys);
}
END_TEST

START_TEST(a_token_without_key_id)
{
    obs__key *list[] = {test_key(OBS__EDDSA, "a"), test_key(OBS__ES256, "b"), test_key(OBS__EDDSA, "c")};
    obs__keys *two = test_keys(list, 2), *three = test_keys(list, 3);
    char *token = test_token(list[0], OBS__EDDSA, "{\"alg\":\"EdDSA\"}", "{}");
    ck_assert_int_eq(verify(two, OBS__ALGORITHMS_PUBLIC, token), OBS_OK);
    expect_refused(three, token, "which of several keys");
    free(token);
    for (int i = 0; i < 3; i++)
        obs__key_free(list[i]);
    obs__keys_free(two);
    obs__keys_free(three);
}
END_TEST

/* PKCS #1 for PSS and the reverse, other hashes, and a salt of another length. */
START_TEST(the_key_binds_the_algorithm)
{
    obs__key *key = test_key(OBS__RS256, "k");
    obs__key *bound = test_key(OBS__RS256, "k");
    obs__key_restrict(bound, OBS__RS256);
    obs__keys *keys = test_keys(&key, 1), *narrow = test_keys(&bound, 1);
    char *rs = test_token(key, OBS__RS256, "{\"alg\":\"RS256\",\"kid\":\"k\"}", "{}");
    char *ps = test_token(key, OBS__PS256, "{\"alg\":\"PS256\",\"kid\":\"k\"}", "{}");
    char *swapped = test_token(key, OBS__PS256, "{\"alg\":\"RS256\",\"kid\":\"k\"}", "{}");
    char *other = test_token(key, OBS__PS384, "{\"alg\":\"PS256\",\"kid\":\"k\"}", "{}");
    for (int again = 0; again < 2; again++) { /* ready contexts of one algorithm serve no other */
        ck_assert_int_eq(verify(keys, OBS__ALGORITHMS_PUBLIC, rs), OBS_OK);
        ck_assert_int_eq(verify(keys, OBS__ALGORITHMS_PUBLIC, ps), OBS_OK);
        expect_refused(keys, swapped, "signature is wrong");
        expect_refused(keys, other, "signature is wrong");
    }
    ck_assert_int_eq(verify(narrow, OBS__ALGORITHMS_PUBLIC, rs), OBS_OK);
    expect_refused(narrow, ps, "not for this algorithm");
    free(rs);
    free(ps);
    free(swapped);
    free(other);
    obs__keys_free(keys);
    obs__keys_free(narrow);
    obs__key_free(key);
    obs__key_free(bound);
}
END_TEST

START_TEST(a_signature_has_its_exact_length)
{
    obs__key *key = test_key(OBS__ES256, "k");
    unsigned char signature[OBS__SIGNATURE_LIMIT] = {0};
    size_t size;
    ck_assert_ok(obs__key_sign(signature, &size, key, OBS__ES256, "x", 1, &error));
    ck_assert_uint_eq(size, 64);
    ck_assert_ok(obs__key_verify(key, OBS__ES256, "x", 1, signature, 64, &error));
    for (size_t wrong = 0; wrong < 140; wrong++)
        if (wrong != 64)
            ck_assert_int_eq(obs__key_verify(key, OBS__ES256, "x", 1, signature, wrong, &error), OBS_UNAUTHENTICATED);
    obs__key_free(key);
}
END_TEST

START_TEST(the_programs_error_queue_is_left_alone)
{
    obs__key *key = test_key(OBS__RS256, "k");
    unsigned char signature[256] = {1};
    ERR_clear_error();
    ck_assert_int_eq(obs__key_verify(key, OBS__RS256, "x", 1, signature, sizeof signature, &error), OBS_UNAUTHENTICATED);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ERR_raise(ERR_LIB_USER, 7);
    ck_assert_int_eq(obs__key_verify(key, OBS__RS256, "x", 1, signature, sizeof signature, &error), OBS_UNAUTHENTICATED);
    ck_assert_int_eq(ERR_GET_REASON(ERR_peek_last_error()), 7);
    ERR_clear_error();
    obs__key_free(key);
}
END_TEST

#define THREADS 12
static obs__keys *shared_keys;
static char *shared_tokens[2];

static void *verify_often(void *user)
{
    long wrong = 0;
    for (int i = 0; i < 60; i++) {
        obs__jws *jws = NULL;
        obs_error own;
        obs_error_init(&own, sizeof own);
        wrong += obs__jws_verify(&jws, shared_keys, OBS__ALGORITHMS_PUBLIC, shared_tokens[i % 2], OBS_TEXT, &own) != OBS_OK;
        obs__jws_free(jws);
    }
    (void)user;
    return (void *)wrong;
}

/* More than a key keeps contexts for, and two algorithms that want them. */
START_TEST(many_threads_share_a_key)
{
    pthread_t threads[THREADS];
    obs__key *key = test_key(OBS__RS256, "k");
    shared_keys = test_keys(&key, 1);
    shared_tokens[0] = test_token(key, OBS__RS256, "{\"alg\":\"RS256\",\"kid\":\"k\"}", "{}");
    shared_tokens[1] = test_token(key, OBS__PS384, "{\"alg\":\"PS384\",\"kid\":\"k\"}", "{}");
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, verify_often, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    free(shared_tokens[0]);
    free(shared_tokens[1]);
    obs__keys_free(shared_keys);
    obs__key_free(key);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_algorithm_there_and_back,
                                  each_changed_bit_is_found,
                                  headers_that_are_refused,
                                  keys_in_a_header_do_not_count,
                                  forms_that_are_refused,
                                  sizes_are_bounded,
                                  shared_secrets_are_never_keys,
                                  a_token_without_key_id,
                                  the_key_binds_the_algorithm,
                                  a_signature_has_its_exact_length,
                                  the_programs_error_queue_is_left_alone,
                                  many_threads_share_a_key};
    obs_error_init(&error, sizeof error);
    return test_main("jws", tests, sizeof tests / sizeof *tests);
}
