/* Where `get` writes. A new file has no name until it is whole, so that an end at any moment leaves nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "obsctl/ctl.h"

#define LINK_SIZE 64

/* A file without a name in the folder of `path`. -1 where the file system has no such thing. */
static int open_nameless(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(folder);
    return fd;
}

static obs_status open_named(ctl *ctl, ctl_target *target)
{
    mode_t mask = umask(0);
    umask(mask);
    if (asprintf(&target->part, "%s.part-XXXXXX", target->path) < 0) {
        target->part = NULL;
        return ctl_fail_memory(ctl);
    }
    target->fd = mkostemp(target->part, O_CLOEXEC);
    if (target->fd < 0 || fchmod(target->fd, 0666 & ~mask) != 0)
        return ctl_fail_system(ctl, "create", target->path);
    return OBS_OK;
}

static obs_status fail_exists(ctl *ctl, const char *path)
{
    return ctl_find_option(ctl->command, "force", 5, 0)
               ? ctl_fail(ctl, OBS_ALREADY_EXISTS, "'%s' exists: use --force to replace it", path)
               : ctl_fail(ctl, OBS_ALREADY_EXISTS, "'%s' exists: name a file that does not", path);
}

obs_status ctl_target_open(ctl *ctl, ctl_target *target, const char *path)
{
    struct stat info;
    *target = (ctl_target){.fd = STDOUT_FILENO, .replace = ctl_get(ctl, "force") != NULL};
    if (!path || strcmp(path, "-") == 0)
        return OBS_OK;
    target->path = path;
    target->fd = -1;
    int exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return ctl_fail(ctl, OBS_INVALID_ARGUMENT, "'%s' is a folder: name the file that is to be written", path);
    if (exists && S_ISREG(info.st_mode) && !target->replace)
        return fail_exists(ctl, path);
    if (exists && !S_ISREG(info.st_mode)) { /* a device or a pipe is written to, not replaced */
        target->fd = open(path, O_WRONLY | O_CLOEXEC);
        return target->fd < 0 ? ctl_fail_system(ctl, "open", path) : OBS_OK;
    }
    target->is_new = 1;
    target->fd = open_nameless(path);
    return target->fd < 0 ? open_named(ctl, target) : OBS_OK;
}

obs_status ctl_target_write(ctl *ctl, const ctl_target *target, const char *data, size_t size)
{
    while (size) {
        ssize_t written = write(target->fd, data, size);
        obs_status status = written < 0 && errno == EINTR ? ctl_check_cancel(ctl) : OBS_OK;
        if (status != OBS_OK)
            return status;
        if (written < 0 && errno != EINTR)
            return ctl_fail_system(ctl, "write to", target->path ? target->path : "standard output");
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return OBS_OK;
}

/* Gives the file its name, in one step; a file that came in between is not replaced without --force. */
static int take_name(ctl_target *target)
{
    char self[LINK_SIZE];
    if (!target->part) {
        snprintf(self, sizeof self, "/proc/self/fd/%d", target->fd);
        if (!target->replace || access(target->path, F_OK) != 0)
            return linkat(AT_FDCWD, self, AT_FDCWD, target->path, AT_SYMLINK_FOLLOW);
        if (asprintf(&target->part, "%s.part-%ld", target->path, (long)getpid()) < 0) {
            target->part = NULL;
            errno = ENOMEM;
            return -1;
        }
        if (linkat(AT_FDCWD, self, AT_FDCWD, target->part, AT_SYMLINK_FOLLOW) != 0)
            return -1;
    }
    return target->replace ? rename(target->part, target->path)
                           : renameat2(AT_FDCWD, target->part, AT_FDCWD, target->path, RENAME_NOREPLACE);
}

obs_status ctl_target_close(ctl *ctl, ctl_target *target, obs_status status)
{
    if (status == OBS_OK && target->is_new && take_name(target) != 0)
        status = errno == EEXIST ? fail_exists(ctl, target->path) : ctl_fail_system(ctl, "create", target->path);
    if (status != OBS_OK && target->part)
        unlink(target->part);
    if (target->path && target->fd >= 0 && close(target->fd) != 0 && status == OBS_OK)
        status = ctl_fail_system(ctl, "write to", target->path);
    free(target->part);
    target->part = NULL;
    return status;
}
