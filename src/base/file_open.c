/* Opening below a folder without following symbolic links: openat2(), and step by step where the kernel has none. */
#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

static atomic_int without_openat2;

void obs__open_at_fake(int without)
{
    atomic_store(&without_openat2, without);
}

/* The length of the next part of a path, after skipping slashes; 0 at the end. */
static size_t next_part(const char **at)
{
    *at += strspn(*at, "/");
    return strcspn(*at, "/");
}

/* What may be asked for below a folder: relative, and never upwards. */
static int stays_below(const char *path)
{
    size_t size;
    if (*path == '/' || *path == '\0')
        return 0;
    for (const char *at = path; (size = next_part(&at)) > 0; at += size)
        if (size == 2 && at[0] == '.' && at[1] == '.')
            return 0;
    return 1;
}

/* Opens one part after the other; returns a descriptor, or -1 with errno. */
static int open_by_steps(int folder, const char *path, int flags, mode_t mode)
{
    char name[NAME_MAX + 1];
    int at_folder = folder;
    for (size_t size = next_part(&path); size > 0;) {
        const char *rest = path + size;
        int last = next_part(&rest) == 0;
        if (size > NAME_MAX) {
            errno = ENAMETOOLONG;
            break;
        }
        memcpy(name, path, size);
        name[size] = '\0';
        /* `a/` must be a folder, as for the kernel. */
        int slash = last && path[size] == '/' ? O_DIRECTORY : 0;
        int fd = openat(at_folder, name, (last ? flags | slash : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC, mode);
        int number = errno;
        if (at_folder != folder)
            close(at_folder);
        errno = number;
        if (fd < 0 || last)
            return fd;
        at_folder = fd;
        path = rest;
        size = next_part(&path);
    }
    if (at_folder != folder)
        close(at_folder);
    return -1;
}

/* ENOTDIR of a step may mean a link in its place: then say so. */
static int is_link(int folder, const char *path)
{
    char part[PATH_MAX];
    struct stat found;
    for (size_t at = 1; at < sizeof part; at++) {
        if (path[at] == '/' || path[at] == '\0') {
            memcpy(part, path, at);
            part[at] = '\0';
            if (fstatat(folder, part, &found, AT_SYMLINK_NOFOLLOW) != 0)
                return 0;
            if (S_ISLNK(found.st_mode))
                return 1;
        }
        if (path[at] == '\0')
            return 0;
    }
    return 0;
}

static int open_below(int folder, const char *path, int flags, mode_t mode)
{
    struct open_how how = {0};
    how.flags = (unsigned)(flags | O_CLOEXEC);
    how.mode = flags & O_CREAT ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    if (!atomic_load_explicit(&without_openat2, memory_order_relaxed)) {
        long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
        /* EPERM: a container's filter that does not know the call; EAGAIN: a rename went on meanwhile. */
        if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EAGAIN))
            return (int)fd;
        if (errno == ENOSYS)
            atomic_store_explicit(&without_openat2, 1, memory_order_relaxed);
    }
    return open_by_steps(folder, path, flags, mode);
}

obs_status obs__open_at(int *out, int folder, const char *path, int flags, mode_t mode, obs_error *error)
{
    *out = -1;
    if (folder != AT_FDCWD && !stays_below(path))
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' leads out of its folder", path);
    do
        *out = folder == AT_FDCWD ? open(path, flags | O_CLOEXEC, mode) : open_below(folder, path, flags, mode);
    while (*out < 0 && errno == EINTR);
    if (*out >= 0)
        return OBS_OK;
    int number = errno;
    if (number == ELOOP || (number == ENOTDIR && folder != AT_FDCWD && is_link(folder, path)))
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "'%s' leads over a symbolic link, which is not followed here: put the file itself there", path);
    return obs__fail_system(error, number, "cannot open '%s'", path);
}

obs_status obs__open_parent(int *out, const char **name, int folder, const char *path, obs_error *error)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');
    *out = -1;
    *name = slash ? slash + 1 : path;
    if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "'%s' does not name a file", path);
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (size >= sizeof parent)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a path is longer than %zu bytes", sizeof parent - 1);
    memcpy(parent, path, size);
    parent[size] = '\0';
    /* "/x" lies in "/", "x" in the folder itself; an absolute path below a descriptor is refused by obs__open_at(). */
    return obs__open_at(out, folder, size ? parent : slash ? "/" : ".", O_RDONLY | O_DIRECTORY, 0, error);
}
