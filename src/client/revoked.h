/* The list of revoked tokens of a workspace, `revoked.json` beside `keys.json`: looked at once a second at most. */
#ifndef OBS_CLIENT_REVOKED_H
#define OBS_CLIENT_REVOKED_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "auth/revoked.h"
#include "base/brief.h"
#include "base/call.h"
#include "client/workspace.h"

/* What was read last. Zero is right; release with obs__revocations_release(). */
typedef struct obs__revocations {
    _Atomic int64_t look_ns; /* monotonic: when somebody looks again */
    atomic_int is_there;     /* there is a list: most workspaces never have one */
    obs__brief lock;         /* of the rest */
    struct stat seen;
    obs__revoked *list;
} obs__revocations;

void obs__revocations_release(obs__revocations *revocations);
/* OBS_UNAUTHENTICATED for a token that was revoked a second ago or earlier; another status when the list is there but cannot be
 * read: then nobody can tell. */
obs_status obs__revocations_check(obs__revocations *revocations, const obs__workspace *workspace, const obs__claims *claims,
                                  obs_error *error);
/* One more; for the account. In this process it holds when it returns. */
obs_status obs__revocations_add(obs__revocations *revocations, const obs__workspace *workspace, const char *id,
                                const char *subject, const obs__limit *limit, int64_t now_ns, obs_error *error);

#endif
