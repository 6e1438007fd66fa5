/* Files that hold a secret, read straight into locked memory. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define FIRST_SIZE 1024 /* where the system does not tell the size, as of pipes */

static obs_status grow(obs_secret **secret, char **data, size_t size, size_t wanted, obs_error *error)
{
    obs_secret *larger = NULL;
    char *room = NULL;
    obs_status status = obs__secret_room(&larger, &room, wanted, error);
    if (status != OBS_OK)
        return status;
    memcpy(room, *data, size);
    obs_secret_free(*secret);
    *secret = larger;
    *data = room;
    return OBS_OK;
}

/* Reads until the end, or until one byte more than the limit is there. */
static obs_status read_all(obs_secret **secret, char *data, size_t *size, int fd, const char *name, size_t limit,
                           obs_error *error)
{
    for (*size = 0;;) {
        size_t room = obs_secret_size(*secret);
        if (*size == room) {
            size_t wanted = room * 2 > limit + 1 ? limit + 1 : room * 2;
            obs_status status = grow(secret, &data, *size, wanted, error);
            if (status != OBS_OK)
                return status;
            room = wanted;
        }
        ssize_t got = read(fd, data + *size, room - *size);
        if (got < 0 && errno != EINTR)
            return obs__fail_system(error, errno, "cannot read '%s'", name);
        if (got == 0)
            return OBS_OK;
        *size += got > 0 ? (size_t)got : 0;
        if (*size > limit)
            return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "'%s' is larger than the limit of %zu bytes", name, limit);
    }
}

obs_status obs__secret_read_fd(obs_secret **out, int fd, const char *name, size_t limit, obs_error *error)
{
    obs_secret *secret = NULL;
    struct stat found;
    char *data = NULL;
    size_t size = 0;
    *out = NULL;
    if (limit > OBS__SECRET_SIZE_LIMIT)
        limit = OBS__SECRET_SIZE_LIMIT;
    if (fstat(fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot read '%s'", name);
    if (S_ISDIR(found.st_mode))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%s' is a folder, not a file", name);
    size_t first = found.st_size > 0 ? (size_t)found.st_size + 1 : FIRST_SIZE;
    obs_status status = obs__secret_room(&secret, &data, first > limit + 1 ? limit + 1 : first, error);
    if (status == OBS_OK)
        status = read_all(&secret, data, &size, fd, name, limit, error);
    if (status != OBS_OK) {
        obs_secret_free(secret);
        return status;
    }
    obs__secret_shrink(secret, size);
    *out = secret;
    return OBS_OK;
}

obs_status obs__secret_read_file(obs_secret **out, int folder, const char *path, size_t limit, obs_error *error)
{
    int fd = -1;
    *out = NULL;
    obs_status status = obs__open_at(&fd, folder, path, O_RDONLY | O_NOCTTY, 0, error);
    if (status == OBS_OK) {
        status = obs__secret_read_fd(out, fd, path, limit, error);
        close(fd);
    }
    return status;
}

obs_status obs__secret_read_private(obs_secret **out, struct stat *found, const char *path, size_t limit, obs_error *error)
{
    int fd = -1;
    *out = NULL;
    obs_status status = obs__open_private(&fd, found, path, error);
    if (status == OBS_OK) {
        status = obs__secret_read_fd(out, fd, path, limit, error);
        close(fd);
    }
    return status;
}

/* Only these two kinds exist in this release. */
static int is_name(const char *text, size_t size)
{
    return (size > 4 && strncmp(text, "env:", 4) == 0 && !memchr(text, '=', size)) ||
           (size > 6 && strncmp(text, "file:/", 6) == 0);
}

char *obs__secret_name(const char *reference)
{
    size_t size = strlen(reference);
    if (size <= 10 || strncmp(reference, "${secret:", 9) != 0 || reference[size - 1] != '}')
        return NULL;
    return is_name(reference + 9, size - 10) ? obs__memdup(reference + 9, size - 10) : NULL;
}

obs_status obs__secret_find(obs_secret **out, const char *name, obs_error *error)
{
    *out = NULL;
    if (strncmp(name, "env:", 4) == 0)
        return obs__secret_take_variable(out, name + 4, error);
    obs_status status = obs__secret_read_private(out, NULL, name + 5, OBS__SECRET_SIZE_LIMIT, error);
    if (status == OBS_OK)
        obs__secret_trim(*out);
    return status;
}
