/*
 * What a verified token says (RFC 7519, RFC 9068), and whether that holds here and now: issuer, audience, times, type.
 * OBS_UNAUTHENTICATED says why not; nothing of the token is repeated.
 */
#ifndef OBS_AUTH_TOKEN_H
#define OBS_AUTH_TOKEN_H

#include <stdatomic.h>

#include "auth/jws.h"

#define OBS__TOKEN_LEEWAY_NS (60 * INT64_C(1000000000))
#define OBS__TOKEN_LIFETIME_NS (24 * 3600 * INT64_C(1000000000))
#define OBS__TOKEN_TYPE "at+jwt" /* RFC 9068 */

/* What is demanded of a token. Texts are borrowed. */
typedef struct obs__token_policy {
    const char *issuer;   /* required; compared byte by byte */
    const char *audience; /* required; one of the token's */
    unsigned algorithms;  /* required; none with a shared secret */
    const char *type;     /* required `typ`; NULL: `JWT`, `at+jwt` or none */
    int64_t leeway_ns;    /* of all times; 0: OBS__TOKEN_LEEWAY_NS, negative: none */
    int64_t lifetime_ns;  /* the longest that is accepted; 0: OBS__TOKEN_LIFETIME_NS */
} obs__token_policy;

/* Immutable and shared; texts are "" where the token has none. */
typedef struct obs__claims {
    atomic_uint holders;
    const char *issuer;
    const char *subject;
    const char *tenant;
    const char *client; /* `client_id`, or `azp` */
    const char *id;     /* `jti` */
    const char *scope;  /* separated by blanks */
    int64_t expires_ns;
    int64_t begins_ns; /* `nbf`; 0: none */
    int64_t issued_ns; /* `iat`; 0: none */
    obs__view json;    /* all of them, as they stand in the token; ends with NUL */
} obs__claims;

/* Reads and checks the payload of a verified token. Release with obs__claims_release(). */
obs_status obs__claims_read(obs__claims **out, const obs__jws *jws, const obs__token_policy *policy, int64_t now_ns,
                            obs_error *error);
/* The part that changes with time. */
obs_status obs__claims_check(const obs__claims *claims, const obs__token_policy *policy, int64_t now_ns, obs_error *error);
obs__claims *obs__claims_retain(obs__claims *claims);
void obs__claims_release(obs__claims *claims);

/* Checks tokens of one issuer against its current keys, and remembers those that passed. Any thread may use it. */
typedef struct obs__token_verifier obs__token_verifier;

/* Copies the policy; it has no keys yet. OBS_INVALID_ARGUMENT for a policy that leaves something open. */
obs_status obs__token_verifier_new(obs__token_verifier **out, const obs__token_policy *policy, obs_error *error);
void obs__token_verifier_free(obs__token_verifier *verifier);
/* From now on these keys and no others. What was remembered counts no more, unless the keys are the same. */
obs_status obs__token_verifier_set(obs__token_verifier *verifier, obs__keys *keys, obs_error *error);
obs_status obs__token_verifier_check(obs__claims **out, obs__token_verifier *verifier, const char *token, size_t size,
                                     int64_t now_ns, obs_error *error);
/* How many tokens were known already. */
uint64_t obs__token_verifier_hits(const obs__token_verifier *verifier);

#endif
