/* Whose tokens a workspace takes: those of its own issuer. Where its keys are, and where a login is kept. */
#ifndef OBS_CLIENT_TOKENS_H
#define OBS_CLIENT_TOKENS_H

#include <limits.h>

#include "auth/issuer.h"
#include "auth/token.h"
#include "client/workspace.h"

#define OBS__ISSUER_SIZE (OBS__UUID_SIZE + 8)

/* `obs:<workspace id>`: who issues, and for whom. */
void obs__tokens_issuer(char out[OBS__ISSUER_SIZE], const obs__workspace *workspace);
/* The file that login leaves for this user and workspace. */
obs_status obs__tokens_kept(char out[PATH_MAX], const obs__workspace *workspace, obs_error *error);

/* The issuer itself: OBS_PERMISSION_DENIED, with whom to ask, for whoever is not the account that has its keys. */
obs_status obs__tokens_signer(obs__issuer **out, obs__workspace *workspace, obs_error *error);
/* The public keys: of the issuer for the account that has them, else as the workspace publishes them in `keys.json`. */
obs_status obs__tokens_keys(obs__keys **out, obs__workspace *workspace, int64_t now_ns, obs_error *error);
/* Writes them to `keys.json` where they have changed. */
obs_status obs__tokens_publish(obs__workspace *workspace, int64_t now_ns, obs_error *error);

/* A token of this workspace, for this workspace. Made and checked by the same clock, so without leeway. */
obs_status obs__tokens_verify(obs__claims **out, obs__workspace *workspace, const char *token, size_t size, int64_t now_ns,
                              obs_error *error);
/* The same by a policy of the caller's, whose issuer and audience may be NULL: this workspace; keys NULL: this workspace's. */
obs_status obs__tokens_check(obs__claims **out, obs__workspace *workspace, const obs__token_policy *policy, obs__keys *keys,
                             const char *token, size_t size, int64_t now_ns, obs_error *error);
/* OBS_UNAUTHENTICATED for a token that was checked before and was revoked since. */
obs_status obs__tokens_still(obs__workspace *workspace, const obs__claims *claims, obs_error *error);
/* From now on a token, by its id, or all that a subject has until now count no more: for this client at once, elsewhere within
 * a second.
 */
obs_status obs__tokens_revoke(obs__workspace *workspace, const char *id, const char *subject, const obs__limit *limit,
                              int64_t now_ns, obs_error *error);
void obs__tokens_free(struct obs__tokens *tokens);

#endif
