/*
 * The first character says what the rest is: T a token, C the claims of one that was verified, K a set of keys, H a header that
 * is signed by nobody, S scopes and behind a line end a key. Every refusal has a sentence, and what is accepted keeps its
 * promises.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/scope.h"
#include "auth/token.h"
#include "base/base64.h"
#include "base/memory.h"

#define NOW (INT64_C(1795000000) * 1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The public parts of keys that signed the tokens of the corpus and exist no more. */
static const char published[] =
    "{\"keys\":[{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"QC86CiQJcRvEXjDyG8bE3FCmcYCytMqIDUOlRK4FhY4\",\"kid\":\"ed\","
    "\"alg\":\"EdDSA\",\"use\":\"sig\"},{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"wLljKRD6-KSqvlH5FZNcoTczwXXS0lxDLYdg-g7q5-"
    "8\","
    "\"y\":\"BayJSJR3I24SYaqrkB8BdgwqxyRjRLD3UBAGuBa5kLQ\",\"kid\":\"ec\",\"alg\":\"ES256\",\"use\":\"sig\"}]}";

static const obs__token_policy policy = {"obs:fuzz", "obs:fuzz", OBS__ALGORITHMS_PUBLIC, NULL, 0, 0};
static obs__keys *keys;
static obs_error error;

static void must(int right)
{
    if (!right)
        abort();
}

static void must_tell(obs_status status)
{
    must(status == error.status && *error.message);
}

static void check_claims(obs__jws *jws)
{
    obs__claims *claims = NULL;
    obs_status status = obs__claims_read(&claims, jws, &policy, NOW, &error);
    must((status == OBS_OK) == (claims != NULL));
    if (claims) {
        must(strcmp(claims->issuer, "obs:fuzz") == 0);
        must(claims->expires_ns > NOW - OBS__TOKEN_LEEWAY_NS);
        must(claims->issued_ns < claims->expires_ns && claims->begins_ns < claims->expires_ns);
        must(obs__claims_check(claims, &policy, claims->expires_ns + OBS__TOKEN_LEEWAY_NS, NULL) == OBS_UNAUTHENTICATED);
    } else
        must_tell(status);
    obs__claims_release(claims);
}

static void check_token(const char *text, size_t size)
{
    obs__jws *jws = NULL;
    obs_status status = obs__jws_verify(&jws, keys, OBS__ALGORITHMS_PUBLIC, text, size, &error);
    must((status == OBS_OK) == (jws != NULL));
    if (jws)
        check_claims(jws);
    else
        must_tell(status);
    obs__jws_free(jws);
}

/* What is written of a set that was read is the same set. */
static void check_keys(const char *text, size_t size)
{
    obs__keys *read = NULL, *again = NULL;
    obs__builder out;
    obs_status status = obs__keys_parse(&read, text, size, 0, &error);
    if (status != OBS_OK) {
        must_tell(status);
        return;
    }
    obs__builder_init(&out, (size_t)1 << 20);
    obs__keys_add(&out, read);
    must(obs__keys_parse(&again, out.data, out.size, 0, &error) == OBS_OK);
    must(obs__keys_count(again) == obs__keys_count(read) && !obs__keys_ignored(again));
    obs__builder_free(&out);
    obs__keys_free(again);
    obs__keys_free(read);
}

static void check_header(const char *text, size_t size)
{
    obs__builder token;
    obs__builder_init(&token, (size_t)1 << 20);
    obs__add_base64url(&token, text, size);
    obs__add_text(&token, ".e30.");
    for (int i = 0; i < 86; i++)
        obs__add_char(&token, 'A');
    if (!token.failed)
        check_token(token.data, token.size);
    obs__builder_free(&token);
}

/* What a scope covers lies below its path as it is written when nothing of it is escaped; what it lists, it covers. */
static void check_scopes(const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size);
    size_t first = end ? (size_t)(end - text) : size;
    obs__view object = {end ? end + 1 : text + size, end ? size - first - 1 : 0};
    obs__token_scopes scopes;
    if (obs__scopes_read(&scopes, (obs__view){text, first}, &error) != OBS_OK) {
        must_tell(OBS_RESOURCE_EXHAUSTED);
        return;
    }
    must(obs__scopes_within(&scopes, &scopes));
    for (size_t i = 0; i < scopes.count; i++) {
        obs__token_scopes one = {.count = 1, .list = {scopes.list[i]}};
        obs__view path = one.list[0].path;
        int covers = obs__scopes_allow(&one, (obs__permission)one.list[0].permissions, object);
        if (covers && path.size > 1 && !memchr(path.data, '%', path.size))
            must(object.size >= path.size - 1 && memcmp(object.data, path.data + 1, path.size - 1) == 0);
        must(!covers || obs__scopes_allow(&scopes, (obs__permission)one.list[0].permissions, object));
        must(obs__scopes_within(&one, &scopes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!keys) {
        obs_error_init(&error, sizeof error);
        must(obs__keys_parse(&keys, published, sizeof published - 1, 0, &error) == OBS_OK);
    }
    char *text = size ? obs__memdup(data + 1, size - 1) : NULL;
    if (!text)
        return 0;
    switch (*data) {
    case 'T':
        check_token(text, size - 1);
        break;
    case 'C':
        check_claims(&(obs__jws){.algorithm = OBS__EDDSA, .payload = {text, size - 1}});
        break;
    case 'K':
        check_keys(text, size - 1);
        break;
    case 'H':
        check_header(text, size - 1);
        break;
    case 'S':
        check_scopes(text, size - 1);
        break;
    default:
        break;
    }
    obs__free(text);
    return 0;
}
