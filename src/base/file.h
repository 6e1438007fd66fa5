/*
 * Files and folders: whole reads with a limit, writes that are all or nothing and durable, opening below a folder without
 * following symbolic links, and the two questions asked of a workspace: may others change it, does it lie on a local disk.
 *
 * Wherever a folder descriptor is asked for, AT_FDCWD stands for an ordinary path, in which links of the user's own making are
 * followed. With a real descriptor the path is relative, may not contain `..`, and no symbolic link in it is followed.
 */
#ifndef OBS_BASE_FILE_H
#define OBS_BASE_FILE_H

#include <fcntl.h>
#include <sys/stat.h>

#include <obs/buffer.h>

#include "base/call.h"

/* Opens; always close-on-exec. A link in the way gives OBS_PERMISSION_DENIED. `mode` counts with O_CREAT only. */
obs_status obs__open_at(int *out, int folder, const char *path, int flags, mode_t mode, obs_error *error);
/* The folder that holds `path`, and in *name the last part of it. */
obs_status obs__open_parent(int *out, const char **name, int folder, const char *path, obs_error *error);

/* Reads a whole file; more than `limit` bytes give OBS_RESOURCE_EXHAUSTED. */
obs_status obs__file_read(obs_buffer **out, int folder, const char *path, size_t limit, obs_error *error);
/* The same from a descriptor, from where it stands to the end; `name` is for the error. */
obs_status obs__file_read_fd(obs_buffer **out, int fd, const char *name, size_t limit, obs_error *error);
/* Writes all bytes, whatever the kernel takes at a time. */
obs_status obs__write_all(int fd, const void *data, size_t size, const char *name, obs_error *error);
/* What root makes in the folder of another account belongs to that account, which must be able to go on with it. */
obs_status obs__file_hand_over(int fd, int folder, const char *path, obs_error *error);
/* Makes or replaces a file: a reader sees the old bytes or the new ones, and after OBS_OK the new ones are durable.
 * `mode` is exact, whatever the umask; see obs__file_hand_over() for root. */
obs_status obs__file_write(int folder, const char *path, const void *data, size_t size, mode_t mode, obs_error *error);
/* The same, but OBS_ALREADY_EXISTS when there is something. */
obs_status obs__file_create(int folder, const char *path, const void *data, size_t size, mode_t mode, obs_error *error);

/* Makes a folder and those above it, durably. One that is there already is fine. */
obs_status obs__folder_make(int folder, const char *path, mode_t mode, obs_error *error);
/* Makes what happened to the names in a folder durable. */
obs_status obs__folder_sync(int fd, const char *name, obs_error *error);
obs_status obs__folder_sync_path(int folder, const char *path, obs_error *error);

/* OBS_UNTRUSTED, with the command to run, unless a file (or folder) and the folder it lies in belong to the caller or to root
 * and nobody else may write them. */
obs_status obs__trust_check(const char *path, obs_error *error);
/* Checks and reads what was checked: nobody can exchange it in between. */
obs_status obs__file_read_trusted(obs_buffer **out, const char *path, size_t limit, obs_error *error);
/* The same for what may also belong to `account`. */
obs_status obs__file_read_trusted_of(obs_buffer **out, const char *path, uid_t account, size_t limit, obs_error *error);
/* OBS_UNTRUSTED unless a folder and all above it belong to the caller, root or `account`, and nobody else may exchange them. */
obs_status obs__trust_above(const char *path, uid_t account, obs_error *error);

/* file_share.c. A folder of a Unix group: its members, and `account`, whose it becomes, may change whatever is made in it from
 * now on, whatever the umask of its maker; others have no access. */
obs_status obs__folder_share(const char *path, uid_t account, gid_t group, obs_error *error);
/* A folder of the caller's that nobody else may enter but these users, without repetition, to read. What is made in it from now
 * on has the rights of its own mode, whatever the umask. Does nothing where that is so already. */
obs_status obs__folder_admit(const char *path, const uid_t *readers, size_t count, obs_error *error);
/* A file or folder becomes the account's, with exactly this mode. */
obs_status obs__folder_give(const char *path, uid_t account, mode_t mode, obs_error *error);

/* Opens a file that holds a secret, for reading. OBS_UNTRUSTED, with the command to run, unless its folder is as in
 * obs__trust_check(), the file belongs to the caller or to root, nobody else may write it, and nobody else may read it: but
 * for a group that root chose, and for what root put below /run (mounted secrets). A link in such a folder is followed, as
 * mounted secrets are exchanged by one. *found, unless NULL, receives what fstat says. */
obs_status obs__open_private(int *out, struct stat *found, const char *path, obs_error *error);

/* file_lock.c. A lock between processes and threads, on a file of its own that is made when it is not there; waits as long as
 * the limit says. */
obs_status obs__file_lock_take(int *out, const char *path, const obs__limit *limit, obs_error *error);
void obs__file_lock_release(int fd);

/* OBS_FAILED_PRECONDITION, with the remedy, when a path that exists lies on a network file system or on FUSE, whose locks and
 * syncs do not hold what a workspace needs. */
obs_status obs__local_check(const char *path, obs_error *error);
/* For tests: every path lies on this kind of file system (its statfs magic); 0: ask the kernel again. */
void obs__local_check_fake(long magic);
/* For tests: open as on a kernel without openat2(). */
void obs__open_at_fake(int without_openat2);

#endif
