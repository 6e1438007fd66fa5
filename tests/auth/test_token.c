#include "auth/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/keys.h"
#include "auth/token_cache.h"
#include "support.h"

#define S INT64_C(1000000000)
#define NOW (1795000000 * S)
#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"k\"}"
#define CORE "\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1795003600"

static obs_error error;
static obs__key *key;
static obs__keys *keys;
static obs__token_verifier *verifier;

static obs__token_policy policy(void)
{
    return (obs__token_policy){.issuer = "obs:w", .audience = "obs:w", .algorithms = OBS__EDDSA | OBS__ES256};
}

static void set_up(void)
{
    obs__token_policy wanted = policy();
    obs_error_init(&error, sizeof error);
    key = test_key(OBS__EDDSA, "k");
    keys = test_keys(&key, 1);
    ck_assert_ok(obs__token_verifier_new(&verifier, &wanted, &error));
    ck_assert_ok(obs__token_verifier_set(verifier, keys, &error));
}

static void tear_down(void)
{
    obs__token_verifier_free(verifier);
    obs__keys_free(keys);
    obs__key_free(key);
}

/* Checks a payload under a header; NULL with the error set when it is refused. */
static obs__claims *check_with(const char *header, const char *payload, int64_t now)
{
    obs__claims *claims = NULL;
    char *token = test_token(key, OBS__EDDSA, header, payload);
    obs_status status = obs__token_verifier_check(&claims, verifier, token, OBS_TEXT, now, &error);
    ck_assert_int_eq(status == OBS_OK, claims != NULL);
    ck_assert(status == OBS_OK || status == OBS_UNAUTHENTICATED);
    free(token);
    return claims;
}

static void expect_right(const char *payload)
{
    obs__claims *claims = check_with(HEADER, payload, NOW);
    ck_assert_msg(claims != NULL, "%s: %s", payload, error.message);
    obs__claims_release(claims);
}

static void expect_wrong(const char *payload, const char *why)
{
    ck_assert_msg(!check_with(HEADER, payload, NOW), "%s is accepted", payload);
    ck_assert_msg(strstr(error.message, why) != NULL, "'%s' instead of '%s' for %s", error.message, why, payload);
}

START_TEST(what_a_token_says)
{
    obs__claims *claims = check_with(
        "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"at+jwt\"}",
        "{" CORE ",\"sub\":\"user:ada\",\"nbf\":1794999990,\"iat\":1794999990.5,\"jti\":\"j\\u002d1\",\"tenant\":\"lab\","
        "\"scope\":\"storage.read:/ config.read\",\"client_id\":\"obsctl\",\"other\":{\"aud\":[1,{}]}}",
        NOW);
    ck_assert_msg(claims != NULL, "%s", error.message);
    ck_assert_str_eq(claims->issuer, "obs:w");
    ck_assert_str_eq(claims->subject, "user:ada");
    ck_assert_str_eq(claims->tenant, "lab");
    ck_assert_str_eq(claims->client, "obsctl");
    ck_assert_str_eq(claims->id, "j-1");
    ck_assert_str_eq(claims->scope, "storage.read:/ config.read");
    ck_assert_int_eq(claims->expires_ns, 1795003600 * S);
    ck_assert_int_eq(claims->issued_ns, 1794999990 * S + S / 2);
    obs__claims_release(claims);
    claims = check_with(HEADER, "{" CORE ",\"azp\":\"portal\"}", NOW);
    ck_assert_msg(claims != NULL, "%s", error.message);
    ck_assert_str_eq(claims->client, "portal");
    ck_assert_str_eq(claims->tenant, "");
    ck_assert_str_eq(claims->json.data, "{" CORE ",\"azp\":\"portal\"}");
    ck_assert_uint_eq(claims->json.size, strlen(claims->json.data));
    obs__claims_release(claims);
}
END_TEST

START_TEST(claims_that_fit)
{
    expect_right("{" CORE "}");
    expect_right("{\"iss\":\"obs\\u003aw\",\"aud\":[\"x\",\"obs:\\u0077\"],\"exp\":1795003600}");
    expect_right("{\"iss\":\"obs:w\",\"aud\":[\"obs:w\"],\"exp\":1.7950036e9}");
    expect_right("{" CORE ",\"iat\":1795000060.0,\"nbf\":1.79500006e9}");
}
END_TEST

START_TEST(claims_that_are_refused)
{
    static const struct {
        const char *payload, *why;
    } rows[] = {
        {"", "strict JSON"},
        {"[]", "strict JSON"},
        {"{", "strict JSON"},
        {"{" CORE "}{}", "strict JSON"},
        {"{" CORE ",\"exp\":1795003600}", "twice"},
        {"{" CORE ",\"\\u0065xp\":1795003600}", "twice"},
        {"{" CORE ",\"x\":1,\"x\":2}", "twice"},
        {"{" CORE ",\"x\":[1,}", "strict JSON"},
        {"{\"aud\":\"obs:w\",\"exp\":1795003600}", "another issuer"},
        {"{\"iss\":\"\",\"aud\":\"obs:w\",\"exp\":1795003600}", "another issuer"},
        {"{\"iss\":\"obs:w/\",\"aud\":\"obs:w\",\"exp\":1795003600}", "another issuer"},
        {"{\"iss\":\"OBS:w\",\"aud\":\"obs:w\",\"exp\":1795003600}", "another issuer"},
        {"{\"iss\":[\"obs:w\"],\"aud\":\"obs:w\",\"exp\":1795003600}", "'iss' is no text"},
        {"{\"iss\":\"obs:w\",\"exp\":1795003600}", "for which audience"},
        {"{\"iss\":\"obs:w\",\"aud\":[],\"exp\":1795003600}", "for which audience"},
        {"{\"iss\":\"obs:w\",\"aud\":\"other\",\"exp\":1795003600}", "another audience"},
        {"{\"iss\":\"obs:w\",\"aud\":[\"other\"],\"exp\":1795003600}", "another audience"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w obs:x\",\"exp\":1795003600}", "another audience"},
        {"{\"iss\":\"obs:w\",\"aud\":[\"obs:w\",7],\"exp\":1795003600}", "list of texts"},
        {"{\"iss\":\"obs:w\",\"aud\":{\"obs:w\":1},\"exp\":1795003600}", "nor a list"},
        {"{\"iss\":\"obs:w\",\"aud\":null,\"exp\":1795003600}", "nor a list"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\"}", "'exp' is missing"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":null}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":\"1795003600\"}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":-1}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":-0}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1e400}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":9223372037}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":18446744073709551616}", "'exp' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":0}", "expired"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1794999940}", "expired 60 s ago"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1795090000}", "longer than 24 h"},
        {"{" CORE ",\"iat\":1794900000}", "longer than 24 h"},
        {"{" CORE ",\"nbf\":1795000061}", "counts only in 61 s"},
        {"{" CORE ",\"iat\":1795000061}", "in the future: check this machine's clock"},
        {"{" CORE ",\"nbf\":-5}", "'nbf' is no time"},
        {"{" CORE ",\"iat\":[]}", "'iat' is no time"},
        {"{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1795000010,\"iat\":1795000010}", "before it begins"},
        {"{" CORE ",\"sub\":7}", "'sub' is no text"},
        {"{" CORE ",\"sub\":\"a\\u0000b\"}", "control characters"},
        {"{" CORE ",\"sub\":\"a\\nb\"}", "control characters"},
        {"{" CORE ",\"tenant\":\"\\u001b[2J\"}", "control characters"},
        {"{" CORE ",\"tenant\":\"0123456789012345678901234567890123456789012345678901234567890123\"}", "too long"},
        {"{" CORE ",\"scope\":[\"storage.read:/\"]}", "'scope' is no text"},
        {"{" CORE ",\"jti\":true}", "'jti' is no text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_wrong(rows[i].payload, rows[i].why);
}
END_TEST

/* A token is for what its type says; one for access has all that RFC 9068 demands. */
START_TEST(types)
{
    static const char *const right[] = {"JWT", "jwt", "application/jwt", ""};
    static const char *const wrong[] = {"logout+jwt",   "dpop+jwt", "secevent+jwt",    "JOSE",
                                        "application/", "at+jwtx",  "xapplication/jwt"};
    static const char *const full[] = {"\"sub\":\"a\"", "\"client_id\":\"c\"", "\"jti\":\"j\"", "\"iat\":1794999999"};
    char header[100], payload[300];
    obs__claims *claims;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"%s\"}", right[i]);
        claims = check_with(header, "{" CORE "}", NOW);
        ck_assert_msg(claims != NULL, "%s: %s", right[i], error.message);
        obs__claims_release(claims);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(header, sizeof header, "{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"%s\"}", wrong[i]);
        ck_assert_ptr_null(check_with(header, "{" CORE "}", NOW));
        ck_assert_ptr_nonnull(strstr(error.message, "another type"));
    }
    for (unsigned missing = 0; missing <= 4; missing++) {
        strcpy(payload, "{" CORE);
        for (unsigned i = 0; i < 4; i++)
            if (i != missing) {
                strcat(payload, ",");
                strcat(payload, full[i]);
            }
        strcat(payload, "}");
        claims = check_with("{\"alg\":\"EdDSA\",\"kid\":\"k\",\"typ\":\"application/at+JWT\"}", payload, NOW);
        ck_assert_msg((claims != NULL) == (missing == 4), "%u: %s", missing, error.message);
        obs__claims_release(claims);
    }
}
END_TEST

START_TEST(leeway_of_times)
{
    static const char payload[] =
        "{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":1795003600,\"nbf\":1795000000,\"iat\":1795000000}";
    static const struct {
        int64_t now_s;
        int right;
    } rows[] = {{1794999939, 0}, {1794999940, 1}, {1795000000, 1}, {1795003659, 1}, {1795003660, 0}, {0, 0}, {9000000000, 0}};
    for (int cached = 0; cached < 2; cached++) /* what is remembered is checked again */
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            obs__claims *claims = check_with(HEADER, payload, rows[i].now_s * S);
            ck_assert_msg((claims != NULL) == rows[i].right, "%lld: %s", (long long)rows[i].now_s, error.message);
            obs__claims_release(claims);
        }
    ck_assert_uint_gt(obs__token_verifier_hits(verifier), 5);
}
END_TEST

START_TEST(policies_that_leave_something_open)
{
    obs__token_verifier *other = NULL;
    obs__token_policy rows[8];
    for (int i = 0; i < 8; i++)
        rows[i] = policy();
    rows[0].issuer = NULL;
    rows[1].issuer = "";
    rows[2].audience = NULL;
    rows[3].algorithms = 0;
    rows[4].algorithms |= OBS__HS256;
    rows[5].algorithms = OBS__HS512;
    rows[6].leeway_ns = 601 * S;
    rows[7].lifetime_ns = -1;
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(obs__token_verifier_new(&other, &rows[i], &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_null(other);
    }
    obs__keys *secret = NULL;
    ck_assert_ok(obs__keys_parse(&secret,
                                 "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
                                 OBS_TEXT, OBS__JWK_SECRET, &error));
    ck_assert_int_eq(obs__token_verifier_set(verifier, secret, &error), OBS_INVALID_ARGUMENT);
    obs__keys_free(secret);
    expect_right("{" CORE "}"); /* the keys from before are still there */
}
END_TEST

START_TEST(no_keys_yet)
{
    obs__token_verifier *other = NULL;
    obs__claims *claims = NULL;
    obs__token_policy wanted = policy();
    ck_assert_ok(obs__token_verifier_new(&other, &wanted, &error));
    ck_assert_int_eq(obs__token_verifier_check(&claims, other, "e30.e30.AA", OBS_TEXT, NOW, &error), OBS_UNAVAILABLE);
    obs__token_verifier_free(other);
}
END_TEST

static obs_status check(const char *token, int64_t now)
{
    obs__claims *claims = NULL;
    obs_status status = obs__token_verifier_check(&claims, verifier, token, OBS_TEXT, now, &error);
    obs__claims_release(claims);
    return status;
}

START_TEST(a_remembered_token_ends_with_its_key)
{
    char *token = test_token(key, OBS__EDDSA, HEADER, "{" CORE "}");
    obs__key *next = test_key(OBS__ES256, "n");
    obs__key *const both[] = {key, next};
    obs__keys *same = test_keys(&key, 1), *overlap = test_keys(both, 2), *after = test_keys(&next, 1);
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    ck_assert_uint_eq(obs__token_verifier_hits(verifier), 1);
    ck_assert_ok(obs__token_verifier_set(verifier, same, &error)); /* fetched again, nothing new */
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    ck_assert_uint_eq(obs__token_verifier_hits(verifier), 2);
    ck_assert_ok(obs__token_verifier_set(verifier, overlap, &error));
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    ck_assert_uint_eq(obs__token_verifier_hits(verifier), 2); /* verified again */
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    ck_assert_ok(obs__token_verifier_set(verifier, after, &error));
    ck_assert_int_eq(check(token, NOW), OBS_UNAUTHENTICATED);
    ck_assert_ptr_nonnull(strstr(error.message, "not known"));
    ck_assert_ok(obs__token_verifier_set(verifier, keys, &error));
    ck_assert_int_eq(check(token, NOW), OBS_OK);
    free(token);
    obs__keys_free(same);
    obs__keys_free(overlap);
    obs__keys_free(after);
    obs__key_free(next);
}
END_TEST

START_TEST(refused_tokens_are_not_remembered)
{
    char *token = test_token(key, OBS__EDDSA, HEADER, "{" CORE ",\"nbf\":1795000100}");
    ck_assert_int_eq(check(token, NOW), OBS_UNAUTHENTICATED);
    ck_assert_int_eq(check(token, NOW), OBS_UNAUTHENTICATED);
    ck_assert_uint_eq(obs__token_verifier_hits(verifier), 0);
    ck_assert_int_eq(check(token, NOW + 100 * S), OBS_OK);
    token[strlen(token) - 2] ^= 1;
    ck_assert_int_eq(check(token, NOW + 100 * S), OBS_UNAUTHENTICATED);
    free(token);
}
END_TEST

static obs__claims *claims_of(int64_t expires_ns)
{
    char payload[200];
    obs__token_policy wanted = policy();
    obs__claims *claims = NULL;
    obs__jws jws = {0};
    snprintf(payload, sizeof payload, "{\"iss\":\"obs:w\",\"aud\":\"obs:w\",\"exp\":%lld}", (long long)(expires_ns / S));
    jws.payload = obs__view_of(payload, OBS_TEXT);
    ck_assert_ok(obs__claims_read(&claims, &jws, &wanted, NOW, &error));
    return claims;
}

START_TEST(the_cache_is_bounded)
{
    obs__token_cache *cache = obs__token_cache_new();
    obs__claims *claims = claims_of(NOW + 3600 * S);
    unsigned char hash[OBS__SHA256_SIZE];
    size_t kept = 0, count = 4 * OBS__TOKEN_CACHE_COUNT;
    for (size_t i = 0; i < count; i++) {
        ck_assert_ok(obs__sha256(hash, &i, sizeof i, &error));
        obs__token_cache_put(cache, hash, 1, claims, NOW);
        ck_assert_ptr_eq(obs__token_cache_find(cache, hash, 1), claims);
        obs__claims_release(claims);
        ck_assert_ptr_null(obs__token_cache_find(cache, hash, 2));
    }
    for (size_t i = 0; i < count; i++) {
        ck_assert_ok(obs__sha256(hash, &i, sizeof i, &error));
        obs__claims *found = obs__token_cache_find(cache, hash, 1);
        kept += found != NULL;
        obs__claims_release(found);
    }
    ck_assert_uint_gt(kept, OBS__TOKEN_CACHE_COUNT / 2);
    ck_assert_uint_le(kept, OBS__TOKEN_CACHE_COUNT);
    ck_assert_uint_eq(atomic_load(&claims->holders), kept + 1);
    obs__token_cache_free(cache);
    ck_assert_uint_eq(atomic_load(&claims->holders), 1);
    obs__claims_release(claims);
}
END_TEST

/* Of one set: what is expired goes first, then what was not asked for longest. */
START_TEST(what_the_cache_forgets_first)
{
    obs__token_cache *cache = obs__token_cache_new();
    obs__claims *soon = claims_of(NOW + 10 * S), *late = claims_of(NOW + 3600 * S), *found;
    unsigned char hash[OBS__SHA256_SIZE] = {0};
    for (unsigned char i = 1; i <= 4; i++) {
        hash[31] = i;
        obs__token_cache_put(cache, hash, 1, i == 3 ? soon : late, NOW);
    }
    hash[31] = 1; /* used again, so that 2 is the oldest */
    obs__claims_release(obs__token_cache_find(cache, hash, 1));
    hash[31] = 5;
    obs__token_cache_put(cache, hash, 1, late, NOW + 20 * S);
    hash[31] = 3;
    ck_assert_ptr_null(obs__token_cache_find(cache, hash, 1));
    hash[31] = 6;
    obs__token_cache_put(cache, hash, 1, late, NOW + 20 * S);
    for (unsigned char i = 1; i <= 6; i++) {
        hash[31] = i;
        found = obs__token_cache_find(cache, hash, 1);
        ck_assert_msg((found != NULL) == (i != 2 && i != 3), "%d", i);
        obs__claims_release(found);
    }
    obs__token_cache_free(cache);
    obs__claims_release(soon);
    obs__claims_release(late);
}
END_TEST

static char *tokens[8];
static atomic_int stop;
static atomic_long refusals;

static void *check_often(void *user)
{
    long done = 0;
    while (!atomic_load(&stop)) {
        obs__claims *claims = NULL;
        obs_error own;
        obs_error_init(&own, sizeof own);
        if (obs__token_verifier_check(&claims, verifier, tokens[done++ % 8], OBS_TEXT, NOW, &own) != OBS_OK)
            atomic_fetch_add(&refusals, 1);
        else if (strcmp(claims->subject, "ada") != 0)
            atomic_fetch_add(&refusals, 1000000);
        obs__claims_release(claims);
    }
    (void)user;
    return NULL;
}

/* Keys are exchanged while tokens are checked, and a child is made meanwhile. */
START_TEST(threads_and_new_keys)
{
    pthread_t threads[4];
    obs__key *next = test_key(OBS__ES256, "n");
    obs__key *const both[] = {key, next};
    obs__keys *overlap = test_keys(both, 2);
    for (int i = 0; i < 8; i++) {
        char payload[200];
        snprintf(payload, sizeof payload, "{" CORE ",\"sub\":\"ada\",\"n\":%d}", i);
        tokens[i] = test_token(key, OBS__EDDSA, HEADER, payload);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, check_often, NULL), 0);
    for (int i = 0; i < 100; i++) {
        ck_assert_ok(obs__token_verifier_set(verifier, i % 2 ? keys : overlap, &error));
        ck_assert_int_eq(check(tokens[i % 8], NOW), OBS_OK);
        if (i % 10 == 0) {
            pid_t child = fork();
            if (child == 0) {
                alarm(300);
                _exit(check(tokens[0], NOW) == OBS_OK && check(tokens[0], NOW) == OBS_OK ? 0 : 1);
            }
            int code = -1;
            ck_assert_int_eq(waitpid(child, &code, 0), child);
            ck_assert_int_eq(code, 0);
        }
    }
    atomic_store(&stop, 1);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&refusals), 0);
    for (int i = 0; i < 8; i++)
        free(tokens[i]);
    obs__keys_free(overlap);
    obs__key_free(next);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_a_token_says,
                                  claims_that_fit,
                                  claims_that_are_refused,
                                  types,
                                  leeway_of_times,
                                  policies_that_leave_something_open,
                                  no_keys_yet,
                                  a_remembered_token_ends_with_its_key,
                                  refused_tokens_are_not_remembered,
                                  the_cache_is_bounded,
                                  what_the_cache_forgets_first,
                                  threads_and_new_keys};
    return test_main_between("auth/token", tests, sizeof tests / sizeof *tests, set_up, tear_down);
}
