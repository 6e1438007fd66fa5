/* Folders of a Unix group. */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define ALL (ACL_READ | ACL_WRITE | ACL_EXECUTE)
#define LOOK (ACL_READ | ACL_EXECUTE)
#define INHERITED "system.posix_acl_default"
#define OWN "system.posix_acl_access"

/* ---- Access lists, as the kernel wants them: in this order of tags, in little endian. ---- */

struct list {
    struct posix_acl_xattr_header header;
    struct posix_acl_xattr_entry entries[];
};

static void put(struct list *list, size_t *count, unsigned tag, unsigned permissions, unsigned id)
{
    list->header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
    list->entries[(*count)++] =
        (struct posix_acl_xattr_entry){htole16((uint16_t)tag), htole16((uint16_t)permissions), htole32(id)};
}

static obs_status set_list(int fd, const char *path, const char *name, const struct list *list, size_t count, obs_error *error)
{
    if (fsetxattr(fd, name, list, sizeof *list + count * sizeof list->entries[0], 0) == 0)
        return OBS_OK;
    if (errno == ENOTSUP)
        return obs__fail(
            error, OBS_FAILED_PRECONDITION,
            "'%s' lies on a file system without access lists, which a shared workspace needs: mount it with 'acl', or "
            "choose another one",
            path);
    return obs__fail_system(error, errno, "cannot set the access list of '%s'", path);
}

static struct list *new_list(size_t users)
{
    return obs__calloc(1, sizeof(struct list) + (users + 4) * sizeof(struct posix_acl_xattr_entry));
}

/* What everything that is made in the folder gets, instead of what the maker's umask would leave: the group may do what its
 * maker may, so may the account, and others nothing. */
static obs_status set_inherited(int fd, const char *path, uid_t account, obs_error *error)
{
    size_t count = 0;
    struct list *list = new_list(1);
    if (!list)
        return obs__fail_memory(error);
    put(list, &count, ACL_USER_OBJ, ALL, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_USER, ALL, account);
    put(list, &count, ACL_GROUP_OBJ, ALL, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_MASK, ALL, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_OTHER, 0, (unsigned)ACL_UNDEFINED_ID);
    obs_status status = set_list(fd, path, INHERITED, list, count, error);
    obs__free(list);
    return status;
}

obs_status obs__folder_share(const char *path, uid_t account, gid_t group, obs_error *error)
{
    struct stat found;
    int fd = -1;
    obs_status status = obs__open_at(&fd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, error);
    if (status != OBS_OK)
        return status;
    if (fchown(fd, account, group) != 0)
        status = obs__fail_system(error, errno, "cannot give '%s' to group %u: only root can, or a member of the group", path,
                                  (unsigned)group);
    /* After the change of hands, which takes the mark away by which new files get the group. */
    else if (fchmod(fd, 02770) != 0 || fstat(fd, &found) != 0)
        status = obs__fail_system(error, errno, "cannot set the rights of '%s'", path);
    else if (!(found.st_mode & S_ISGID))
        status = obs__fail(error, OBS_PERMISSION_DENIED,
                           "'%s' cannot be given to group %u: only root can, or a member of the group", path, (unsigned)group);
    else
        status = set_inherited(fd, path, account, error);
    close(fd);
    return status;
}

/* Files below keep what their own mode says, whatever the umask: whether anybody comes that far is decided here. */
static obs_status set_open_below(int fd, const char *path, struct list *list, obs_error *error)
{
    size_t count = 0;
    put(list, &count, ACL_USER_OBJ, ALL, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_GROUP_OBJ, LOOK, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_OTHER, LOOK, (unsigned)ACL_UNDEFINED_ID);
    return set_list(fd, path, INHERITED, list, count, error);
}

/* 1 when the folder has exactly this list; without readers that is none. */
static int has_list(int fd, const struct list *list, size_t count, size_t reader_count)
{
    char bytes[4096];
    size_t size = sizeof *list + count * sizeof list->entries[0];
    ssize_t found = fgetxattr(fd, OWN, bytes, sizeof bytes);
    int is_own =
        reader_count ? found >= 0 && (size_t)found == size && memcmp(bytes, list, size) == 0 : found < 0 && errno == ENODATA;
    return is_own && fgetxattr(fd, INHERITED, NULL, 0) > 0;
}

static obs_status admit(int fd, const char *path, const uid_t *readers, size_t reader_count, obs_error *error)
{
    size_t count = 0;
    struct list *list = new_list(reader_count);
    if (!list)
        return obs__fail_memory(error);
    put(list, &count, ACL_USER_OBJ, ALL, (unsigned)ACL_UNDEFINED_ID);
    for (size_t i = 0; i < reader_count; i++)
        put(list, &count, ACL_USER, LOOK, readers[i]);
    put(list, &count, ACL_GROUP_OBJ, 0, (unsigned)ACL_UNDEFINED_ID);
    if (reader_count)
        put(list, &count, ACL_MASK, LOOK, (unsigned)ACL_UNDEFINED_ID);
    put(list, &count, ACL_OTHER, 0, (unsigned)ACL_UNDEFINED_ID);
    obs_status status = OBS_OK;
    if (!has_list(fd, list, count, reader_count)) {
        status = set_list(fd, path, OWN, list, count, error);
        if (status == OBS_OK)
            status = set_open_below(fd, path, list, error);
    }
    obs__free(list);
    return status;
}

obs_status obs__folder_admit(const char *path, const uid_t *readers, size_t count, obs_error *error)
{
    int fd = -1;
    obs_status status = obs__open_at(&fd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, error);
    if (status != OBS_OK)
        return status;
    status = admit(fd, path, readers, count, error);
    close(fd);
    return status;
}

obs_status obs__folder_give(const char *path, uid_t account, mode_t mode, obs_error *error)
{
    int fd = -1;
    obs_status status = obs__open_at(&fd, AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, error);
    if (status != OBS_OK)
        return status;
    if (fchown(fd, account, (gid_t)-1) != 0 || fchmod(fd, mode) != 0)
        status = obs__fail_system(error, errno, "cannot give '%s' to user %u", path, (unsigned)account);
    close(fd);
    return status;
}

/* A sticky folder, as /tmp is: others may write in it, but neither rename nor remove what is not theirs. */
static int is_safe_above(const struct stat *found, uid_t account)
{
    if (found->st_uid != 0 && found->st_uid != geteuid() && found->st_uid != account)
        return 0;
    return !(found->st_mode & (S_IWGRP | S_IWOTH)) || (found->st_mode & S_ISVTX) != 0;
}

obs_status obs__trust_above(const char *path, uid_t account, obs_error *error)
{
    char folder[PATH_MAX];
    struct stat found;
    if (!realpath(path, folder))
        return obs__fail_system(error, errno, "cannot find '%s'", path);
    for (;;) {
        if (stat(folder, &found) != 0)
            return obs__fail_system(error, errno, "cannot look at '%s'", folder);
        if (!is_safe_above(&found, account))
            return obs__fail(
                error, OBS_UNTRUSTED,
                "others may change '%s', and could put another workspace in the place of this one: choose a folder "
                "that only root or the account may change",
                folder);
        char *slash = strrchr(folder, '/');
        if (folder[1] == '\0')
            return OBS_OK;
        slash[slash == folder] = '\0';
    }
}
