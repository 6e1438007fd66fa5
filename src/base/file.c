/* Reading, writing and making: what is told as done is on the disk. */
#include "base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

/* How many bytes to ask for at first: what fstat says, one more to notice growth; pipes and /proc say 0. */
static obs_status read_size(size_t *out, int fd, const char *name, size_t limit, obs_error *error)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return obs__fail_system(error, errno, "cannot read '%s'", name);
    if (S_ISDIR(found.st_mode))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%s' is a folder, not a file", name);
    if (found.st_size > 0 && (uintmax_t)found.st_size > limit)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "'%s' is larger than the limit of %zu bytes", name, limit);
    *out = found.st_size > 0 ? (size_t)found.st_size + 1 : 4096;
    return OBS_OK;
}

/* One piece into the builder; *end is set at the end of the file. */
static obs_status read_piece(obs__builder *builder, int *end, int fd, size_t piece, const char *name, obs_error *error)
{
    size_t left = builder->limit - builder->size;
    if (piece > left)
        piece = left;
    char *room = obs__builder_room(builder, piece);
    if (!room)
        return obs__fail_memory(error);
    ssize_t got = read(fd, room, piece);
    if (got < 0)
        return errno == EINTR ? OBS_OK : obs__fail_system(error, errno, "cannot read '%s'", name);
    builder->size += (size_t)got;
    builder->data[builder->size] = '\0';
    *end = got == 0;
    if (builder->size == builder->limit)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "'%s' is larger than the limit of %zu bytes", name, builder->limit - 1);
    return OBS_OK;
}

obs_status obs__file_read_fd(obs_buffer **out, int fd, const char *name, size_t limit, obs_error *error)
{
    obs__builder builder;
    size_t piece = 0;
    int end = 0;
    *out = NULL;
    /* One byte beyond the limit is allowed in, to tell "as large as" from "larger than". */
    obs__builder_init(&builder, limit < SIZE_MAX / 2 ? limit + 1 : SIZE_MAX / 2);
    obs_status status = read_size(&piece, fd, name, limit, error);
    while (status == OBS_OK && !end)
        status = read_piece(&builder, &end, fd, piece, name, error);
    if (status == OBS_OK)
        status = obs__builder_finish(out, &builder, error);
    obs__builder_free(&builder);
    return status;
}

obs_status obs__file_read(obs_buffer **out, int folder, const char *path, size_t limit, obs_error *error)
{
    int fd = -1;
    *out = NULL;
    obs_status status = obs__open_at(&fd, folder, path, O_RDONLY | O_NOCTTY, 0, error);
    if (status == OBS_OK) {
        status = obs__file_read_fd(out, fd, path, limit, error);
        close(fd);
    }
    return status;
}

obs_status obs__write_all(int fd, const void *data, size_t size, const char *name, obs_error *error)
{
    const char *at = data;
    while (size > 0) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno != EINTR)
            return obs__fail_system(error, errno, "cannot write '%s'", name);
        if (put > 0) {
            at += put;
            size -= (size_t)put;
        }
    }
    return OBS_OK;
}

obs_status obs__folder_sync(int fd, const char *name, obs_error *error)
{
    return fsync(fd) == 0 ? OBS_OK : obs__fail_system(error, errno, "cannot sync the folder '%s'", name);
}

obs_status obs__folder_sync_path(int folder, const char *path, obs_error *error)
{
    int fd = -1;
    obs_status status = obs__open_at(&fd, folder, path, O_RDONLY | O_DIRECTORY, 0, error);
    if (status == OBS_OK) {
        status = obs__folder_sync(fd, path, error);
        close(fd);
    }
    return status;
}

/* A hidden name beside the file that no other writer has; room for 27 bytes. */
static obs_status temporary_name(char *out, obs_error *error)
{
    unsigned char bytes[8];
    obs_status status = obs__random(bytes, sizeof bytes, error);
    if (status == OBS_OK) {
        memcpy(out, ".obs-tmp-", 9);
        obs__hex(out + 9, bytes, sizeof bytes);
    }
    return status;
}

obs_status obs__file_hand_over(int fd, int folder, const char *path, obs_error *error)
{
    struct stat file, parent;
    if (geteuid() != 0)
        return OBS_OK;
    if (fstat(fd, &file) != 0 || fstat(folder, &parent) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    if (file.st_uid == parent.st_uid || fchown(fd, parent.st_uid, parent.st_gid) == 0)
        return OBS_OK;
    return obs__fail_system(error, errno, "cannot give '%s' to the account that its folder belongs to", path);
}

static obs_status fill_temporary(int parent, const char *temporary, const void *data, size_t size, mode_t mode,
                                 const char *path, obs_error *error)
{
    int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return obs__fail_system(error, errno, "cannot write '%s'", path);
    obs_status status = obs__file_hand_over(fd, parent, path, error);
    if (status == OBS_OK)
        status = obs__write_all(fd, data, size, path, error);
    if (status == OBS_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        status = obs__fail_system(error, errno, "cannot write '%s'", path);
    if (close(fd) != 0 && status == OBS_OK)
        status = obs__fail_system(error, errno, "cannot write '%s'", path);
    return status;
}

static obs_status place_file(int folder, const char *path, const void *data, size_t size, mode_t mode, int replace,
                             obs_error *error)
{
    char temporary[32];
    const char *name;
    int parent = -1;
    obs_status status = obs__open_parent(&parent, &name, folder, path, error);
    if (status != OBS_OK)
        return status;
    status = temporary_name(temporary, error);
    if (status == OBS_OK)
        status = fill_temporary(parent, temporary, data, size, mode, path, error);
    /* link() fails when the name is taken, rename() replaces; neither shows a file that is not whole. */
    if (status == OBS_OK && (replace ? renameat(parent, temporary, parent, name) : linkat(parent, temporary, parent, name, 0)))
        status = obs__fail_system(error, errno, errno == EEXIST ? "cannot make '%s'" : "cannot write '%s'", path);
    if (status != OBS_OK || !replace)
        unlinkat(parent, temporary, 0);
    if (status == OBS_OK)
        status = obs__folder_sync(parent, path, error);
    close(parent);
    return status;
}

obs_status obs__file_write(int folder, const char *path, const void *data, size_t size, mode_t mode, obs_error *error)
{
    return place_file(folder, path, data, size, mode, 1, error);
}

obs_status obs__file_create(int folder, const char *path, const void *data, size_t size, mode_t mode, obs_error *error)
{
    return place_file(folder, path, data, size, mode, 0, error);
}

/* Makes one folder whose parent exists. Only a new one costs a sync. */
static obs_status make_one(int folder, const char *path, mode_t mode, obs_error *error)
{
    const char *name;
    int parent = -1;
    obs_status status = obs__open_parent(&parent, &name, folder, path, error);
    if (status != OBS_OK)
        return status;
    if (mkdirat(parent, name, mode) == 0)
        status = obs__folder_sync(parent, path, error);
    else if (errno != EEXIST)
        status = obs__fail_system(error, errno, "cannot make the folder '%s'", path);
    close(parent);
    return status;
}

static int is_folder(int folder, const char *path)
{
    int fd = -1;
    if (obs__open_at(&fd, folder, path, O_PATH | O_DIRECTORY, 0, NULL) != OBS_OK)
        return 0;
    close(fd);
    return 1;
}

obs_status obs__folder_make(int folder, const char *path, mode_t mode, obs_error *error)
{
    char part[PATH_MAX];
    size_t size = strlen(path);
    if (size >= sizeof part)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "the path of a folder is longer than %zu bytes", sizeof part - 1);
    if (is_folder(folder, path))
        return OBS_OK;
    for (size_t at = 1; at <= size; at++) {
        if ((path[at] != '/' && path[at] != '\0') || path[at - 1] == '/')
            continue;
        memcpy(part, path, at);
        part[at] = '\0';
        obs_status status = is_folder(folder, part) ? OBS_OK : make_one(folder, part, mode, error);
        if (status != OBS_OK)
            return status;
    }
    int fd = -1;
    obs_status status = obs__open_at(&fd, folder, path, O_PATH | O_DIRECTORY, 0, error);
    if (status == OBS_OK)
        close(fd);
    return status;
}
