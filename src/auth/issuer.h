/*
 * The local issuer: signs the tokens of one workspace with keys that lie outside of it, so that no copy, archive or repository
 * of the workspace carries them.
 *
 *     <state>/<workspace id>/keys/        0700
 *         lock                            who changes the rest holds it
 *         issuer.json                     the public keys and from when on each signs: what counts
 *         key-<thumbprint>.pem   0600     the private part of each
 *
 * A new key is published at once and signs later, when everybody has had time to fetch it; the one before it verifies until the
 * last token that it signed has ended. Any number of threads and processes may sign and rotate at once.
 */
#ifndef OBS_AUTH_ISSUER_H
#define OBS_AUTH_ISSUER_H

#include <obs/secret.h>

#include "auth/jwk.h"
#include "base/call.h"

#define OBS__ISSUED_LIFETIME_S 3600
#define OBS__ISSUED_LIFETIME_MOST_S 86400
#define OBS__ISSUED_ID_SIZE 23 /* of `jti`, with NUL */

typedef struct obs__issuer obs__issuer;

typedef struct obs__issuer_options {
    const char *workspace;    /* its id */
    const char *folder;       /* absolute; NULL: `keys` in the workspace's folder of the user's state */
    obs__algorithm algorithm; /* of new keys: OBS__EDDSA (0: this one) or OBS__ES256 */
    int is_known;             /* there were keys before: not to be made silently when there are none */
    int64_t announce_ns;      /* from publishing a key until it signs; 0: 10 minutes */
    int64_t replace_ns;       /* age of a key that is replaced by and by; 0: 90 days; negative: never */
} obs__issuer_options;

/* Touches no file. Free with obs__issuer_free(). */
obs_status obs__issuer_open(obs__issuer **out, const obs__issuer_options *options, obs_error *error);
void obs__issuer_free(obs__issuer *issuer);
const char *obs__issuer_name(const obs__issuer *issuer); /* `obs:<workspace id>`, for iss and aud */

/* What a token is to say. */
typedef struct obs__issue {
    const char *subject;  /* required */
    const char *tenant;   /* NULL: none */
    const char *scope;    /* separated by blanks; NULL: none. Each is checked */
    const char *audience; /* NULL: the workspace itself */
    const char *client;   /* the program; NULL: `libobs` */
    int64_t lifetime_s;   /* 0: OBS__ISSUED_LIFETIME_S; at most OBS__ISSUED_LIFETIME_MOST_S */
} obs__issue;

/* Signs a token; the first one makes the first key. `id` receives its `jti`. */
obs_status obs__issuer_sign(obs_secret **out, char id[OBS__ISSUED_ID_SIZE], obs__issuer *issuer, const obs__issue *issue,
                            const obs__limit *limit, int64_t now_ns, obs_error *error);
/* Makes the next key; nothing when one waits already. `at_once`, for a key that became known to others: the new one signs from
 * now on, and what the others signed counts no more. */
obs_status obs__issuer_rotate(obs__issuer *issuer, int at_once, const obs__limit *limit, int64_t now_ns, obs_error *error);
/* The keys that verify: the current one, the next one, and those whose tokens have not all ended. A set without keys when none
 * was made yet. Cheap when nothing has changed. */
obs_status obs__issuer_keys(obs__keys **out, obs__issuer *issuer, int64_t now_ns, obs_error *error);

#endif
