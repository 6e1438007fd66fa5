/*
 * Listing a folder: the order of keys is not that of file names, so each folder's names are decoded and the smallest ones
 * selected, a batch at a time. Folders outside of the prefix, or wholly before the place to go on from, are not entered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/file.h"
#include "store/select.h"

/* A name in a folder. */
typedef struct obs__name {
    int folder;
    size_t size; /* of the key */
    char text[]; /* the key, from its start, with `/` for a folder; then its path with NUL */
} obs__name;

typedef struct obs__walk {
    obs__file_root *root;
    obs__scan *scan;
    int probe; /* only whether there is an object at all */
    int found;
    int done;
    obs_error *error;
} obs__walk;

/* One folder that is being walked. Keys and paths are whole, from the root. */
typedef struct obs__folder {
    char path[OBS__KEY_PATH_SIZE];
    char key[OBS_KEY_MAX + 2];
    size_t key_size;
    char last[OBS_KEY_MAX + 2]; /* up to where its names were handled */
    size_t last_size;
    obs__select select;
} obs__folder;

static obs_status walk_folder(obs__walk *walk, const char *path, obs__view key);

/* Whether keys of this name can be asked for: for a folder, whether any below it can. */
static int is_wanted(const obs__walk *walk, obs__view key, int folder)
{
    obs__view prefix = walk->scan->prefix;
    obs__view after = walk->scan->after;
    if (walk->probe)
        return 1;
    if (!obs__starts_with(key, prefix) && !(folder && obs__starts_with(prefix, key)))
        return 0;
    return obs__compare(key, after) > 0 || (folder && obs__starts_with(after, key));
}

/* Adds a name when it belongs to a key and is wanted. `piece`: its path from the folder, with the cuts above it. */
static obs_status add_name(obs__walk *walk, obs__folder *folder, const char *piece, int is_folder)
{
    char part[OBS_KEY_MAX];
    size_t size;
    obs__key_form form;
    char key[2 * OBS_KEY_MAX + 4];
    if (!obs__key_part_of(part, &size, piece, !*folder->path, &form) || (is_folder && form == OBS__KEY_BESIDE))
        return OBS_OK;
    memcpy(key, folder->key, folder->key_size);
    memcpy(key + folder->key_size, part, size);
    size += folder->key_size;
    if (is_folder)
        key[size++] = '/';
    obs__view whole = {key, size};
    if (size > OBS_KEY_MAX || !obs__utf8_valid(part, size - folder->key_size - (size_t)is_folder) ||
        !is_wanted(walk, whole, is_folder) || obs__compare(whole, (obs__view){folder->last, folder->last_size}) <= 0 ||
        !obs__select_wants(&folder->select, whole))
        return OBS_OK;
    size_t base = strlen(folder->path);
    obs__name *name = obs__alloc(sizeof *name + size + base + strlen(piece) + 2);
    if (!name)
        return obs__fail_memory(walk->error);
    name->folder = is_folder;
    name->size = size;
    memcpy(name->text, key, size);
    sprintf(name->text + size, "%s%s%s", folder->path, base ? "/" : "", piece);
    obs__select_add(&folder->select, (obs__view){name->text, size}, name);
    return OBS_OK;
}

static int kind_of(int fd, const struct dirent *entry)
{
    struct stat found;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return S_ISDIR(found.st_mode) ? DT_DIR : S_ISREG(found.st_mode) ? DT_REG : DT_UNKNOWN;
}

static obs_status read_names(obs__walk *walk, obs__folder *folder, const char *cut);

static obs_status read_name(obs__walk *walk, obs__folder *folder, const char *cut, int kind, const char *name)
{
    char piece[OBS__KEY_PART_SIZE];
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (kind != DT_DIR && kind != DT_REG))
        return OBS_OK;
    if (!*folder->path && !*cut && strcmp(name, ".obs") == 0)
        return OBS_OK;
    int length = snprintf(piece, sizeof piece, "%s%s", cut, name);
    if (length < 0 || (size_t)length >= sizeof piece - 1)
        return OBS_OK;
    if (kind == DT_REG)
        return add_name(walk, folder, piece, 0);
    if (!obs__key_is_cut(name))
        return add_name(walk, folder, piece, 1);
    piece[length] = '/';
    piece[length + 1] = '\0';
    return read_names(walk, folder, piece);
}

/* The names of a folder, and of the folders below it that only hold the rest of long names. */
static obs_status read_names(obs__walk *walk, obs__folder *folder, const char *cut)
{
    char path[2 * OBS__KEY_PATH_SIZE];
    int fd = -1;
    snprintf(path, sizeof path, "%s%s%s", folder->path, *folder->path && *cut ? "/" : "", cut);
    obs_status status = obs__open_at(&fd, walk->root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0, walk->error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    DIR *stream = fdopendir(fd);
    if (!stream) {
        status = obs__fail_system(walk->error, errno, "cannot list '%s'", path);
        close(fd);
        return status;
    }
    struct dirent *entry;
    errno = 0;
    while (status == OBS_OK && (entry = readdir(stream))) {
        status = read_name(walk, folder, cut, kind_of(fd, entry), entry->d_name);
        errno = 0;
    }
    if (status == OBS_OK && errno)
        status = obs__fail_system(walk->error, errno, "cannot list '%s'", path);
    closedir(stream);
    return status;
}

/* Whether a folder has an object at all: one that another tool left empty is no prefix of anything. */
static obs_status has_object(int *out, const obs__walk *walk, const obs__name *name)
{
    obs__walk probe = *walk;
    probe.probe = 1;
    obs_status status = walk_folder(&probe, name->text + name->size, (obs__view){name->text, name->size});
    *out = probe.found;
    return status;
}

static obs_status visit_folder(obs__walk *walk, const obs__name *name)
{
    obs__scan *scan = walk->scan;
    obs__view key = {name->text, name->size};
    int found = 0;
    if (walk->probe || !scan->group || key.size <= scan->prefix.size)
        return walk_folder(walk, name->text + name->size, key);
    if (obs__compare(key, scan->after) <= 0)
        return OBS_OK;
    obs_status status = has_object(&found, walk, name);
    return status == OBS_OK && found ? scan->group_found(scan, key, &walk->done, walk->error) : status;
}

static obs_status visit_file(obs__walk *walk, const obs__name *name)
{
    obs__source source;
    obs__view key = {name->text, name->size};
    if (walk->probe) {
        walk->found = walk->done = 1;
        return OBS_OK;
    }
    obs_status status = obs__file_source(&source, &walk->root->base, key, walk->scan->time, walk->error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    status = walk->scan->object(walk->scan, key, &source, &walk->done, walk->error);
    source.ops->close(&source);
    return status;
}

static obs_status visit_batch(obs__walk *walk, obs__folder *folder)
{
    obs_status status = OBS_OK;
    obs__select_sort(&folder->select);
    for (size_t i = 0; i < folder->select.count && status == OBS_OK && !walk->done; i++) {
        const obs__name *name = folder->select.items[i].item;
        /* `a` and `a%` are one key, when another tool made both. */
        if (name->size == folder->last_size && memcmp(name->text, folder->last, name->size) == 0)
            continue;
        memcpy(folder->last, name->text, name->size);
        folder->last_size = name->size;
        status = name->folder ? visit_folder(walk, name) : visit_file(walk, name);
        if (status == OBS_OK)
            status = obs__limit_check(walk->scan->time, walk->error);
    }
    return status;
}

static obs_status walk_folder(obs__walk *walk, const char *path, obs__view key)
{
    int more = 1;
    obs_status status = OBS_OK;
    obs__folder *folder = obs__alloc(sizeof *folder);
    if (!folder)
        return obs__fail_memory(walk->error);
    snprintf(folder->path, sizeof folder->path, "%s", path);
    memcpy(folder->key, key.data, key.size);
    folder->key_size = key.size;
    folder->last_size = 0;
    obs__select_init(&folder->select, obs__free);
    while (status == OBS_OK && more && !walk->done) {
        status = read_names(walk, folder, "");
        more = folder->select.more;
        if (status == OBS_OK)
            status = visit_batch(walk, folder);
        obs__select_clear(&folder->select);
    }
    obs__select_clear(&folder->select);
    obs__free(folder);
    return status;
}

obs_status obs__file_scan(obs__volume *volume, obs__scan *scan, obs_error *error)
{
    obs__walk walk = {.root = (obs__file_root *)volume, .scan = scan, .error = error};
    char path[OBS__KEY_PATH_SIZE] = "";
    size_t size = scan->prefix.size;
    while (size && scan->prefix.data[size - 1] != '/')
        size--;
    if (size)
        obs__key_path(path, (obs__view){scan->prefix.data, size - 1}, OBS__KEY_PLAIN);
    return walk_folder(&walk, path, (obs__view){scan->prefix.data, size});
}
