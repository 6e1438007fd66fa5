/* Who may change a file, and on what kind of file system it lies. */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

static obs_status check_one(const struct stat *found, uid_t account, const char *path, obs_error *error)
{
    if (found->st_uid != geteuid() && found->st_uid != 0 && found->st_uid != account)
        return obs__fail(error, OBS_UNTRUSTED,
                         "'%s' belongs to another user (number %u): take it over with 'chown' or use your own", path,
                         (unsigned)found->st_uid);
    if (found->st_mode & (S_IWGRP | S_IWOTH))
        return obs__fail(error, OBS_UNTRUSTED, "'%s' can be changed by others: run 'chmod go-w %s'", path, path);
    return OBS_OK;
}

static obs_status open_checked(int *out, int folder, const char *name, int flags, uid_t account, const char *path,
                               obs_error *error)
{
    struct stat found;
    *out = openat(folder, name, flags | O_CLOEXEC);
    if (*out < 0 && errno == ELOOP)
        return obs__fail(error, OBS_UNTRUSTED, "'%s' is a symbolic link: put the file itself there", path);
    if (*out < 0)
        return obs__fail_system(error, errno, "cannot open '%s'", path);
    if (fstat(*out, &found) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    return check_one(&found, account, path, error);
}

/* The folder is checked first and the file opened in it, so that what was checked is what is read. Either may belong to
 * `account`, too; 0 adds nobody, as root may always. */
static obs_status open_trusted(int *out, const char *path, int flags, uid_t account, obs_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int parent = -1;
    *out = -1;
    if (slash && slash - path >= PATH_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a path is longer than %d bytes", PATH_MAX - 1);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    const char *place = *folder ? folder : "/";
    obs_status status = open_checked(&parent, AT_FDCWD, place, O_PATH | O_DIRECTORY, account, place, error);
    if (status == OBS_OK)
        status = open_checked(out, parent, *name ? name : ".", flags, account, path, error);
    if (status != OBS_OK && *out >= 0) {
        close(*out);
        *out = -1;
    }
    if (parent >= 0)
        close(parent);
    return status;
}

obs_status obs__trust_check(const char *path, obs_error *error)
{
    int fd = -1;
    obs_status status = open_trusted(&fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0, error);
    if (fd >= 0)
        close(fd);
    return status;
}

obs_status obs__file_read_trusted_of(obs_buffer **out, const char *path, uid_t account, size_t limit, obs_error *error)
{
    int fd = -1;
    *out = NULL;
    obs_status status = open_trusted(&fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, account, error);
    if (status == OBS_OK)
        status = obs__file_read_fd(out, fd, path, limit, error);
    if (fd >= 0)
        close(fd);
    return status;
}

obs_status obs__file_read_trusted(obs_buffer **out, const char *path, size_t limit, obs_error *error)
{
    return obs__file_read_trusted_of(out, path, 0, limit, error);
}

/* Who may read it besides the caller: the file was opened already, so nobody can exchange it. */
static obs_status check_private(int fd, struct stat *found, const char *path, obs_error *error)
{
    if (fstat(fd, found) != 0)
        return obs__fail_system(error, errno, "cannot look at '%s'", path);
    if (!S_ISREG(found->st_mode))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "'%s' is not a file", path);
    int mounted = strncmp(path, "/run/", 5) == 0 || strncmp(path, "/var/run/", 9) == 0;
    mode_t others = found->st_mode & (S_IRGRP | S_IROTH);
    if (found->st_uid == 0)
        others = mounted ? 0 : others & S_IROTH;
    if (others)
        return obs__fail(error, OBS_UNTRUSTED, "'%s' holds a secret and can be read by others: run 'chmod go= %s'", path, path);
    return OBS_OK;
}

obs_status obs__open_private(int *out, struct stat *found, const char *path, obs_error *error)
{
    struct stat ignored;
    obs_status status = open_trusted(out, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, error);
    if (status == OBS_OK && (status = check_private(*out, found ? found : &ignored, path, error)) != OBS_OK) {
        close(*out);
        *out = -1;
    }
    return status;
}

/* Kinds on which a kernel lock, a sync or a rename seen from another machine is not what it is on a local disk. Those that
 * <linux/magic.h> does not name are written out. */
static const struct {
    unsigned long magic;
    const char *name;
} remote_kinds[] = {
    {NFS_SUPER_MAGIC, "NFS"},
    {SMB_SUPER_MAGIC, "SMB"},
    {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},
    {0x00C36400, "Ceph"},
    {FUSE_SUPER_MAGIC, "FUSE"},
    {V9FS_MAGIC, "9p"},
    {AFS_SUPER_MAGIC, "AFS"},
    {AFS_FS_MAGIC, "AFS"},
    {CODA_SUPER_MAGIC, "Coda"},
    {NCP_SUPER_MAGIC, "NCP"},
    {0x0BD00BD0, "Lustre"},
    {0x19830326, "BeeGFS"},
    {0x47504653, "GPFS"},
    {0x20030528, "OrangeFS"},
    {0x01161970, "GFS2"},
    {OCFS2_SUPER_MAGIC, "OCFS2"},
    {0xAAD7AAEA, "PanFS"},
    {0x786F4256, "a VirtualBox folder"},
    {0xBACBACBC, "a VMware folder"},
    {0x7C7C6673, "a Parallels folder"},
};

static atomic_long fake_magic;

void obs__local_check_fake(long magic)
{
    atomic_store(&fake_magic, magic);
}

obs_status obs__local_check(const char *path, obs_error *error)
{
    struct statfs found;
    int code;
    do
        code = statfs(path, &found);
    while (code != 0 && errno == EINTR);
    if (code != 0)
        return obs__fail_system(error, errno, "cannot look at the file system of '%s'", path);
    long fake = atomic_load(&fake_magic);
    /* Kernels keep it in 32 bits; glibc's type is signed and may widen it. */
    unsigned long magic = (unsigned long)(fake ? fake : (long)found.f_type) & 0xFFFFFFFF;
    for (size_t i = 0; i < sizeof remote_kinds / sizeof remote_kinds[0]; i++)
        if (remote_kinds[i].magic == magic)
            return obs__fail(error, OBS_FAILED_PRECONDITION,
                             "'%s' lies on %s, where locks and syncs do not hold: put the workspace on a local disk", path,
                             remote_kinds[i].name);
    return OBS_OK;
}
