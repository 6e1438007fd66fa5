#include "audit/append.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define STAGING ".staging" /* one writer, so one name */
#define FEW 8              /* files that are synced one by one; more are synced with the whole file system, at once */
#define KINDS (OBS__TILE_LEVELS + 1)
/* Who may come here is decided by the folder `audit`. */
#define FILE_MODE 0644
#define FOLDER_MODE 0755

/* The folder that files of one kind go into now; the last one is synced before the next is opened. */
struct target {
    char path[OBS__TILE_PATH];
    int fd; /* -1: none */
};

/* Of one level the tile that is not full, and what became of it. */
struct edge {
    obs__tile tile;
    uint64_t index;
    int changed;
    uint64_t partial_index; /* the tile that was partial when it was loaded, if had_partial */
    int had_partial;
};

struct obs__appender {
    int folder;
    uint64_t size;
    obs__tree_hasher *hasher;
    obs__builder bundle; /* the records below the edge of level 0 */
    struct edge edges[OBS__TILE_LEVELS];
    struct target targets[KINDS]; /* levels, then entries */
    int written[FEW];             /* descriptors of files that wait for their sync */
    size_t count;                 /* of all files that were written since the last one */
};

/* ---- The right edge. ---- */

static obs_status end_damaged(obs_error *error)
{
    return obs__fail(
        error, OBS_DATA_LOSS,
        "the end of the audit log is not what its checkpoint says: run 'obsctl audit verify' and restore 'audit/log' "
        "from a backup");
}

static obs_status load_edge(obs__appender *appender, int level, obs_error *error)
{
    struct edge *edge = &appender->edges[level];
    edge->index = (appender->size >> 8 * level) / OBS__TILE_WIDTH;
    obs__tile_name name = obs__tile_in(appender->size, level, edge->index);
    if (!name.width)
        return OBS_OK;
    edge->had_partial = 1;
    edge->partial_index = edge->index;
    return obs__tile_read(&edge->tile, appender->folder, name, error);
}

/* The records of the last bundle, and whether the tile above says the same. */
static obs_status load_bundle(obs__appender *appender, obs_error *error)
{
    obs__bundle bundle;
    const obs__tile *tile = &appender->edges[0].tile;
    if (!tile->width)
        return OBS_OK;
    obs_status status = obs__bundle_read(&bundle, appender->folder, appender->edges[0].index, tile->width, error);
    if (status != OBS_OK)
        return status;
    for (unsigned i = 0; i < tile->width && status == OBS_OK; i++) {
        obs__tree_hash hash;
        obs__tree_leaf(appender->hasher, &hash, bundle.entries[i]);
        status = obs__tree_hasher_status(appender->hasher, error);
        if (status == OBS_OK && !obs__tree_equal(&hash, &tile->hashes[i]))
            status = end_damaged(error);
    }
    const char *start = obs_buffer_data(bundle.bytes);
    const obs__view *last = &bundle.entries[tile->width - 1];
    obs__add(&appender->bundle, start, (size_t)(last->data - start) + last->size);
    obs__bundle_free(&bundle);
    return status == OBS_OK ? obs__builder_status(&appender->bundle, error) : status;
}

/* The tiles at the edge hold, from the highest level down, whole nodes from left to right. */
static void edge_root(const obs__appender *appender, obs__tree_hash *out)
{
    obs__tree_range range = {0};
    for (int level = OBS__TILE_LEVELS; level-- > 0;)
        for (unsigned i = 0; i < appender->edges[level].tile.width; i++)
            obs__tree_range_add(&range, appender->hasher, 8 * (unsigned)level, &appender->edges[level].tile.hashes[i]);
    obs__tree_range_root(&range, appender->hasher, out);
}

static obs_status load(obs__appender *appender, const obs__tree_hash *root, obs_error *error)
{
    obs__tree_hash found;
    obs_status status = OBS_OK;
    for (int level = 0; level < OBS__TILE_LEVELS && status == OBS_OK; level++)
        status = load_edge(appender, level, error);
    if (status == OBS_OK)
        status = load_bundle(appender, error);
    if (status != OBS_OK)
        return status;
    edge_root(appender, &found);
    status = obs__tree_hasher_status(appender->hasher, error);
    return status != OBS_OK || obs__tree_equal(&found, root) ? status : end_damaged(error);
}

obs_status obs__appender_open(obs__appender **out, int folder, uint64_t size, const obs__tree_hash *root,
                              obs__tree_hasher *hasher, obs_error *error)
{
    *out = NULL;
    obs__appender *appender = obs__calloc(1, sizeof *appender);
    if (!appender)
        return obs__fail_memory(error);
    appender->folder = folder;
    appender->size = size;
    appender->hasher = hasher;
    obs__builder_init(&appender->bundle, OBS__BUNDLE_MAX);
    for (int i = 0; i < KINDS; i++)
        appender->targets[i].fd = -1;
    obs_status status = load(appender, root, error);
    if (status == OBS_OK)
        *out = appender;
    else
        obs__appender_free(appender);
    return status;
}

static void close_written(obs__appender *appender)
{
    for (size_t i = 0; i < FEW && i < appender->count; i++)
        close(appender->written[i]);
    appender->count = 0;
}

void obs__appender_free(obs__appender *appender)
{
    if (!appender)
        return;
    for (int i = 0; i < KINDS; i++)
        if (appender->targets[i].fd >= 0)
            close(appender->targets[i].fd);
    close_written(appender);
    obs__builder_free(&appender->bundle);
    obs__free(appender);
}

uint64_t obs__appender_size(const obs__appender *appender)
{
    return appender->size;
}

/* ---- Files. ---- */

static obs_status close_target(struct target *target, int sync, obs_error *error)
{
    obs_status status = target->fd >= 0 && sync ? obs__folder_sync(target->fd, target->path, error) : OBS_OK;
    if (target->fd >= 0)
        close(target->fd);
    target->fd = -1;
    return status;
}

static obs_status open_target(struct target *target, int folder, const char *path, obs_error *error)
{
    if (target->fd >= 0 && strcmp(target->path, path) == 0)
        return OBS_OK;
    obs_status status = close_target(target, 1, error);
    if (status == OBS_OK)
        status = obs__folder_make(folder, path, FOLDER_MODE, error);
    snprintf(target->path, sizeof target->path, "%s", path);
    if (status == OBS_OK)
        status = obs__open_at(&target->fd, folder, path, O_RDONLY | O_DIRECTORY, 0, error);
    return status;
}

static obs_status cannot_write(obs_error *error, const char *path)
{
    return obs__fail_system(error, errno, "cannot write 'audit/log/%s'", path);
}

/* The file in its folder, not synced yet. What is replaced may hold records that a checkpoint covers: then it is. */
static obs_status fill(int *out, int parent, const char *name, obs__view bytes, const char *path, obs_error *error)
{
    *out = openat(parent, STAGING, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (*out < 0)
        return cannot_write(error, path);
    obs_status status = obs__write_all(*out, bytes.data, bytes.size, path, error);
    if (status == OBS_OK && faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && fsync(*out) != 0)
        status = cannot_write(error, path);
    if (status == OBS_OK && renameat(parent, STAGING, parent, name) != 0)
        status = cannot_write(error, path);
    if (status != OBS_OK) {
        close(*out);
        *out = -1;
    }
    return status;
}

static obs_status write_tile(obs__appender *appender, obs__tile_name name, obs__view bytes, obs_error *error)
{
    char path[OBS__TILE_PATH], folder[OBS__TILE_PATH];
    struct target *target = &appender->targets[name.level == OBS__TILE_ENTRIES ? OBS__TILE_LEVELS : name.level];
    int fd = -1;
    obs__tile_path(path, name);
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    obs_status status = open_target(target, appender->folder, folder, error);
    if (status == OBS_OK)
        status = fill(&fd, target->fd, slash + 1, bytes, path, error);
    if (status != OBS_OK)
        return status;
    if (appender->count < FEW)
        appender->written[appender->count] = fd;
    else
        close(fd);
    appender->count++;
    return OBS_OK;
}

/* Everything that was written, with its names. */
static obs_status sync_all(obs__appender *appender, obs_error *error)
{
    obs_status status = OBS_OK;
    if (appender->count > FEW && syncfs(appender->folder) != 0)
        status = cannot_write(error, "tile");
    for (size_t i = 0; i < appender->count && appender->count <= FEW && status == OBS_OK; i++)
        if (fsync(appender->written[i]) != 0)
            status = cannot_write(error, "tile");
    for (int i = 0; i < KINDS && status == OBS_OK; i++)
        status = close_target(&appender->targets[i], appender->count <= FEW, error);
    close_written(appender);
    return status;
}

static obs_status write_edge(obs__appender *appender, int level, obs_error *error)
{
    struct edge *edge = &appender->edges[level];
    obs_status status = OBS_OK;
    obs__tile_name name = {level, edge->index, edge->tile.width};
    edge->changed = 0;
    /* The records first: no hash is ever there without what it is of. */
    if (level == 0)
        status = write_tile(appender, (obs__tile_name){OBS__TILE_ENTRIES, name.index, name.width},
                            (obs__view){appender->bundle.data, appender->bundle.size}, error);
    obs__view hashes = {(const char *)edge->tile.hashes, edge->tile.width * sizeof edge->tile.hashes[0]};
    return status == OBS_OK ? write_tile(appender, name, hashes, error) : status;
}

/* ---- Appending. ---- */

/* A full tile is written, its root goes one level up, and the next tile begins. */
static obs_status complete(obs__appender *appender, int level, obs__tree_hash *out, obs_error *error)
{
    struct edge *edge = &appender->edges[level];
    obs__tree_range range = {0};
    obs_status status = write_edge(appender, level, error);
    for (unsigned i = 0; i < OBS__TILE_WIDTH; i++)
        obs__tree_range_add(&range, appender->hasher, 0, &edge->tile.hashes[i]);
    obs__tree_range_root(&range, appender->hasher, out);
    edge->tile.width = 0;
    edge->index++;
    if (level == 0)
        obs__builder_clear(&appender->bundle);
    return status;
}

obs_status obs__appender_add(obs__appender *appender, obs__view entry, obs_error *error)
{
    obs__tree_hash hash;
    obs_status status = OBS_OK;
    if (!entry.size || entry.size > OBS__ENTRY_MAX)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "a record of a log has 1 to %d bytes", OBS__ENTRY_MAX);
    obs__add_char(&appender->bundle, (char)(entry.size >> 8));
    obs__add_char(&appender->bundle, (char)entry.size);
    obs__add(&appender->bundle, entry.data, entry.size);
    status = obs__builder_status(&appender->bundle, error);
    obs__tree_leaf(appender->hasher, &hash, entry);
    for (int level = 0; level < OBS__TILE_LEVELS && status == OBS_OK; level++) {
        struct edge *edge = &appender->edges[level];
        edge->tile.hashes[edge->tile.width++] = hash;
        edge->changed = 1;
        if (edge->tile.width < OBS__TILE_WIDTH)
            break;
        status = complete(appender, level, &hash, error);
    }
    appender->size++;
    return status;
}

obs_status obs__appender_flush(obs__appender *appender, obs__tree_hash *out_root, obs_error *error)
{
    obs_status status = OBS_OK;
    for (int level = 0; level < OBS__TILE_LEVELS && status == OBS_OK; level++)
        if (appender->edges[level].changed)
            status = write_edge(appender, level, error);
    if (status == OBS_OK)
        status = sync_all(appender, error);
    edge_root(appender, out_root);
    return status == OBS_OK ? obs__tree_hasher_status(appender->hasher, error) : status;
}

/* ---- Removing. ---- */

/* Removes from a folder `<n>.p` all tiles wider than `width`, and with width 0 the folder; counts them. */
static uint64_t remove_partial(int folder, int level, uint64_t index, unsigned width)
{
    char path[OBS__TILE_PATH];
    uint64_t count = 0;
    int fd;
    obs__tile_path(path, (obs__tile_name){level, index, 1});
    *strrchr(path, '/') = '\0';
    if (obs__open_at(&fd, folder, path, O_RDONLY | O_DIRECTORY, 0, NULL) != OBS_OK)
        return 0;
    DIR *entries = fdopendir(fd);
    if (!entries) {
        close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        unsigned found = 0;
        int is_tile = sscanf(entry->d_name, "%u", &found) == 1 && found > width;
        if ((is_tile || strcmp(entry->d_name, STAGING) == 0) && unlinkat(fd, entry->d_name, 0) == 0)
            count += (uint64_t)is_tile;
    }
    closedir(entries);
    if (!width)
        unlinkat(folder, path, AT_REMOVEDIR);
    return count;
}

void obs__appender_tidy(obs__appender *appender)
{
    for (int level = 0; level < OBS__TILE_LEVELS; level++) {
        struct edge *edge = &appender->edges[level];
        if (!edge->had_partial || edge->index == edge->partial_index)
            continue;
        remove_partial(appender->folder, level, edge->partial_index, 0);
        if (level == 0)
            remove_partial(appender->folder, OBS__TILE_ENTRIES, edge->partial_index, 0);
        edge->had_partial = 0;
    }
}

static int is_there(int folder, obs__tile_name name)
{
    char path[OBS__TILE_PATH];
    int fd;
    obs__tile_path(path, name);
    if (obs__open_at(&fd, folder, path, O_PATH, 0, NULL) != OBS_OK)
        return 0;
    close(fd);
    return 1;
}

/* 1 when it was there. */
static obs_status remove_full(uint64_t *count, int folder, obs__tile_name name, obs_error *error)
{
    char path[OBS__TILE_PATH];
    const char *last;
    int parent;
    obs__tile_path(path, (obs__tile_name){name.level, name.index, OBS__TILE_WIDTH});
    obs_status status = obs__open_parent(&parent, &last, folder, path, error);
    if (status != OBS_OK)
        return status == OBS_NOT_FOUND ? OBS_OK : status;
    if (unlinkat(parent, last, 0) == 0)
        (*count)++;
    else if (errno != ENOENT)
        status = obs__fail_system(error, errno, "cannot remove 'audit/log/%s', which an interrupted writer left", path);
    close(parent);
    return status;
}

/* From the first tile on that the log does not fill, to the first that is not there. */
static obs_status cut_level(uint64_t *count, int folder, int level, uint64_t size, obs_error *error)
{
    uint64_t index = (size >> (level > 0 ? 8 * level : 0)) / OBS__TILE_WIDTH;
    obs_status status = OBS_OK;
    for (int found = 1; found && status == OBS_OK; index++) {
        obs__tile_name name = obs__tile_in(size, level, index);
        uint64_t removed = remove_partial(folder, level, index, name.width);
        /* Never the only one that holds records of the log. */
        if (!name.width || is_there(folder, name))
            status = remove_full(&removed, folder, name, error);
        *count += removed;
        found = removed > 0;
    }
    return status;
}

obs_status obs__log_cut(uint64_t *out, int folder, uint64_t size, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = 0;
    for (int level = OBS__TILE_ENTRIES; level < OBS__TILE_LEVELS && status == OBS_OK; level++)
        status = cut_level(out, folder, level, size, error);
    return status;
}
