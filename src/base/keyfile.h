/*
 * Files that hold a secret key: whole or absent, mode 0600, in folders that only their owner may enter, never behind a link.
 * What is read goes into the caller's own memory, to be wiped with obs__wipe().
 */
#ifndef OBS_BASE_KEYFILE_H
#define OBS_BASE_KEYFILE_H

#include <stddef.h>

#include <obs/error.h>

/* Reads a key of at most `capacity` bytes. OBS_NOT_FOUND when there is none; OBS_UNTRUSTED, with the command to run, when
 * somebody else owns, may read or may exchange it; OBS_PERMISSION_DENIED when it is another account's. */
obs_status obs__keyfile_read(void *out, size_t capacity, size_t *out_size, const char *path, obs_error *error);
/* Makes the file, and its folders with mode 0700, durably. OBS_ALREADY_EXISTS when there is one: it is never replaced. */
obs_status obs__keyfile_create(const char *path, const void *key, size_t size, obs_error *error);
/* Overwrites memory in a way that the compiler keeps. */
void obs__wipe(void *memory, size_t size);

#endif
