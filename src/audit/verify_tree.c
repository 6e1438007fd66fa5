/* The walk over the log: what the bundles hold is hashed, every tile is made again and compared with the one that is there. */
#include <stdio.h>
#include <string.h>

#include "audit/check.h"
#include "base/error.h"

static const obs__view none = {"", 0};

/* The tiles as the records make them, one of each level at a time. */
struct walk {
    obs__check *check;
    uint64_t at; /* the next record */
    obs__tile made[OBS__TILE_LEVELS];
    uint64_t index[OBS__TILE_LEVELS];
    /* Hashes below which something was found already: that the tiles above differ follows from it. */
    unsigned char tainted[OBS__TILE_LEVELS][OBS__TILE_WIDTH];
    obs__tree_hash folded; /* the root of the last full tile of level 0 */
    obs__tile stored;      /* of level 0, for the bundle at hand; width 0: missing */
    obs_buffer *bytes;     /* of the bundle at hand, or NULL */
    obs__view entries[OBS__TILE_WIDTH];
    unsigned readable; /* how many of them */
};

static void add(struct walk *walk, obs__damage damage, uint64_t index, const char *format, const char *name)
{
    char text[160];
    snprintf(text, sizeof text, format, name);
    obs__check_add(walk->check, damage, index, none, none, text);
}

/* What a file is damaged by is found; another failure is a reason that nothing can be said. */
static obs_status found_in_file(struct walk *walk, obs__damage damage, uint64_t index, const obs_error *why, obs_error *error)
{
    if (why->status != OBS_NOT_FOUND && why->status != OBS_DATA_LOSS)
        return obs__copy_error(error, why);
    obs__check_add(walk->check, why->status == OBS_NOT_FOUND ? OBS__DAMAGE_MISSING : damage, index, none, none, why->message);
    return OBS_OK;
}

/* ---- Tiles. ---- */

/* The first record below a hash of a tile. */
static uint64_t first_below(int level, uint64_t index, unsigned at)
{
    return (index * OBS__TILE_WIDTH + at) << 8 * level;
}

static obs_status read_stored(struct walk *walk, obs__tile *out, int level, uint64_t index, obs_error *error)
{
    obs_error why;
    obs_buffer *bytes;
    char path[OBS__TILE_PATH];
    int full;
    obs__tile_name name = obs__tile_in(walk->check->checkpoint.size, level, index);
    obs_error_init(&why, sizeof why);
    out->width = 0;
    obs_status status = obs__tile_file(&bytes, &full, walk->check->log, name, &why);
    if (status != OBS_OK)
        return found_in_file(walk, OBS__DAMAGE_TILE, first_below(level, index, 0), &why, error);
    obs__tile_path(path, name);
    if (!obs__tile_take(out, name, full, (obs__view){obs_buffer_data(bytes), obs_buffer_size(bytes)}))
        add(walk, OBS__DAMAGE_TILE, first_below(level, index, 0), "the file 'audit/log/%s' is damaged", path);
    obs_buffer_free(bytes);
    return OBS_OK;
}

/* Compares the made tile of a level above 0 with the stored one. */
static obs_status compare_tile(struct walk *walk, int level, obs_error *error)
{
    const obs__tile *made = &walk->made[level];
    obs__tile stored;
    char path[OBS__TILE_PATH];
    obs_status status = read_stored(walk, &stored, level, walk->index[level], error);
    for (unsigned i = 0; i < stored.width && i < made->width && status == OBS_OK; i++)
        if (!walk->tainted[level][i] && !obs__tree_equal(&stored.hashes[i], &made->hashes[i])) {
            obs__tile_path(path, (obs__tile_name){level, walk->index[level], made->width});
            add(walk, OBS__DAMAGE_TILE, first_below(level, walk->index[level], i),
                "'audit/log/%s' is not what the records give", path);
            break;
        }
    return status;
}

/* The tree grows by a bundle: by one node when it is full, as its tile was folded already. Where an anchor was told a size in
 * between, the tree of that size is made aside. */
static void grow(struct walk *walk, unsigned width)
{
    obs__check *check = walk->check;
    obs__tree_range whole = check->range;
    const obs__tree_hash *hashes = walk->made[0].hashes;
    uint64_t end = check->range.size + width;
    for (unsigned i = 0; i < width && (width < OBS__TILE_WIDTH || obs__check_wants(check, end)); i++) {
        obs__tree_range_add(&check->range, check->hasher, 0, &hashes[i]);
        obs__check_told(check);
    }
    if (width < OBS__TILE_WIDTH)
        return;
    check->range = whole;
    obs__tree_range_add(&check->range, check->hasher, 8, &walk->folded);
    obs__check_told(check);
    obs__check_sealed_root(check);
}

/* The root of a full tile; *tainted when one of its hashes is. */
static void fold(const struct walk *walk, int level, obs__tree_hash *out, int *tainted)
{
    obs__tree_range range = {0};
    *tainted = 0;
    for (unsigned i = 0; i < OBS__TILE_WIDTH; i++) {
        obs__tree_range_add(&range, walk->check->hasher, 0, &walk->made[level].hashes[i]);
        *tainted |= walk->tainted[level][i];
    }
    obs__tree_range_root(&range, walk->check->hasher, out);
}

static obs_status add_hash(struct walk *walk, const obs__tree_hash *leaf, int tainted, obs_error *error)
{
    obs__tree_hash hash = *leaf;
    obs_status status = OBS_OK;
    for (int level = 0; level < OBS__TILE_LEVELS && status == OBS_OK; level++) {
        obs__tile *tile = &walk->made[level];
        walk->tainted[level][tile->width] = (unsigned char)tainted;
        tile->hashes[tile->width++] = hash;
        if (tile->width < OBS__TILE_WIDTH)
            break;
        if (level)
            status = compare_tile(walk, level, error);
        fold(walk, level, &hash, &tainted);
        if (level == 0)
            walk->folded = hash;
        tile->width = 0;
        walk->index[level]++;
    }
    return status;
}

/* ---- Bundles. ---- */

static obs_status read_bundle(struct walk *walk, obs__tile_name name, obs_error *error)
{
    obs_error why;
    size_t used;
    int full;
    obs_error_init(&why, sizeof why);
    walk->readable = 0;
    obs_status status = obs__tile_file(&walk->bytes, &full, walk->check->log, name, &why);
    if (status != OBS_OK)
        return found_in_file(walk, OBS__DAMAGE_RECORD, walk->at, &why, error);
    obs__view bytes = {obs_buffer_data(walk->bytes), obs_buffer_size(walk->bytes)};
    unsigned width = full ? OBS__TILE_WIDTH : name.width;
    walk->readable = obs__bundle_take(walk->entries, width, bytes, &used);
    if (walk->readable == width && used != bytes.size) /* bytes behind the last record are as wrong as missing ones */
        walk->readable = width - 1;
    if (walk->readable > name.width)
        walk->readable = name.width;
    return OBS_OK;
}

/* Adds a record that is not what its tile says, or cannot be read. */
static void found_record(struct walk *walk, obs__view leaf, obs__view tenant, obs__view id)
{
    if (!tenant.size && !obs__audit_leaf_peek(&id, &tenant, leaf))
        tenant = id = none;
    obs__check_add(walk->check, OBS__DAMAGE_RECORD, walk->at, tenant, id,
                   leaf.size ? "its bytes are not those that were logged" : "it cannot be read");
}

/* One record: hashed if it can be read, else believed to be what the tile says, so that what follows can be judged. */
static obs_status take_record(struct walk *walk, unsigned i, obs_error *error)
{
    obs__check *check = walk->check;
    obs__tree_hash hash = {{0}};
    obs__view leaf = i < walk->readable ? walk->entries[i] : none, tenant = none, id = none;
    const obs__tree_hash *tile = i < walk->stored.width ? &walk->stored.hashes[i] : NULL;
    obs_status status = OBS_OK;
    if (i < walk->readable)
        obs__tree_leaf(check->hasher, &hash, leaf);
    else if (tile)
        hash = *tile;
    int fits = i < walk->readable && (!tile || obs__tree_equal(&hash, tile));
    if (fits)
        status = obs__check_sealed_leaf(check, walk->at, leaf, error);
    if (check->rows && status == OBS_OK)
        status = obs__rows_leaf(check, walk->at, leaf, tile, fits, &tenant, &id, error);
    if (!fits && walk->bytes)
        found_record(walk, leaf, tenant, id);
    walk->at++;
    return status == OBS_OK ? add_hash(walk, &hash, !fits || check->row_differs, error) : status;
}

static obs_status take_bundle(struct walk *walk, obs_error *error)
{
    uint64_t index = walk->at / OBS__TILE_WIDTH;
    obs__tile_name name = obs__tile_in(walk->check->checkpoint.size, OBS__TILE_ENTRIES, index);
    obs_status status = read_stored(walk, &walk->stored, 0, index, error);
    if (status == OBS_OK)
        status = read_bundle(walk, name, error);
    for (unsigned i = 0; i < name.width && status == OBS_OK; i++)
        status = take_record(walk, i, error);
    obs_buffer_free(walk->bytes);
    walk->bytes = NULL;
    if (status == OBS_OK)
        grow(walk, name.width);
    return status;
}

obs_status obs__check_tree(obs__check *check, obs_error *error)
{
    struct walk walk = {.check = check};
    obs_status status = OBS_OK;
    obs__check_told(check);
    while (walk.at < check->checkpoint.size && status == OBS_OK) {
        status = take_bundle(&walk, error);
        if (status == OBS_OK && check->options->limit)
            status = obs__limit_check(check->options->limit, error);
    }
    for (int level = 1; level < OBS__TILE_LEVELS && status == OBS_OK; level++)
        if (walk.made[level].width)
            status = compare_tile(&walk, level, error);
    return status == OBS_OK ? obs__tree_hasher_status(check->hasher, error) : status;
}
