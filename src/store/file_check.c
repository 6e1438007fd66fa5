/* What lies in a store's folder and is no object: names that no key has, sidecars without a body. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "store/file.h"

#define YOUNG_NS ((int64_t)60 * 1000000000)
#define OLD_NS ((int64_t)90 * 86400 * 1000000000) /* by then every tenant of a shared root was opened once */

typedef struct obs__look {
    obs__file_root *root;
    obs__tree tree;
    obs__builder *rows;
    uint64_t *problems;
    int repair;
    const obs__limit *limit;
    obs_error *error;
} obs__look;

static void add_problem(obs__look *look, const char *path, const char *problem, const char *remedy)
{
    ++*look->problems;
    obs__check_row(look->rows, obs__view_of(path, OBS_TEXT), problem, remedy);
}

/* When an object was deleted whose sidecar was kept to say so (on a shared root), or 0. */
static int64_t gone_at(const obs__look *look, obs__view key)
{
    char room[OBS__ENTRY_INLINE];
    obs_buffer *large = NULL;
    obs__view text;
    obs_status status = obs__sidecar_read(&text, room, sizeof room, &large, look->root, key, NULL);
    int64_t gone = status == OBS_OK ? obs__sidecar_gone(text) : 0;
    if (status == OBS_RESOURCE_EXHAUSTED) /* no memory to look: then nothing is said of it, and nothing removed */
        gone = obs__now_ns();
    obs_buffer_free(large);
    return gone;
}

/* A sidecar tells about a body: without one it is rubbish. A body is looked at when its key is listed. */
static void look_at_file(obs__look *look, const char *path, const struct stat *found)
{
    char key[OBS_KEY_MAX];
    obs__key_form form;
    obs__tag tag;
    int bare;
    size_t size = obs__key_of_path(key, path, &form);
    if (look->tree == OBS__BODIES) {
        if (!size)
            add_problem(look, path, "no key has a file of this name", "give it an ordinary name, or remove it");
        return;
    }
    /* A writer puts it there a moment before its body. */
    if (obs__now_ns() - obs__tag_of(found).modified_ns < YOUNG_NS)
        return;
    if (size && form == OBS__KEY_BESIDE &&
        obs__place_find(&tag, &form, &bare, look->root, (obs__view){key, size}, NULL) != OBS_NOT_FOUND)
        return;
    int64_t gone = size ? gone_at(look, (obs__view){key, size}) : 0;
    if (gone) {
        if (look->repair && obs__now_ns() - gone > OLD_NS)
            obs__place_remove(look->root, OBS__SIDECARS, (obs__view){key, size}, OBS__KEY_BESIDE, NULL);
        return;
    }
    add_problem(look, path, "a sidecar without an object", look->repair ? "it was removed" : "run the check with repair");
    if (look->repair && size)
        obs__place_remove(look->root, OBS__SIDECARS, (obs__view){key, size}, OBS__KEY_BESIDE, NULL);
}

static obs_status look_into(obs__look *look, const char *path);

static obs_status look_at_name(obs__look *look, int fd, const char *folder, const char *name)
{
    char path[OBS__KEY_PATH_SIZE];
    struct stat found;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        (look->tree == OBS__BODIES && !*folder && strcmp(name, ".obs") == 0))
        return OBS_OK;
    int length = snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    if (length < 0 || (size_t)length >= sizeof path || fstatat(fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return OBS_OK;
    if (S_ISDIR(found.st_mode))
        return look_into(look, path);
    if (S_ISREG(found.st_mode))
        look_at_file(look, path, &found);
    else
        add_problem(look, path, "neither a file nor a folder; links are not followed", "put the file itself there");
    return OBS_OK;
}

static obs_status look_into(obs__look *look, const char *path)
{
    int fd = -1;
    int top = look->tree == OBS__BODIES ? look->root->fd : look->root->meta;
    obs_status status = obs__open_at(&fd, top, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0, look->error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    DIR *stream = fdopendir(fd);
    if (!stream) {
        status = obs__fail_system(look->error, errno, "cannot list '%s'", path);
        close(fd);
        return status;
    }
    for (struct dirent *entry; status == OBS_OK && (entry = readdir(stream));)
        status = look_at_name(look, fd, path, entry->d_name);
    closedir(stream);
    return status == OBS_OK ? obs__limit_check(look->limit, look->error) : status;
}

obs_status obs__file_check(obs__volume *volume, obs__builder *rows, uint64_t *problems, int repair, const obs__limit *limit,
                           obs_error *error)
{
    obs__look look = {(obs__file_root *)volume, OBS__BODIES, rows, problems, repair, limit, error};
    obs_status status = look_into(&look, "");
    look.tree = OBS__SIDECARS;
    return status == OBS_OK && look.root->meta >= 0 ? look_into(&look, "") : status;
}
