/*
 * The inside of obs_secret, and files that hold one. Nothing here leaves a second copy: what is read goes straight into locked
 * memory.
 */
#ifndef OBS_BASE_SECRET_H
#define OBS_BASE_SECRET_H

#include <sys/stat.h>

#include <obs/secret.h>

#define OBS__SECRET_SIZE_LIMIT ((size_t)65536)

/* A secret of `size` bytes, to be filled by the caller through *data before anybody else sees it. */
obs_status obs__secret_room(obs_secret **out, char **data, size_t size, obs_error *error);
/* Fewer bytes than it was made for; the rest is wiped. */
void obs__secret_shrink(obs_secret *secret, size_t size);
/* Without the one line end (LF or CR LF) that editors leave behind a password. */
void obs__secret_trim(obs_secret *secret);

/* Reads a file from where a descriptor stands to its end; more than `limit` bytes give OBS_RESOURCE_EXHAUSTED. `name` is for
 * the error. */
obs_status obs__secret_read_fd(obs_secret **out, int fd, const char *name, size_t limit, obs_error *error);
/* The same by a path below a folder, opened as obs__open_at() does. */
obs_status obs__secret_read_file(obs_secret **out, int folder, const char *path, size_t limit, obs_error *error);
/* The same for a file somewhere on the system, checked as obs__open_private() does. *found, unless NULL: what it was. */
obs_status obs__secret_read_private(obs_secret **out, struct stat *found, const char *path, size_t limit, obs_error *error);

/* Secrets by name, as lines of obs.yaml refer to them: `${secret:env:NAME}`, `${secret:file:/path}`. The name of such a
 * reference
 * (`env:NAME`), or NULL when it is none or memory is missing; free with obs__free(). */
char *obs__secret_name(const char *reference);
/* The secret of a name as it is now: a file is read again each time. */
obs_status obs__secret_find(obs_secret **out, const char *name, obs_error *error);

/* Takes an environment variable over: its bytes are wiped and it is unset, so that children do not inherit it and nobody reads
 * it in /proc. Kept for the life of the process, and given again when asked again. To be called before other threads change
 * the environment. OBS_NOT_FOUND when it is not set, also in a forked child whose parent took it. */
obs_status obs__secret_take_variable(obs_secret **out, const char *name, obs_error *error);

#endif
