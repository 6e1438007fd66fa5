/* Who is calling, as the operating system says it. */
#ifndef OBS_AUTH_IDENTITY_H
#define OBS_AUTH_IDENTITY_H

#include <sys/types.h>

#include <obs/error.h>

/* The largest subject in bytes, with NUL. */
#define OBS__SUBJECT_SIZE 256

/* `user:<name>`, or `user:<number>` for one that the system has no name for. */
obs_status obs__auth_user(char out[OBS__SUBJECT_SIZE], uid_t user, obs_error *error);

/* A user or group of the system by name or number; OBS_NOT_FOUND says which one there is not. */
obs_status obs__auth_find_user(uid_t *out, gid_t *group, const char *name, obs_error *error);
obs_status obs__auth_find_group(gid_t *out, const char *name, obs_error *error);

/* Whether a text can be a subject: `<kind>:<name>`, valid UTF-8 without control characters; sets the error when not. */
obs_status obs__auth_check_subject(const char *subject, obs_error *error);
/* Whether a text is valid UTF-8 without control characters. */
int obs__auth_is_plain(const char *text, size_t size);

#endif
