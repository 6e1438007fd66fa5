/*
 * The token that a client acts with: which rights it gives at the moment, renewed from where it came from.
 *
 * A grant is what one verified token says. Every call takes the current one without waiting; once a second, and when it has
 * ended, one thread looks for a newer token while the others go on.
 */
#ifndef OBS_CLIENT_BEARER_H
#define OBS_CLIENT_BEARER_H

#include <stdatomic.h>

#include "auth/scope.h"
#include "auth/token.h"
#include "client/workspace.h"

/* Immutable and shared. */
typedef struct obs__grant {
    atomic_uint holders;
    obs__claims *claims;
    obs__token_scopes scopes;  /* views on the claims */
    int64_t ends_monotonic_ns; /* as it was when the token was checked: setting the clock back gives no more time */
} obs__grant;

void obs__grant_release(obs__grant *grant);

typedef struct obs__bearer obs__bearer;

/* `token` NULL: the one that is found as obs__token_source_open() says; then *out is NULL when there is none, or it is another
 * issuer's. OBS_UNAUTHENTICATED for one that does not hold. The workspace must outlive it. */
obs_status obs__bearer_open(obs__bearer **out, obs__workspace *workspace, const char *token, obs_error *error);
void obs__bearer_free(obs__bearer *bearer);

/* Of the first token, and of all that follow. */
const char *obs__bearer_subject(const obs__bearer *bearer);
const char *obs__bearer_tenant(const obs__bearer *bearer);
/* Where the token came from, for people. */
void obs__bearer_where(char *out, size_t capacity, const obs__bearer *bearer);

/* The grant as of now, held for the caller. OBS_UNAUTHENTICATED, with what to do, when it has ended and there is no newer one.
 */
obs_status obs__bearer_grant(obs__grant **out, obs__bearer *bearer, int64_t now_ns, obs_error *error);

#endif
