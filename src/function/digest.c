/* The digest of a function: SHA-256 over the names, kinds and bytes of all files of its folder, in the order of their names. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "function/manifest.h"

#define MOST_FILES 10000
#define MOST_DEPTH 16
#define PIECE ((size_t)65536)

typedef struct walk {
    obs__sha256_stream *hash;
    uid_t account;
    int files;
    int depth;
    char *piece;
} walk;

int obs__function_is_kept(const char *name)
{
    static const char *const others[] = {"logs", "work", "failed", "__pycache__"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return 0;
    return *name != '.';
}

static int choose(const struct dirent *entry)
{
    return obs__function_is_kept(entry->d_name);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static obs_status check(const struct stat *found, const walk *self, const char *path, obs_error *error)
{
    if (found->st_uid != geteuid() && found->st_uid != 0 && found->st_uid != self->account)
        return obs__fail(error, OBS_UNTRUSTED, "'%s' belongs to another user (number %u): functions run what lies there", path,
                         (unsigned)found->st_uid);
    if (!S_ISLNK(found->st_mode) && (found->st_mode & (S_IWGRP | S_IWOTH)))
        return obs__fail(error, OBS_UNTRUSTED, "'%s' can be changed by others: run 'chmod go-w %s'", path, path);
    return OBS_OK;
}

static obs_status add_head(walk *self, const char *path, char kind, const struct stat *found, obs_error *error)
{
    char head[64];
    int size = snprintf(head, sizeof head, "%c%c %lld\n", kind, found->st_mode & S_IXUSR ? 'x' : '-',
                        kind == 'f' ? (long long)found->st_size : 0LL);
    obs_status status = obs__sha256_add(self->hash, path, strlen(path) + 1, error);
    return status == OBS_OK ? obs__sha256_add(self->hash, head, (size_t)size, error) : status;
}

static obs_status add_bytes(walk *self, int fd, const char *path, obs_error *error)
{
    for (;;) {
        ssize_t size = read(fd, self->piece, PIECE);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return obs__fail_system(error, errno, "cannot read '%s'", path);
        if (size == 0)
            return OBS_OK;
        obs_status status = obs__sha256_add(self->hash, self->piece, (size_t)size, error);
        if (status != OBS_OK)
            return status;
    }
}

static obs_status add_file(walk *self, int folder, const char *name, const char *path, obs_error *error)
{
    struct stat found;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &found) != 0) {
        obs_status status = obs__fail_system(error, errno, "cannot open '%s'", path);
        if (fd >= 0)
            close(fd);
        return status;
    }
    obs_status status = check(&found, self, path, error);
    if (status == OBS_OK && !S_ISREG(found.st_mode))
        status = obs__fail(error, OBS_UNTRUSTED, "'%s' is neither file nor folder: take it out of the function", path);
    if (status == OBS_OK)
        status = add_head(self, path, 'f', &found, error);
    if (status == OBS_OK)
        status = add_bytes(self, fd, path, error);
    close(fd);
    return status;
}

/* Where a link leads counts, and not what lies there: a program of the system changes with the system. */
static obs_status add_link(walk *self, int folder, const char *name, const char *path, obs_error *error)
{
    ssize_t size = readlinkat(folder, name, self->piece, PIECE);
    if (size < 0)
        return obs__fail_system(error, errno, "cannot read the link '%s'", path);
    struct stat none = {0};
    obs_status status = add_head(self, path, 'l', &none, error);
    return status == OBS_OK ? obs__sha256_add(self->hash, self->piece, (size_t)size, error) : status;
}

static obs_status add_folder(walk *self, int folder, const char *path, obs_error *error);

static obs_status add_one(walk *self, int folder, const char *name, const char *above, obs_error *error)
{
    struct stat found;
    char path[4096];
    int fd;
    if (snprintf(path, sizeof path, "%s%s%s", above, *above ? "/" : "", name) >= (int)sizeof path)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a path of the function is longer than %zu bytes", sizeof path - 1);
    if (++self->files > MOST_FILES)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "a function has at most %d files: keep data in the store", MOST_FILES);
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    if (S_ISLNK(found.st_mode)) {
        obs_status status = check(&found, self, path, error);
        return status == OBS_OK ? add_link(self, folder, name, path, error) : status;
    }
    if (!S_ISDIR(found.st_mode))
        return add_file(self, folder, name, path, error);
    obs_status status = obs__open_at(&fd, folder, name, O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK) {
        status = add_folder(self, fd, path, error);
        close(fd);
    }
    return status;
}

static obs_status add_folder(walk *self, int folder, const char *path, obs_error *error)
{
    struct stat found;
    struct dirent **entries = NULL;
    if (fstat(folder, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    obs_status status = check(&found, self, *path ? path : "the folder of the function", error);
    if (status == OBS_OK && ++self->depth > MOST_DEPTH)
        status = obs__fail(error, OBS_RESOURCE_EXHAUSTED, "the folders of a function are at most %d deep", MOST_DEPTH);
    if (status != OBS_OK)
        return status;
    int count = scandirat(folder, ".", &entries, choose, by_bytes);
    if (count < 0)
        return obs__fail_system(error, errno, "cannot list '%s'", path);
    for (int i = 0; i < count; i++) {
        if (status == OBS_OK)
            status = add_one(self, folder, entries[i]->d_name, path, error);
        free(entries[i]);
    }
    free(entries);
    self->depth--;
    return status;
}

obs_status obs__function_digest(char out[OBS__DIGEST_SIZE], const char *folder, uid_t account, obs_error *error)
{
    unsigned char hash[OBS__SHA256_SIZE];
    walk self = {.account = account, .piece = obs__alloc(PIECE)};
    int fd = -1;
    obs_status status = self.piece ? obs__sha256_begin(&self.hash, error) : obs__fail_memory(error);
    if (status == OBS_OK)
        status = obs__open_at(&fd, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK)
        status = add_folder(&self, fd, "", error);
    if (status == OBS_OK)
        status = obs__sha256_end(hash, self.hash, error);
    if (status == OBS_OK)
        obs__hex(out, hash, sizeof hash);
    if (fd >= 0)
        close(fd);
    obs__sha256_free(self.hash);
    obs__free(self.piece);
    return status;
}
