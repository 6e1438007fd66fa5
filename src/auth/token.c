#include "auth/token.h"

#include <string.h>
#include <strings.h>

#include "auth/identity.h"
#include "auth/members.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/number.h"

#define NS_PER_S INT64_C(1000000000)
#define SECONDS_MOST 9.2e9 /* in the year 2261: what nanoseconds in 64 bits hold */
#define TEXT_MOST 1024     /* of an issuer, audience or type that is written with escapes */
#define AUDIENCES_MOST 64

/* Texts that are kept. */
enum { ISSUER, SUBJECT, TENANT, CLIENT, PARTY, ID, SCOPE, TEXTS };

static const struct {
    const char *name;
    size_t most; /* bytes as written */
} texts[TEXTS] = {
    [ISSUER] = {"iss", 1024},  [SUBJECT] = {"sub", OBS__SUBJECT_SIZE - 1},
    [TENANT] = {"tenant", 63}, [CLIENT] = {"client_id", 255},
    [PARTY] = {"azp", 255},    [ID] = {"jti", 255},
    [SCOPE] = {"scope", 8192},
};

enum { EXPIRES, BEGINS, ISSUED, TIMES };
static const char *const times[TIMES] = {"exp", "nbf", "iat"};

typedef struct found {
    obs__json_text text[TEXTS];
    int64_t time[TIMES]; /* negative: not there */
    int has_audience;
    int is_for_us;
} found;

static obs_status refuse(obs_error *error, const char *why)
{
    return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: %s", why);
}

static obs_status refuse_claim(obs_error *error, const char *name, const char *why)
{
    return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: its '%s' %s", name, why);
}

/* Whether a text means `wanted`, however it is written. */
static int means(obs__json_text text, const char *wanted)
{
    char plain[TEXT_MOST];
    if (!text.escaped)
        return obs__view_is(text.raw, wanted);
    if (text.raw.size > sizeof plain)
        return 0;
    return obs__view_is((obs__view){plain, obs__json_unescape(plain, text)}, wanted);
}

/* Seconds since 1970, perhaps with a fraction. */
static obs_status read_time(int64_t *out, obs__json *json, const char *name, obs_error *error)
{
    obs__view raw = {0};
    double seconds = 0;
    int is_number = obs__json_peek(json) == '0';
    if (!obs__json_skip(json, &raw))
        return OBS_OK; /* the fault is told at the end */
    if (!is_number || *raw.data == '-' || !obs__number_read(&seconds, raw, NULL) || seconds > SECONDS_MOST)
        return refuse_claim(error, name, "is no time in seconds since 1970");
    *out = (int64_t)(seconds * (double)NS_PER_S);
    return OBS_OK;
}

static void read_one_audience(found *out, obs__json *json, const obs__token_policy *policy)
{
    obs__json_text text;
    if (!obs__json_string(json, &text))
        return;
    out->has_audience = 1;
    out->is_for_us |= means(text, policy->audience);
}

static obs_status read_audience(found *out, obs__json *json, const obs__token_policy *policy, obs_error *error)
{
    char kind = obs__json_peek(json);
    if (kind == '"')
        read_one_audience(out, json, policy);
    else if (kind == '[' && obs__json_enter(json, '['))
        for (int count = 0; obs__json_element(json); count++) {
            if (count == AUDIENCES_MOST || obs__json_peek(json) != '"')
                return refuse_claim(error, "aud", "is no short list of texts");
            read_one_audience(out, json, policy);
        }
    else
        return refuse_claim(error, "aud", "is neither a text nor a list of texts");
    return OBS_OK;
}

static obs_status read_text(obs__json_text *out, obs__json *json, const char *name, size_t most, obs_error *error)
{
    if (obs__json_peek(json) != '"')
        return refuse_claim(error, name, "is no text");
    if (!obs__json_string(json, out))
        return OBS_OK;
    return out->raw.size <= most ? OBS_OK : refuse_claim(error, name, "is too long");
}

static obs_status read_claim(found *out, obs__members *members, const obs__token_policy *policy, obs_error *error)
{
    obs__view ignored;
    for (size_t i = 0; i < TIMES; i++)
        if (obs__members_is(members, times[i]))
            return read_time(&out->time[i], &members->json, times[i], error);
    for (size_t i = 0; i < TEXTS; i++)
        if (obs__members_is(members, texts[i].name))
            return read_text(&out->text[i], &members->json, texts[i].name, texts[i].most, error);
    if (obs__members_is(members, "aud"))
        return read_audience(out, &members->json, policy, error);
    obs__json_skip(&members->json, &ignored);
    return OBS_OK;
}

static obs_status read_claims(found *out, obs__view payload, const obs__token_policy *policy, obs_error *error)
{
    obs__members members;
    obs_status status = OBS_OK;
    if (obs__members_begin(&members, payload.data, payload.size))
        while (status == OBS_OK && obs__members_next(&members))
            status = read_claim(out, &members, policy, error);
    return status == OBS_OK ? obs__members_end(&members, "the payload of the token", error) : status;
}

/* `application/` in front and capital letters mean nothing (RFC 7515, section 4.1.9). */
static int type_is(obs__view type, const char *wanted)
{
    static const char prefix[] = "application/";
    size_t size = strlen(wanted), skip = sizeof prefix - 1;
    if (type.size == size + skip && strncasecmp(type.data, prefix, skip) == 0)
        type = (obs__view){type.data + skip, size};
    return type.size == size && strncasecmp(type.data, wanted, size) == 0;
}

/* So that a token for another purpose (a logout, a proof of possession) is not taken for one that grants access. */
static int type_fits(obs__view type, const char *wanted)
{
    if (wanted)
        return type_is(type, wanted);
    return !type.size || type_is(type, "JWT") || type_is(type, OBS__TOKEN_TYPE);
}

static obs_status check_found(const found *found, const obs__jws *jws, const obs__token_policy *policy, obs_error *error)
{
    static const int of_access_tokens[] = {SUBJECT, CLIENT, ID}; /* RFC 9068, section 2.2 */
    if (!found->text[ISSUER].raw.data || !means(found->text[ISSUER], policy->issuer))
        return refuse(error, "it comes from another issuer");
    if (!found->is_for_us)
        return refuse(error, found->has_audience ? "it is for another audience" : "it does not say for which audience it is");
    if (found->time[EXPIRES] < 0)
        return refuse_claim(error, times[EXPIRES], "is missing");
    if (!type_is(jws->type, OBS__TOKEN_TYPE))
        return OBS_OK;
    for (size_t i = 0; i < sizeof of_access_tokens / sizeof *of_access_tokens; i++)
        if (!found->text[of_access_tokens[i]].raw.size)
            return refuse_claim(error, texts[of_access_tokens[i]].name, "is missing");
    return found->time[ISSUED] < 0 ? refuse_claim(error, times[ISSUED], "is missing") : OBS_OK;
}

/* Copies the texts one behind the other, each with a NUL; none may hide characters, as they are shown and written to logs. */
static obs_status keep(const char *kept[TEXTS], char *at, const found *found, obs_error *error)
{
    for (size_t i = 0; i < TEXTS; i++) {
        size_t size = found->text[i].raw.data ? obs__json_unescape(at, found->text[i]) : 0;
        if (!obs__auth_is_plain(at, size))
            return refuse_claim(error, texts[i].name, "contains control characters");
        kept[i] = at;
        at[size] = '\0';
        at += size + 1;
    }
    return OBS_OK;
}

static obs_status make(obs__claims **out, const found *found, obs__view payload, obs_error *error)
{
    size_t size = payload.size + 1;
    const char *kept[TEXTS];
    for (size_t i = 0; i < TEXTS; i++)
        size += found->text[i].raw.size + 1;
    obs__claims *claims = obs__alloc(sizeof *claims + size);
    char *json = claims ? (char *)(claims + 1) : NULL;
    obs_status status = json ? keep(kept, json + payload.size + 1, found, error) : obs__fail_memory(error);
    if (status != OBS_OK) {
        obs__free(claims);
        return status;
    }
    atomic_init(&claims->holders, 1);
    claims->issuer = kept[ISSUER];
    claims->subject = kept[SUBJECT];
    claims->tenant = kept[TENANT];
    claims->client = *kept[CLIENT] ? kept[CLIENT] : kept[PARTY];
    claims->id = kept[ID];
    claims->scope = kept[SCOPE];
    claims->expires_ns = found->time[EXPIRES];
    claims->begins_ns = found->time[BEGINS] > 0 ? found->time[BEGINS] : 0;
    claims->issued_ns = found->time[ISSUED] > 0 ? found->time[ISSUED] : 0;
    memcpy(json, payload.data, payload.size);
    json[payload.size] = '\0';
    claims->json = (obs__view){json, payload.size};
    *out = claims;
    return OBS_OK;
}

obs_status obs__claims_read(obs__claims **out, const obs__jws *jws, const obs__token_policy *policy, int64_t now_ns,
                            obs_error *error)
{
    found found = {.time = {-1, -1, -1}};
    *out = NULL;
    if (!type_fits(jws->type, policy->type))
        return refuse(error, "it is of another type ('typ')");
    obs_status status = read_claims(&found, jws->payload, policy, error);
    if (status == OBS_OK)
        status = check_found(&found, jws, policy, error);
    if (status == OBS_OK)
        status = make(out, &found, jws->payload, error);
    if (status == OBS_OK)
        status = obs__claims_check(*out, policy, now_ns, error);
    if (status != OBS_OK) {
        obs__claims_release(*out);
        *out = NULL;
    }
    return status;
}

static obs_status check_lifetime(const obs__claims *claims, const obs__token_policy *policy, int64_t now_ns, int64_t leeway,
                                 obs_error *error)
{
    int64_t longest = policy->lifetime_ns ? policy->lifetime_ns : OBS__TOKEN_LIFETIME_NS;
    int64_t from = claims->issued_ns ? claims->issued_ns : claims->begins_ns ? claims->begins_ns : now_ns + leeway;
    if (claims->issued_ns >= claims->expires_ns || claims->begins_ns >= claims->expires_ns)
        return refuse(error, "it ends before it begins");
    if (claims->expires_ns > from && claims->expires_ns - from > longest)
        return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: it is valid for longer than %lld h",
                         (long long)(longest / (3600 * NS_PER_S)));
    return OBS_OK;
}

obs_status obs__claims_check(const obs__claims *claims, const obs__token_policy *policy, int64_t now_ns, obs_error *error)
{
    int64_t leeway = policy->leeway_ns < 0 ? 0 : policy->leeway_ns ? policy->leeway_ns : OBS__TOKEN_LEEWAY_NS;
    if (now_ns - leeway >= claims->expires_ns)
        return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: it expired %lld s ago: get a new one",
                         (long long)((now_ns - claims->expires_ns) / NS_PER_S));
    if (claims->begins_ns - leeway > now_ns)
        return obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: it counts only in %lld s",
                         (long long)((claims->begins_ns - now_ns) / NS_PER_S));
    if (claims->issued_ns - leeway > now_ns)
        return obs__fail(error, OBS_UNAUTHENTICATED,
                         "the token is refused: it was issued %lld s in the future: check this machine's clock",
                         (long long)((claims->issued_ns - now_ns) / NS_PER_S));
    return check_lifetime(claims, policy, now_ns, leeway, error);
}

obs__claims *obs__claims_retain(obs__claims *claims)
{
    atomic_fetch_add_explicit(&claims->holders, 1, memory_order_relaxed);
    return claims;
}

void obs__claims_release(obs__claims *claims)
{
    if (claims && atomic_fetch_sub_explicit(&claims->holders, 1, memory_order_acq_rel) == 1)
        obs__free(claims);
}
