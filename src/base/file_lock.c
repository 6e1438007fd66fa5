/* Locks between processes that are held briefly and seldom: whoever waits looks again. */
#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define FIRST_MS 1
#define MOST_MS 50

/* Somebody may have removed the file, and another process locks a new one. */
static int is_removed(int fd)
{
    struct stat found;
    return fstat(fd, &found) != 0 || found.st_nlink == 0;
}

static obs_status open_lock(int *out, const char *path, obs_error *error)
{
    const char *name;
    int folder = -1;
    obs_status status = obs__open_parent(&folder, &name, AT_FDCWD, path, error);
    if (status != OBS_OK)
        return status;
    status = obs__open_at(out, folder, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, error);
    if (status == OBS_OK && (status = obs__file_hand_over(*out, folder, path, error)) != OBS_OK)
        close(*out);
    close(folder);
    return status;
}

static obs_status try(int *out, const char *path, obs_error *error)
{
    int fd = -1;
    obs_status status = open_lock(&fd, path, error);
    if (status != OBS_OK)
        return status;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !is_removed(fd)) {
        *out = fd;
        return OBS_OK;
    }
    int number = errno;
    close(fd);
    return number == EWOULDBLOCK || number == EINTR ? OBS_OK : obs__fail_system(error, number, "cannot lock '%s'", path);
}

obs_status obs__file_lock_take(int *out, const char *path, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = -1;
    for (int pause = FIRST_MS; (status = try(out, path, error)) == OBS_OK && *out < 0;) {
        int ready;
        status = obs__limit_wait(limit, -1, pause, &ready, error);
        if (status != OBS_OK)
            return status;
        pause = pause * 2 < MOST_MS ? pause * 2 : MOST_MS;
    }
    return status;
}

void obs__file_lock_release(int fd)
{
    if (fd < 0)
        return;
    flock(fd, LOCK_UN); /* a child that was forked meanwhile has the descriptor, too, and must not keep the lock */
    close(fd);
}
