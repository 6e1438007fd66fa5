#include "base/keyfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

static obs_status check_open(int fd, const char *path, obs_error *error)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at the key '%s'", path);
    if (!S_ISREG(found.st_mode))
        return obs__fail(error, OBS_UNTRUSTED, "the key '%s' is no ordinary file: put the file itself there", path);
    if (found.st_mode & (S_IRWXG | S_IRWXO))
        return obs__fail(error, OBS_UNTRUSTED, "the key '%s' is open to others: run 'chmod 600 %s'", path, path);
    return OBS_OK;
}

static obs_status read_open(int fd, char *out, size_t capacity, size_t *size, const char *path, obs_error *error)
{
    for (ssize_t got = 1; got != 0;) {
        char beyond;
        int full = *size == capacity;
        got = read(fd, full ? &beyond : out + *size, full ? 1 : capacity - *size);
        if (got < 0 && errno != EINTR)
            return obs__fail_system(error, errno, "cannot read the key '%s'", path);
        if (got > 0 && full)
            return obs__fail(error, OBS_DATA_LOSS, "the key '%s' is longer than a key can be", path);
        *size += got > 0 ? (size_t)got : 0;
    }
    return OBS_OK;
}

obs_status obs__keyfile_read(void *out, size_t capacity, size_t *out_size, const char *path, obs_error *error)
{
    int fd = -1;
    *out_size = 0;
    obs_status status = obs__open_at(&fd, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, error);
    if (status != OBS_OK)
        return status;
    /* The folder as well: whoever may write it could exchange the file. */
    status = obs__trust_check(path, error);
    if (status == OBS_OK)
        status = check_open(fd, path, error);
    if (status == OBS_OK)
        status = read_open(fd, out, capacity, out_size, path, error);
    close(fd);
    if (status != OBS_OK) {
        obs__wipe(out, capacity);
        *out_size = 0;
    }
    return status;
}

obs_status obs__keyfile_create(const char *path, const void *key, size_t size, obs_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path || slash - path >= PATH_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%.200s' cannot be the path of a key", path);
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    obs_status status = obs__folder_make(AT_FDCWD, folder, 0700, error);
    return status == OBS_OK ? obs__file_create(AT_FDCWD, path, key, size, 0600, error) : status;
}

void obs__wipe(void *memory, size_t size)
{
    if (memory)
        explicit_bzero(memory, size);
}
