/*
 * Tokens that count no more although they have not ended: single ones by their id (`jti`), and all of a subject that were
 * issued until then. Published beside the keys:
 *
 *     {"tokens":{"k3Jx…":1795000000},"subjects":{"user:ada":1795000000}}      each with the second in which it was revoked
 *
 * An entry is of no use once every token it can mean has ended; old ones go when there are many.
 */
#ifndef OBS_AUTH_REVOKED_H
#define OBS_AUTH_REVOKED_H

#include <obs/buffer.h>

#include "auth/token.h"

#define OBS__REVOKED_SIZE_LIMIT ((size_t)1 << 20)
#define OBS__REVOKED_COUNT_LIMIT 4096

/* Immutable and shared. */
typedef struct obs__revoked obs__revoked;

obs_status obs__revoked_read(obs__revoked **out, const char *text, size_t size, obs_error *error);
obs__revoked *obs__revoked_retain(obs__revoked *revoked);
void obs__revoked_free(obs__revoked *revoked);
int obs__revoked_has(const obs__revoked *revoked, const obs__claims *claims);

/* The list with one more entry, a token's id or a subject; `before` NULL: there was none. OBS_INVALID_ARGUMENT for what cannot
 * be an id; OBS_RESOURCE_EXHAUSTED when there are too many. Free with obs_buffer_free(). */
obs_status obs__revoked_add(obs_buffer **out, const obs__revoked *before, const char *id, const char *subject, int64_t now_ns,
                            obs_error *error);

#endif
