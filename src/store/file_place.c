/* Where bodies and sidecars lie, and the folders on the way there. No symbolic link is ever followed below the root. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "store/file.h"

obs__tag obs__tag_of(const struct stat *status)
{
    return (obs__tag){(uint64_t)status->st_ino, (uint64_t)status->st_size,
                      (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec};
}

int obs__tag_equal(const obs__tag *a, const obs__tag *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified_ns == b->modified_ns;
}

static int tree_fd(const obs__file_root *root, obs__tree tree)
{
    return tree == OBS__BODIES ? root->fd : root->meta;
}

/* An object stands where a folder is needed (`a`, and now `a/b`): it goes beside it, as `a%`. */
static obs_status displace(obs__file_root *root, int folder, const char *name, obs_error *error)
{
    char beside[OBS__KEY_PATH_SIZE];
    struct stat found;
    if (fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? OBS_OK : obs__fail_system(error, errno, "cannot look at '%s'", name);
    if (S_ISDIR(found.st_mode))
        return OBS_OK;
    if (!S_ISREG(found.st_mode))
        return obs__fail(error, OBS_PERMISSION_DENIED,
                         "'%s' in the store is neither a file nor a folder, and links are not followed: remove it", name);
    obs__key_beside(beside, name);
    char *slash = strchr(beside, '/');
    if (slash) {
        *slash = '\0';
        if (mkdirat(folder, beside, root->mode) != 0 && errno != EEXIST)
            return obs__fail_system(error, errno, "cannot make the folder '%s'", beside);
        *slash = '/';
    }
    if (renameat(folder, name, folder, beside) != 0)
        return obs__fail_system(error, errno, "cannot move '%s' beside the folder of that name", name);
    return OBS_OK;
}

/* One step down; makes the folder. */
static obs_status step(int *out, obs__file_root *root, int folder, const char *name, obs_error *error)
{
    for (int tries = 0; tries < 16; tries++) {
        if (mkdirat(folder, name, root->mode) != 0 && errno != EEXIST)
            return obs__fail_system(error, errno, "cannot make the folder '%s' of the store", name);
        *out = openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (*out >= 0)
            return OBS_OK;
        if (errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
            return obs__fail_system(error, errno, "cannot open the folder '%s' of the store", name);
        obs_status status = displace(root, folder, name, error);
        if (status != OBS_OK)
            return status;
    }
    return obs__fail(error, OBS_UNAVAILABLE, "another program keeps removing the folder '%s' of the store", name);
}

/* Makes all folders of place->path and leaves the last one in place->fd. */
static obs_status make_folders(obs__place *place, obs__file_root *root, int top, obs_error *error)
{
    char *from = place->path;
    place->fd = top;
    place->own = 0;
    for (char *slash; (slash = strchr(from, '/')); from = slash + 1) {
        int next = -1;
        *slash = '\0';
        obs_status status = step(&next, root, place->fd, from, error);
        *slash = '/';
        obs__place_close(place);
        if (status != OBS_OK)
            return status;
        place->fd = next;
        place->own = 1;
    }
    place->name = from;
    return OBS_OK;
}

obs_status obs__place_open(obs__place *out, obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, int make,
                           obs_error *error)
{
    int top = tree_fd(root, tree);
    obs__key_path(out->path, key, form);
    char *slash = strrchr(out->path, '/');
    out->fd = top;
    out->own = 0;
    out->name = slash ? slash + 1 : out->path;
    if (top < 0)
        return obs__fail(error, OBS_NOT_FOUND, "no such folder");
    if (!slash)
        return OBS_OK;
    *slash = '\0';
    obs_status status = obs__open_at(&out->fd, top, out->path, O_PATH | O_DIRECTORY, 0, make ? NULL : error);
    *slash = '/';
    out->own = status == OBS_OK;
    return status != OBS_OK && make ? make_folders(out, root, top, error) : status;
}

void obs__place_close(obs__place *place)
{
    if (place->own)
        close(place->fd);
    place->own = 0;
}

/* One form of a body. OBS_NOT_FOUND also when a folder has the name: then *folder is set. */
static obs_status look(obs__tag *tag, int *folder, int *bare, obs__file_root *root, obs__view key, obs__key_form form,
                       obs_error *error)
{
    obs__place place;
    struct stat found = {0};
    obs_status status = obs__place_open(&place, root, OBS__BODIES, key, form, 0, error);
    *folder = 0;
    *bare = status == OBS_NOT_FOUND;
    if (status != OBS_OK)
        return status;
    if (fstatat(place.fd, place.name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        status = obs__fail_system(error, errno, "cannot look at '%s'", place.path);
    else if (S_ISREG(found.st_mode))
        *tag = obs__tag_of(&found);
    else if (S_ISDIR(found.st_mode))
        status = obs__fail(error, OBS_NOT_FOUND, "'%s' is a folder", place.path);
    else
        status = obs__fail(error, OBS_PERMISSION_DENIED,
                           "'%s' in the store is not an ordinary file, and links are not followed: put the file itself there",
                           place.path);
    *folder = status == OBS_NOT_FOUND && S_ISDIR(found.st_mode);
    obs__place_close(&place);
    return status;
}

obs_status obs__place_find(obs__tag *tag, obs__key_form *form, int *bare, obs__file_root *root, obs__view key, obs_error *error)
{
    int folder;
    int ignored;
    *form = OBS__KEY_PLAIN;
    obs_status status = look(tag, &folder, bare, root, key, OBS__KEY_PLAIN, error);
    if (status != OBS_NOT_FOUND || *bare)
        return status;
    status = look(tag, &ignored, &ignored, root, key, OBS__KEY_BESIDE, error);
    if (status == OBS_OK || folder)
        *form = OBS__KEY_BESIDE;
    return status;
}

/* Removes the folders above a path as long as they are empty. */
static void prune(int top, char *path)
{
    for (char *slash; (slash = strrchr(path, '/'));) {
        int parent = -1;
        const char *name;
        *slash = '\0';
        if (obs__open_parent(&parent, &name, top, path, NULL) != OBS_OK)
            return;
        int failed = unlinkat(parent, name, AT_REMOVEDIR);
        close(parent);
        if (failed)
            return;
    }
}

obs_status obs__place_remove(obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, obs_error *error)
{
    obs__place place;
    obs_status status = obs__place_open(&place, root, tree, key, form, 0, error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    int failed = unlinkat(place.fd, place.name, 0);
    int number = errno;
    obs__place_close(&place);
    if (failed && number != ENOENT && number != EISDIR)
        return obs__fail_system(error, number, "cannot remove '%s'", place.path);
    if (!failed)
        prune(tree_fd(root, tree), place.path);
    return OBS_OK;
}

obs_status obs__place_put(obs__file_root *root, obs__tree tree, obs__view key, obs__key_form form, const char *staged,
                          obs_error *error)
{
    obs__place place;
    int number = 0;
    /* Another program may remove an empty folder between the two steps. */
    for (int tries = 0; tries < 16; tries++) {
        obs_status status = obs__place_open(&place, root, tree, key, form, 1, error);
        if (status != OBS_OK)
            return status;
        number = renameat(root->staging, staged, place.fd, place.name) == 0 ? 0 : errno;
        obs__place_close(&place);
        if (!number)
            return OBS_OK;
        if (number == EISDIR && form == OBS__KEY_PLAIN)
            form = OBS__KEY_BESIDE;
        else if (number != ENOENT)
            break;
    }
    return obs__fail_system(error, number, "cannot put '%s' in its place", place.path);
}
