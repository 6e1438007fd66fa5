/* Every allocation of reading keys, checking and issuing tokens fails once: never a wrong word about a key or a token, only
 * that there is no memory; nothing crashes, nothing leaks. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "auth/issuer.h"
#include "auth/keys.h"
#include "auth/source.h"
#include "auth/token.h"
#include "faults/failing_malloc.h"
#include "support.h"

#define NOW (INT64_C(1795000000) * 1000000000)

static obs_error error;
static const obs__algorithm algorithms[] = {OBS__RS256, OBS__ES256, OBS__EDDSA};
static obs__key *keys[3];
static obs__keys *set;
static obs__builder set_text, tokens[3];
static obs__issuer *issuer;
static char *pem;
static size_t pem_size;

static void prepare(void)
{
    static const char payload[] = "{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1795003600,\"sub\":\"user:ada\"}";
    obs__builder_init(&set_text, OBS__JWKS_SIZE_LIMIT);
    for (size_t i = 0; i < 3; i++) {
        keys[i] = test_key(algorithms[i], NULL);
        obs__builder_init(&tokens[i], OBS__TOKEN_SIZE_LIMIT);
        ck_assert_ok(obs__jws_sign(&tokens[i], keys[i], algorithms[i], NULL, obs__view_of(payload, OBS_TEXT), &error));
    }
    ck_assert_ok(obs__keys_make(&set, keys, 3, &error));
    obs__keys_add(&set_text, set);
    ck_assert_ok(obs__key_to_pem(&pem, &pem_size, keys[2], &error));
    obs__issuer_options options = {.workspace = "w", .folder = test_path(test_folder(), "keys"), .replace_ns = -1};
    ck_assert_ok(obs__issuer_open(&issuer, &options, &error));
}

static obs_status read_keys(void)
{
    obs__keys *read = NULL;
    obs_status status = obs__keys_parse(&read, set_text.data, set_text.size, 0, &error);
    if (status == OBS_OK && obs__keys_count(read) != 3)
        status = OBS_UNKNOWN; /* a key was passed over that is right */
    obs__keys_free(read);
    return status;
}

static obs_status read_pem(void)
{
    obs__key *key = NULL;
    obs_status status = obs__key_from_pem(&key, pem, pem_size, &error);
    obs__key_free(key);
    return status;
}

static obs_status make_key(void)
{
    obs__key *key = NULL;
    char *text = NULL;
    size_t size = 0;
    obs_status status = obs__key_generate(&key, OBS__ES256, &error);
    if (status == OBS_OK)
        status = obs__key_to_pem(&text, &size, key, &error);
    obs__key_pem_free(text, size);
    obs__key_free(key);
    return status;
}

/* By keys that were never used before, so that their contexts are made as well. */
static obs_status check_tokens(void)
{
    obs__keys *read = NULL;
    obs__token_verifier *verifier = NULL;
    obs__token_policy policy = {.issuer = "obs:w", .audience = "obs:w", .algorithms = OBS__ALGORITHMS_PUBLIC};
    obs_status status = obs__keys_parse(&read, set_text.data, set_text.size, 0, &error);
    if (status == OBS_OK)
        status = obs__token_verifier_new(&verifier, &policy, &error);
    if (status == OBS_OK)
        status = obs__token_verifier_set(verifier, read, &error);
    for (size_t i = 0; i < 6 && status == OBS_OK; i++) {
        obs__claims *claims = NULL;
        status = obs__token_verifier_check(&claims, verifier, tokens[i % 3].data, tokens[i % 3].size, NOW, &error);
        obs__claims_release(claims);
    }
    obs__token_verifier_free(verifier);
    obs__keys_free(read);
    return status;
}

static obs_status issue(void)
{
    char id[OBS__ISSUED_ID_SIZE];
    obs_secret *token = NULL;
    obs__keys *read = NULL;
    obs__limit limit = obs__limit_in(10000, NULL);
    obs__issue issue = {.subject = "user:ada", .scope = "storage.read:/raw"};
    obs_status status = obs__issuer_sign(&token, id, issuer, &issue, &limit, NOW, &error);
    if (status == OBS_OK)
        status = obs__issuer_keys(&read, issuer, NOW, &error);
    obs__keys_free(read);
    obs_secret_free(token);
    return status;
}

static obs_status rotate(void)
{
    obs__limit limit = obs__limit_in(10000, NULL);
    return obs__issuer_rotate(issuer, 1, &limit, NOW, &error);
}

static obs_status find_token(void)
{
    obs__token_source *source = NULL;
    obs_secret *token = NULL;
    obs_status status = obs__token_source_open(&source, tokens[0].data, tokens[0].size, "/nowhere", &error);
    if (status == OBS_OK)
        status = obs__token_source_get(&token, source, &error);
    obs_secret_free(token);
    obs__token_source_free(source);
    return status;
}

/* OpenSSL keeps the texts of its last errors for each thread. */
static long live(void)
{
    OPENSSL_thread_stop();
    return failing_malloc_live();
}

/* What is made once and kept is made in the first turn, so that leaks show in the second. `step`: calls that sync files fail at
 * some of their allocations only. */
static void fail_each(const char *name, obs_status (*call)(void), int step, int and_all_after)
{
    int failed = 1;
    ck_assert_msg(call() == OBS_OK, "%s: %s", name, error.message);
    for (int again = 0; again < 2; again++) {
        long before = live();
        for (long n = 1 + again * (step / 2); n < 20000 && (failed || n <= step); n += step) {
            failing_malloc_arm(n, and_all_after);
            obs_status status = call();
            failed = failing_malloc_disarm();
            ck_assert_msg(ERR_peek_error() == 0, "%s: allocation %ld leaves an error in the program's queue", name, n);
            /* OpenSSL does without some, and its generator of random numbers recovers only with the next call. */
            ck_assert_msg(status == OBS_OK || status == OBS_RESOURCE_EXHAUSTED, "%s: allocation %ld: %s: %s", name, n,
                          obs_status_name(status), error.message);
        }
        ck_assert_msg(!failed, "%s never succeeds", name);
        ck_assert_msg(call() == OBS_OK, "%s afterwards: %s", name, error.message);
        long more = live() - before;
        ck_assert_msg(!again || more <= 0, "%s leaks %ld blocks", name, more);
    }
}

START_TEST(every_allocation_fails_once)
{
    static const struct {
        const char *name;
        obs_status (*call)(void);
        int step;
    } calls[] = {{"keys", read_keys, 1}, {"pem", read_pem, 1},     {"new key", make_key, 1}, {"tokens", check_tokens, 1},
                 {"issuing", issue, 1},  {"rotation", rotate, 97}, {"source", find_token, 1}};
    if (!failing_malloc_arm) {
        test_skipped("failing allocations", "the allocator that fails is not there (not glibc, or a sanitizer has its own)");
        return;
    }
    prepare();
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (int all = 0; all < 2; all++)
            fail_each(calls[i].name, calls[i].call, calls[i].step, all);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_allocation_fails_once};
    obs_error_init(&error, sizeof error);
    return test_main("auth_memory", tests, sizeof tests / sizeof tests[0]);
}
