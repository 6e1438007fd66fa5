/* Bodies on their way in: in memory while small, then in a staging file that is made durable before the commit. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/file.h"

void obs__file_body_init(obs__body *body, obs__volume *volume)
{
    memset(body, 0, sizeof *body);
    body->volume = volume;
    body->generation = obs__generation();
    body->fd = -1;
    obs__digest_init(&body->digest);
    obs__builder_init(&body->small, OBS__SMALL_SIZE);
}

/* The bytes have become too many for the commit: they go to a file. */
static obs_status spill(obs__body *body, obs_error *error)
{
    obs__file_root *root = (obs__file_root *)body->volume;
    obs_status status = obs__file_stage_name(body->staged, root, error);
    if (status == OBS_OK)
        status = obs__open_at(&body->fd, root->staging, body->staged, O_RDWR | O_CREAT | O_EXCL, root->mode & 0666, error);
    if (status == OBS_OK)
        status = obs__write_all(body->fd, body->small.data, body->small.size, "a new object", error);
    return status;
}

obs_status obs__file_body_add(obs__body *body, const void *data, size_t size, obs_error *error)
{
    obs_status status = obs__digest_add(&body->digest, data, size, error);
    if (status != OBS_OK)
        return status;
    if (body->fd < 0 && body->small.size + size <= OBS__SMALL_SIZE) {
        obs__add(&body->small, data, size);
        return obs__builder_status(&body->small, error);
    }
    if (body->fd < 0)
        status = spill(body, error);
    return status == OBS_OK ? obs__write_all(body->fd, data, size, "a new object", error) : status;
}

static obs_status set_time(int fd, int64_t modified_ns, obs_error *error)
{
    struct timespec times[2] = {{0, UTIME_OMIT}, {modified_ns / 1000000000, modified_ns % 1000000000}};
    return futimens(fd, times) == 0 ? OBS_OK : obs__fail_system(error, errno, "cannot set the time of a new object");
}

obs_status obs__file_body_seal(obs__body *body, obs_error *error)
{
    struct stat found;
    obs_status status = obs__digest_end(&body->digest, error);
    body->modified_ns = obs__write_time();
    if (status != OBS_OK || body->fd < 0)
        return status;
    status = set_time(body->fd, body->modified_ns, error);
    /* Not fdatasync(): the time of change is part of what is promised. */
    if (status == OBS_OK && (fsync(body->fd) != 0 || fstat(body->fd, &found) != 0))
        status = obs__fail_system(error, errno, "cannot write a new object to the disk");
    if (status != OBS_OK)
        return status;
    body->inode = (uint64_t)found.st_ino;
    return obs__folder_sync(((obs__file_root *)body->volume)->staging, "staging", error);
}

void obs__file_body_free(obs__body *body)
{
    obs__file_root *root = (obs__file_root *)body->volume;
    if (body->fd >= 0) {
        close(body->fd);
        /* Nobody took it over; in a child of fork() it is the parent's. */
        if (*body->staged && body->generation == obs__generation())
            unlinkat(root->staging, body->staged, 0);
    }
    body->fd = -1;
    obs__builder_free(&body->small);
    obs__digest_free(&body->digest);
}

obs_status obs__file_stage(obs__tag *tag, obs__file_root *root, const char *name, const void *data, size_t size,
                           int64_t modified_ns, obs_error *error)
{
    struct stat found;
    int fd = -1;
    obs_status status = obs__open_at(&fd, root->staging, name, O_WRONLY | O_CREAT | O_EXCL, root->mode & 0666, error);
    if (status != OBS_OK)
        return status;
    status = obs__write_all(fd, data, size, "a new object", error);
    if (status == OBS_OK && modified_ns)
        status = set_time(fd, modified_ns, error);
    if (status == OBS_OK && tag && fstat(fd, &found) != 0)
        status = obs__fail_system(error, errno, "cannot look at a new object");
    close(fd);
    if (status != OBS_OK)
        unlinkat(root->staging, name, 0);
    else if (tag)
        *tag = obs__tag_of(&found);
    return status;
}
