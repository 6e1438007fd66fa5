/*
 * Where a process gets its own token from: given by the program, or found as WLCG Bearer Token Discovery says:
 *
 *     BEARER_TOKEN                     read once, then taken out of the environment, so that no child inherits it
 *     BEARER_TOKEN_FILE                names a file
 *     $XDG_RUNTIME_DIR/bt_u<uid>
 *     /tmp/bt_u<uid>
 *     the file that `obsctl login` left
 *
 * Files are read again when they have changed, as whoever renews a token replaces the file.
 */
#ifndef OBS_AUTH_SOURCE_H
#define OBS_AUTH_SOURCE_H

#include <obs/secret.h>

typedef struct obs__token_source obs__token_source;

/* `token` of `size` bytes: this one and no other; NULL: discovery. `kept`: the file that login leaves, or NULL. Takes
 * BEARER_TOKEN out of the environment at once; the process remembers it for its next source. Free with
 * obs__token_source_free(). */
obs_status obs__token_source_open(obs__token_source **out, const char *token, size_t size, const char *kept, obs_error *error);
void obs__token_source_free(obs__token_source *source);

/* The token of the moment, held for the caller; *out is NULL, with OBS_OK, when there is none anywhere. OBS_UNTRUSTED, with the
 * command to run, for a file that others can read. While a file cannot be read, what it held before still counts. */
obs_status obs__token_source_get(obs_secret **out, obs__token_source *source, obs_error *error);
/* Where it came from, for people: `BEARER_TOKEN`, a path, `the program`, or "". */
void obs__token_source_where(char *out, size_t capacity, obs__token_source *source);

/* For tests: looks for `bt_u<uid>` in this folder instead of /tmp (NULL: /tmp). */
void obs__token_source_fake(const char *folder);

#endif
