/*
 * The files of the log, as C2SP tlog-tiles v0.1 lays them out below `audit/log`, so that tools that are not ours can read it:
 *
 *     checkpoint                     the signed size and root (src/audit/note.h)
 *     tile/<level>/<n>[.p/<width>]   up to 256 hashes; those of level 0 are leaf hashes, of level 1 the roots of whole tiles of
 *                                    level 0, and so on
 *     tile/entries/<n>[.p/<width>]   the up to 256 records below the tile <n> of level 0, each after its size (16 bits,
 *                                    big-endian)
 *     tile/entries/<n>.zst           the same, sealed (src/audit/segment.h): ours, not the standard's
 *
 * `<n>` is written x001/x234/067. `.p/<width>` is a tile that is not full yet; it is never changed, and may be removed once the
 * full one is there. Everything here is relative to a descriptor of that folder.
 */
#ifndef OBS_AUDIT_TILES_H
#define OBS_AUDIT_TILES_H

#include "audit/tree.h"

#define OBS__TILE_WIDTH 256
#define OBS__TILE_LEVELS 8
#define OBS__TILE_ENTRIES (-1) /* as a level: a bundle of records */
#define OBS__TILE_PATH 64
#define OBS__ENTRY_MAX 65535
#define OBS__BUNDLE_MAX ((size_t)OBS__TILE_WIDTH * (2 + OBS__ENTRY_MAX))

/* Which tile. */
typedef struct obs__tile_name {
    int level;
    uint64_t index;
    unsigned width; /* 1 to 256 */
} obs__tile_name;

void obs__tile_path(char out[OBS__TILE_PATH], obs__tile_name name);
/* The tile `index` of a level in a tree of so many records; width 0 when there is none. */
obs__tile_name obs__tile_in(uint64_t size, int level, uint64_t index);

typedef struct obs__tile {
    unsigned width;
    obs__tree_hash hashes[OBS__TILE_WIDTH];
} obs__tile;

/* Reads a tile; a partial one that is not there any more is the beginning of the full one. OBS_DATA_LOSS when it has another
 * size than it must have or is missing, with the file in the message. */
obs_status obs__tile_read(obs__tile *out, int folder, obs__tile_name name, obs_error *error);

/* The records of a bundle, as views on its bytes. */
typedef struct obs__bundle {
    obs_buffer *bytes;
    unsigned width;
    obs__view entries[OBS__TILE_WIDTH];
} obs__bundle;

/* The same for a bundle. Free it with obs__bundle_free() before it is read again. */
obs_status obs__bundle_read(obs__bundle *out, int folder, uint64_t index, unsigned width, obs_error *error);
void obs__bundle_free(obs__bundle *bundle);
/* Takes bytes apart into `width` records and nothing behind them: 1 or 0. */
int obs__bundle_split(obs__view entries[OBS__TILE_WIDTH], unsigned width, obs__view bytes);

/* A bundle that was sealed: its file, and what is in it. OBS_NOT_FOUND when there is none, OBS_DATA_LOSS when it is damaged. */
void obs__tile_sealed_path(char out[OBS__TILE_PATH], uint64_t index);
obs_status obs__tile_sealed_file(obs_buffer **out, int folder, uint64_t index, obs_error *error);

/* For those who look at damage: the bytes of a file (*full: the full tile's, where the partial one is not there any more),
 * OBS_NOT_FOUND when it is missing; the hashes in them, 1 or 0; as many records as can be taken off them, and what they used.
 */
obs_status obs__tile_file(obs_buffer **out, int *full, int folder, obs__tile_name name, obs_error *error);
int obs__tile_take(obs__tile *out, obs__tile_name name, int full, obs__view bytes);
unsigned obs__bundle_take(obs__view entries[OBS__TILE_WIDTH], unsigned width, obs__view bytes, size_t *used);

/* Any node of a log, computed from its tiles, the last ones used kept in memory. For one thread at a time. */
typedef struct obs__tiles obs__tiles;
/* `folder` and `hasher` must outlive it. */
obs_status obs__tiles_open(obs__tiles **out, int folder, uint64_t size, obs__tree_hasher *hasher, obs_error *error);
void obs__tiles_free(obs__tiles *tiles);
obs__tree_reader obs__tiles_reader(obs__tiles *tiles);

#endif
