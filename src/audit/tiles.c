#include "audit/tiles.h"

#include <stdio.h>
#include <string.h>

#include "audit/segment.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

/* ---- Names. ---- */

void obs__tile_path(char out[OBS__TILE_PATH], obs__tile_name name)
{
    char number[32];
    int used;
    if (name.level == OBS__TILE_ENTRIES)
        used = snprintf(out, OBS__TILE_PATH, "tile/entries");
    else
        used = snprintf(out, OBS__TILE_PATH, "tile/%d", name.level);
    /* Groups of three digits from the left, all but the last behind an x. */
    int digits = snprintf(number, sizeof number, "%03llu", (unsigned long long)name.index);
    int first = digits % 3 ? digits % 3 : 3;
    char padded[40];
    snprintf(padded, sizeof padded, "%s%s", first == 1 ? "00" : first == 2 ? "0" : "", number);
    for (const char *group = padded; *group; group += 3)
        used += snprintf(out + used, OBS__TILE_PATH - (size_t)used, "/%s%.3s", group[3] ? "x" : "", group);
    if (name.width < OBS__TILE_WIDTH)
        snprintf(out + used, OBS__TILE_PATH - (size_t)used, ".p/%u", name.width);
}

obs__tile_name obs__tile_in(uint64_t size, int level, uint64_t index)
{
    uint64_t hashes = size >> (level > 0 ? 8 * level : 0);
    uint64_t start = index * OBS__TILE_WIDTH;
    uint64_t left = start < hashes ? hashes - start : 0;
    return (obs__tile_name){level, index, left < OBS__TILE_WIDTH ? (unsigned)left : OBS__TILE_WIDTH};
}

/* ---- Reading. ---- */

static obs_status damaged(obs_error *error, const char *path)
{
    return obs__fail(error, OBS_DATA_LOSS, "the file 'audit/log/%s' is damaged", path);
}

/* Too large, or no file at all: not what was written here. */
static obs_status read_limited(obs_buffer **out, int folder, const char *path, size_t limit, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__file_read(out, folder, path, limit, &why);
    if ((status == OBS_RESOURCE_EXHAUSTED && !obs__lacks_memory(&why)) || status == OBS_FAILED_PRECONDITION)
        return damaged(error, path);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &why);
}

void obs__tile_sealed_path(char out[OBS__TILE_PATH], uint64_t index)
{
    obs__tile_path(out, (obs__tile_name){OBS__TILE_ENTRIES, index, OBS__TILE_WIDTH});
    snprintf(out + strlen(out), OBS__TILE_PATH - strlen(out), OBS__SEGMENT_SUFFIX);
}

obs_status obs__tile_sealed_file(obs_buffer **out, int folder, uint64_t index, obs_error *error)
{
    char path[OBS__TILE_PATH];
    obs_buffer *packed = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    *out = NULL;
    obs__tile_sealed_path(path, index);
    obs_status status = read_limited(&packed, folder, path, obs__segment_most(OBS__BUNDLE_MAX), error);
    if (status != OBS_OK)
        return status;
    obs__view bytes = {obs_buffer_data(packed), obs_buffer_size(packed)};
    status = obs__segment_unpack(out, bytes, OBS__BUNDLE_MAX, &why);
    obs_buffer_free(packed);
    if (status == OBS_DATA_LOSS)
        return damaged(error, path);
    return status == OBS_OK ? OBS_OK : obs__copy_error(error, &why);
}

/* A full tile; of a bundle that was sealed the packed one. */
static obs_status read_full(obs_buffer **out, int folder, obs__tile_name name, size_t limit, obs_error *error)
{
    char path[OBS__TILE_PATH];
    obs__tile_path(path, (obs__tile_name){name.level, name.index, OBS__TILE_WIDTH});
    obs_status status = read_limited(out, folder, path, limit, error);
    if (status == OBS_NOT_FOUND && name.level == OBS__TILE_ENTRIES)
        status = obs__tile_sealed_file(out, folder, name.index, error);
    return status;
}

obs_status obs__tile_file(obs_buffer **out, int *full, int folder, obs__tile_name name, obs_error *error)
{
    char path[OBS__TILE_PATH];
    size_t limit = name.level == OBS__TILE_ENTRIES ? OBS__BUNDLE_MAX : OBS__TILE_WIDTH * sizeof(obs__tree_hash);
    obs_status status = OBS_NOT_FOUND;
    obs__tile_path(path, name);
    *full = name.width == OBS__TILE_WIDTH;
    if (!*full)
        status = read_limited(out, folder, path, limit, error);
    if (status == OBS_NOT_FOUND) {
        *full = 1;
        status = read_full(out, folder, name, limit, error);
    }
    return status == OBS_NOT_FOUND ? obs__fail(error, OBS_NOT_FOUND, "the file 'audit/log/%s' is missing", path) : status;
}

/* For those who need what a checkpoint covers: its absence is damage. */
static obs_status read_file(obs_buffer **out, int *full, int folder, obs__tile_name name, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__tile_file(out, full, folder, name, &why);
    if (status == OBS_OK) /* `why` may still hold that the partial one was not there */
        return OBS_OK;
    return status == OBS_NOT_FOUND ? obs__fail(error, OBS_DATA_LOSS, "%s", why.message) : obs__copy_error(error, &why);
}

int obs__tile_take(obs__tile *out, obs__tile_name name, int full, obs__view bytes)
{
    out->width = 0;
    if (bytes.size != sizeof out->hashes[0] * (full ? OBS__TILE_WIDTH : name.width))
        return 0;
    out->width = name.width;
    memcpy(out->hashes, bytes.data, sizeof out->hashes[0] * name.width);
    return 1;
}

obs_status obs__tile_read(obs__tile *out, int folder, obs__tile_name name, obs_error *error)
{
    obs_buffer *bytes;
    char path[OBS__TILE_PATH];
    int full;
    out->width = 0;
    obs_status status = read_file(&bytes, &full, folder, name, error);
    if (status == OBS_OK && !obs__tile_take(out, name, full, (obs__view){obs_buffer_data(bytes), obs_buffer_size(bytes)})) {
        obs__tile_path(path, name);
        status = damaged(error, path);
    }
    obs_buffer_free(bytes);
    return status;
}

unsigned obs__bundle_take(obs__view entries[OBS__TILE_WIDTH], unsigned width, obs__view bytes, size_t *used)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    unsigned count = 0;
    *used = 0;
    while (count < width && bytes.size - *used >= 2) {
        size_t size = (size_t)data[*used] << 8 | data[*used + 1];
        if (bytes.size - *used - 2 < size)
            break;
        entries[count++] = (obs__view){bytes.data + *used + 2, size};
        *used += 2 + size;
    }
    return count;
}

int obs__bundle_split(obs__view entries[OBS__TILE_WIDTH], unsigned width, obs__view bytes)
{
    size_t used;
    return width && obs__bundle_take(entries, width, bytes, &used) == width && used == bytes.size;
}

obs_status obs__bundle_read(obs__bundle *out, int folder, uint64_t index, unsigned width, obs_error *error)
{
    obs__tile_name name = {OBS__TILE_ENTRIES, index, width};
    char path[OBS__TILE_PATH];
    int full;
    out->bytes = NULL;
    out->width = width;
    obs_status status = read_file(&out->bytes, &full, folder, name, error);
    if (status != OBS_OK)
        return status;
    obs__view bytes = {obs_buffer_data(out->bytes), obs_buffer_size(out->bytes)};
    /* A full bundle is checked whole, also when only its beginning is wanted. */
    if (obs__bundle_split(out->entries, full ? OBS__TILE_WIDTH : width, bytes))
        return OBS_OK;
    obs__bundle_free(out);
    obs__tile_path(path, name);
    return damaged(error, path);
}

void obs__bundle_free(obs__bundle *bundle)
{
    obs_buffer_free(bundle->bytes);
    bundle->bytes = NULL;
    bundle->width = 0;
}

/* ---- Nodes. ---- */

#define WAYS 2 /* a proof goes along a path and along the right edge */

struct kept {
    uint64_t index;
    uint64_t used; /* when; 0: empty */
    obs__tile tile;
};

struct obs__tiles {
    int folder;
    uint64_t size;
    uint64_t clock;
    obs__tree_hasher *hasher;
    struct kept kept[OBS__TILE_LEVELS][WAYS];
};

obs_status obs__tiles_open(obs__tiles **out, int folder, uint64_t size, obs__tree_hasher *hasher, obs_error *error)
{
    *out = obs__calloc(1, sizeof **out);
    if (!*out)
        return obs__fail_memory(error);
    (*out)->folder = folder;
    (*out)->size = size;
    (*out)->hasher = hasher;
    return OBS_OK;
}

void obs__tiles_free(obs__tiles *tiles)
{
    obs__free(tiles);
}

static obs_status get_tile(const obs__tile **out, obs__tiles *tiles, unsigned level, uint64_t index, obs_error *error)
{
    struct kept *oldest = &tiles->kept[level][0];
    for (struct kept *kept = tiles->kept[level]; kept < tiles->kept[level] + WAYS; kept++) {
        if (kept->used && kept->index == index) {
            kept->used = ++tiles->clock;
            *out = &kept->tile;
            return OBS_OK;
        }
        oldest = kept->used < oldest->used ? kept : oldest;
    }
    oldest->used = 0;
    obs_status status = obs__tile_read(&oldest->tile, tiles->folder, obs__tile_in(tiles->size, (int)level, index), error);
    if (status != OBS_OK)
        return status;
    oldest->index = index;
    oldest->used = ++tiles->clock;
    *out = &oldest->tile;
    return OBS_OK;
}

static obs_status node(void *user, obs__tree_hash *out, unsigned level, uint64_t index, obs_error *error)
{
    obs__tiles *tiles = user;
    const obs__tile *tile;
    obs__tree_range range = {0};
    unsigned above = level % 8;
    uint64_t first = index << above, count = UINT64_C(1) << above;
    if (level >= 8 * OBS__TILE_LEVELS || (index + 1) << level > tiles->size)
        return obs__fail(error, OBS_INTERNAL, "there is no node %u/%llu in a log of %llu records", level,
                         (unsigned long long)index, (unsigned long long)tiles->size);
    obs_status status = get_tile(&tile, tiles, level / 8, first / OBS__TILE_WIDTH, error);
    if (status != OBS_OK)
        return status;
    for (uint64_t i = 0; i < count; i++)
        obs__tree_range_add(&range, tiles->hasher, 0, &tile->hashes[first % OBS__TILE_WIDTH + i]);
    obs__tree_range_root(&range, tiles->hasher, out);
    return obs__tree_hasher_status(tiles->hasher, error);
}

obs__tree_reader obs__tiles_reader(obs__tiles *tiles)
{
    return (obs__tree_reader){node, tiles};
}
