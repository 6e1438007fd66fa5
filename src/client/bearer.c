#include "client/bearer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/members.h"
#include "auth/source.h"
#include "base/base64.h"
#include "base/brief.h"
#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "client/tokens.h"

#define LOOK_NS INT64_C(1000000000)
#define LOOK_TRIES 200 /* of a millisecond, while another thread looks */

struct obs__bearer {
    obs__workspace *workspace;
    obs__token_source *source;
    char subject[OBS__SUBJECT_SIZE];
    char tenant[OBS__TENANT_SIZE];
    obs__brief lock; /* of grant */
    obs__grant *_Atomic grant;
    _Atomic int64_t look_ns; /* monotonic: when somebody looks again */
    atomic_int is_revoked;   /* the grant of the moment counts no more */
    atomic_uint looker;      /* generation + 1 of the process in which a thread looks; 0: none */
    obs_secret *last;        /* the looker's: what was looked at last */
};

void obs__grant_release(obs__grant *grant)
{
    if (!grant || atomic_fetch_sub(&grant->holders, 1) != 1)
        return;
    obs__claims_release(grant->claims);
    obs__free(grant);
}

static obs_status read_grant(obs__grant **out, obs__workspace *workspace, const obs_secret *token, obs_error *error)
{
    int64_t now_ns = obs__now_ns(), monotonic_ns = obs__monotonic_ns();
    obs__grant *grant = obs__calloc(1, sizeof *grant);
    *out = NULL;
    if (!grant)
        return obs__fail_memory(error);
    atomic_init(&grant->holders, 1);
    obs_status status =
        obs__tokens_verify(&grant->claims, workspace, obs_secret_bytes(token), obs_secret_size(token), now_ns, error);
    if (status == OBS_OK)
        status = obs__scopes_read(&grant->scopes, obs__view_of(grant->claims->scope, OBS_TEXT), error);
    if (status == OBS_OK &&
        (!obs__tenant_valid(grant->claims->tenant) || obs__auth_check_subject(grant->claims->subject, NULL) != OBS_OK))
        status =
            obs__fail(error, OBS_UNAUTHENTICATED, "the token is refused: it names no tenant or no subject of this workspace");
    if (status == OBS_OK) {
        grant->ends_monotonic_ns = monotonic_ns + (grant->claims->expires_ns - now_ns);
        *out = grant;
    } else
        obs__grant_release(grant);
    return status;
}

/* Whether a token that nobody gave us is meant for another service: then it says nothing about the caller here. What it says of
 * itself is enough for that, verified or not. */
static int is_foreign(const obs_secret *token, const char *issuer)
{
    const char *text = obs_secret_bytes(token);
    const char *payload = strchr(text, '.');
    const char *end = payload ? strchr(payload + 1, '.') : NULL;
    size_t size = 0;
    int is_ours = 0;
    char *plain = end ? obs__alloc((size_t)(end - payload)) : NULL;
    obs__members members;
    if (plain && obs__base64url_decode(plain, &size, payload + 1, (size_t)(end - payload - 1)) &&
        obs__members_begin(&members, plain, size))
        while (obs__members_next(&members)) {
            obs__json_text value;
            obs__view ignored;
            if (!obs__members_is(&members, "iss"))
                obs__json_skip(&members.json, &ignored);
            else if (obs__members_text(&members, &value))
                is_ours = obs__view_is(value.raw, issuer);
        }
    obs__free(plain);
    return !is_ours;
}

/* The first token; *is_mine 0: there is none for this workspace. */
static obs_status begin(obs__bearer *bearer, int is_given, int *is_mine, obs_error *error)
{
    char issuer[OBS__ISSUER_SIZE];
    obs__grant *grant = NULL;
    *is_mine = 0;
    obs_status status = obs__token_source_get(&bearer->last, bearer->source, error);
    if (status != OBS_OK || !bearer->last)
        return status;
    obs__tokens_issuer(issuer, bearer->workspace);
    if (!is_given && is_foreign(bearer->last, issuer)) {
        obs__log(OBS_LOG_INFO, "auth", NULL, "a token of another issuer was found and is not used");
        return OBS_OK;
    }
    *is_mine = 1;
    status = read_grant(&grant, bearer->workspace, bearer->last, error);
    if (status != OBS_OK)
        return status;
    snprintf(bearer->subject, sizeof bearer->subject, "%s", grant->claims->subject);
    snprintf(bearer->tenant, sizeof bearer->tenant, "%s", grant->claims->tenant);
    atomic_store(&bearer->grant, grant);
    atomic_store(&bearer->look_ns, obs__monotonic_ns() + LOOK_NS);
    return OBS_OK;
}

obs_status obs__bearer_open(obs__bearer **out, obs__workspace *workspace, const char *token, obs_error *error)
{
    char kept[PATH_MAX];
    int is_mine = 0;
    *out = NULL;
    obs__bearer *bearer = obs__calloc(1, sizeof *bearer);
    if (!bearer)
        return obs__fail_memory(error);
    bearer->workspace = workspace;
    int has_kept = obs__tokens_kept(kept, workspace, NULL) == OBS_OK;
    obs_status status = obs__token_source_open(&bearer->source, token, OBS_TEXT, has_kept ? kept : NULL, error);
    if (status == OBS_OK)
        status = begin(bearer, token != NULL, &is_mine, error);
    if (status == OBS_OK && is_mine)
        *out = bearer;
    else
        obs__bearer_free(bearer);
    return status;
}

void obs__bearer_free(obs__bearer *bearer)
{
    if (!bearer)
        return;
    obs__grant_release(atomic_load(&bearer->grant));
    obs__token_source_free(bearer->source);
    obs_secret_free(bearer->last);
    obs__free(bearer);
}

const char *obs__bearer_subject(const obs__bearer *bearer)
{
    return bearer->subject;
}

const char *obs__bearer_tenant(const obs__bearer *bearer)
{
    return bearer->tenant;
}

void obs__bearer_where(char *out, size_t capacity, const obs__bearer *bearer)
{
    obs__token_source_where(out, capacity, bearer->source);
}

static obs__grant *current(obs__bearer *bearer)
{
    obs__brief_take(&bearer->lock);
    obs__grant *grant = atomic_load(&bearer->grant);
    atomic_fetch_add(&grant->holders, 1);
    obs__brief_release(&bearer->lock);
    return grant;
}

/* A newer token continues what the client is; it does not make another one of it. */
static obs_status take(obs__bearer *bearer, const obs_secret *token, obs_error *error)
{
    obs__grant *grant = NULL;
    obs_status status = read_grant(&grant, bearer->workspace, token, error);
    if (status == OBS_OK &&
        (strcmp(grant->claims->subject, bearer->subject) != 0 || strcmp(grant->claims->tenant, bearer->tenant) != 0))
        status = obs__fail(error, OBS_UNAUTHENTICATED,
                           "the new token is of another subject or tenant than the client: open a new client with it");
    if (status != OBS_OK) {
        obs__grant_release(grant);
        return status;
    }
    obs__brief_take(&bearer->lock);
    obs__grant *old = atomic_exchange(&bearer->grant, grant);
    atomic_store(&bearer->is_revoked, 0);
    obs__brief_release(&bearer->lock);
    obs__grant_release(old);
    return OBS_OK;
}

/* Of the looker only. In a child the parent's secret is wiped, and so is not the same. */
static obs_status look_for_newer(obs__bearer *bearer, obs_error *error)
{
    obs_secret *token = NULL;
    obs__grant *grant = current(bearer);
    obs_status status = obs__tokens_still(bearer->workspace, grant->claims, error);
    obs__grant_release(grant);
    if (status == OBS_UNAUTHENTICATED)
        atomic_store(&bearer->is_revoked, 1);
    status = obs__token_source_get(&token, bearer->source, error);
    if (status != OBS_OK || !token)
        return status;
    if (obs_secret_size(token) == obs_secret_size(bearer->last) &&
        memcmp(obs_secret_bytes(token), obs_secret_bytes(bearer->last), obs_secret_size(token)) == 0) {
        obs_secret_free(token);
        return OBS_OK;
    }
    status = take(bearer, token, error);
    obs_secret_free(bearer->last);
    bearer->last = token;
    return status;
}

/* One thread at a time; 0 when another one looks. What a looker of the parent left is free after a fork. */
static int look(obs__bearer *bearer, int64_t monotonic_ns)
{
    unsigned self = obs__generation() + 1, looker = atomic_load(&bearer->looker);
    obs_error error;
    if (looker == self || !atomic_compare_exchange_strong(&bearer->looker, &looker, self))
        return 0;
    obs_error_init(&error, sizeof error);
    obs_status status = look_for_newer(bearer, &error);
    if (status != OBS_OK && status != OBS_FAILED_PRECONDITION) /* that is a child's, which goes on with what was granted */
        obs__log(OBS_LOG_WARNING, "auth", NULL, "no newer token: %s", error.message);
    atomic_store(&bearer->look_ns, monotonic_ns + LOOK_NS);
    atomic_store(&bearer->looker, 0);
    return 1;
}

static int has_ended(const obs__bearer *bearer, const obs__grant *grant, int64_t now_ns, int64_t monotonic_ns)
{
    return atomic_load_explicit(&bearer->is_revoked, memory_order_relaxed) || now_ns >= grant->claims->expires_ns ||
           monotonic_ns >= grant->ends_monotonic_ns;
}

/* The grant has ended: whoever renews tokens may have left a new one just now. */
static obs__grant *renewed(obs__bearer *bearer, int64_t monotonic_ns)
{
    const struct timespec pause = {0, 1000000};
    for (int tries = 0; tries < LOOK_TRIES && !look(bearer, monotonic_ns); tries++)
        nanosleep(&pause, NULL);
    return current(bearer);
}

static obs_status ended(const obs__bearer *bearer, const obs__grant *grant, obs_error *error)
{
    char when[OBS__TIME_SIZE];
    if (atomic_load(&bearer->is_revoked))
        return obs__fail(error, OBS_UNAUTHENTICATED, "the token of %s was revoked: ask %s for a new one", bearer->subject,
                         bearer->workspace->owner);
    obs__time_format(when, grant->claims->expires_ns);
    return obs__fail(
        error, OBS_UNAUTHENTICATED,
        "the token of %s ended at %s: get a new one from whoever issued it, and 'obsctl login' with it or put it in "
        "its file",
        bearer->subject, when);
}

obs_status obs__bearer_grant(obs__grant **out, obs__bearer *bearer, int64_t now_ns, obs_error *error)
{
    int64_t monotonic_ns = obs__monotonic_ns();
    *out = NULL;
    if (monotonic_ns >= atomic_load_explicit(&bearer->look_ns, memory_order_relaxed))
        look(bearer, monotonic_ns);
    obs__grant *grant = current(bearer);
    if (has_ended(bearer, grant, now_ns, monotonic_ns)) {
        obs__grant_release(grant);
        grant = renewed(bearer, monotonic_ns);
    }
    if (!has_ended(bearer, grant, now_ns, monotonic_ns)) {
        *out = grant;
        return OBS_OK;
    }
    obs_status status = ended(bearer, grant, error);
    obs__grant_release(grant);
    return status;
}
