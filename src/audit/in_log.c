#include "audit/in_log.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "audit/runs.h"
#include "audit/sealed.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define NONE UINT64_MAX

/* Neighbours are asked for one after the other: a tile is proved once, with all 256 hashes in it. */
struct obs__in_log {
    const obs__log_place *place;
    obs__verifier key;
    obs__runs runs;
    int folder; /* or -1 */
    obs_buffer *note;
    obs__checkpoint checkpoint; /* views on the note */
    obs__tree_hasher *hasher;
    obs__tiles *tiles;
    uint64_t proved; /* which tile of leaf hashes `tile` is; NONE: none yet */
    obs__tile tile;
};

static obs_status open_folder(int *out, const obs__log_place *place, const char *name, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, place->workspace, name, error);
    return status == OBS_OK ? obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error) : status;
}

static obs__view bytes_of(const obs_buffer *note)
{
    return (obs__view){obs_buffer_data(note), obs_buffer_size(note)};
}

/* After the checkpoint was read, so that they cover all that it does. */
static obs_status open_runs(obs__in_log *log, const obs__log_place *place, const char *tenant, obs_error *error)
{
    int folder;
    obs__runs_close(&log->runs);
    obs_status status = open_folder(&folder, place, "runs", error);
    if (status != OBS_OK)
        return status;
    status = obs__runs_open(&log->runs, folder, tenant, error);
    close(folder);
    return status;
}

static obs_status trust(obs__in_log *log, const obs__log_place *place, obs_error *error)
{
    obs_status status = obs__log_key(&log->key, place, error);
    if (status == OBS_OK)
        status = obs__checkpoint_open(&log->checkpoint, bytes_of(log->note), &log->key, error);
    if (status == OBS_OK)
        status = obs__tree_hasher_new(&log->hasher, error);
    if (status == OBS_OK)
        status = obs__tiles_open(&log->tiles, log->folder, log->checkpoint.size, log->hasher, error);
    return status;
}

/* OBS_NOT_FOUND while there is no log. */
static obs_status renew(obs__in_log **log, const obs__log_place *place, const char *tenant, obs_error *error)
{
    obs__in_log *now = obs__calloc(1, sizeof *now);
    if (!now)
        return obs__fail_memory(error);
    now->place = place;
    now->runs.fd = now->folder = -1;
    now->proved = NONE;
    obs_status status = open_folder(&now->folder, place, "log", error);
    if (status == OBS_OK)
        status = obs__file_read(&now->note, now->folder, "checkpoint", OBS__NOTE_MAX, error);
    int is_known = status == OBS_OK && *log && obs__view_equal(bytes_of(now->note), bytes_of((*log)->note));
    if (status == OBS_OK && !is_known)
        status = trust(now, place, error);
    obs__in_log *old = is_known ? now : *log;
    *log = is_known ? *log : now;
    obs__in_log_free(old);
    return status == OBS_OK ? open_runs(*log, place, tenant, error) : status;
}

obs_status obs__in_log_renew(obs__in_log **log, const obs__log_place *place, const char *tenant, obs_error *error)
{
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs_status status = renew(log, place, tenant, &why);
    if (status == OBS_OK)
        return status;
    obs__in_log_free(*log);
    *log = NULL;
    return status == OBS_NOT_FOUND ? OBS_OK : obs__copy_error(error, &why);
}

void obs__in_log_free(obs__in_log *log)
{
    if (!log)
        return;
    obs__tiles_free(log->tiles);
    obs__tree_hasher_free(log->hasher);
    obs_buffer_free(log->note);
    if (log->folder >= 0)
        close(log->folder);
    obs__runs_close(&log->runs);
    obs__free(log);
}

/* How many levels of nodes lie between so many leaves and their root. */
static size_t levels_of(unsigned leaves)
{
    return leaves > 1 ? 32 - (size_t)__builtin_clz(leaves - 1) : 0;
}

/* A tree of leaves has the shape of the tree of its tiles: what proves the first leaf of a tile proves, without the hashes
 * inside of the tile, the tile's root. */
static obs_status prove_root(obs__in_log *log, uint64_t index, const obs__tree_hash *root, int *holds, obs_error *error)
{
    obs__tree_proof proof;
    obs__tree_reader reader = obs__tiles_reader(log->tiles);
    uint64_t size = log->checkpoint.size, tiles = (size - 1) / OBS__TILE_WIDTH + 1;
    obs_status status = obs__tree_prove_inclusion(&proof, log->hasher, &reader, index * OBS__TILE_WIDTH, size, error);
    if (status != OBS_OK)
        return status;
    size_t inside = levels_of(log->tile.width);
    proof.count -= inside;
    memmove(proof.hashes, proof.hashes + inside, proof.count * sizeof proof.hashes[0]);
    *holds = obs__tree_check_inclusion(log->hasher, root, index, tiles, &proof, &log->checkpoint.root);
    return obs__tree_hasher_status(log->hasher, error);
}

/* Reads a tile of leaf hashes and proves all of it against the signed root. *holds 0: it is not what was signed. */
static obs_status prove_tile(obs__in_log *log, uint64_t index, int *holds, obs_error *error)
{
    obs__tree_range range = {0};
    obs__tree_hash root;
    log->proved = NONE;
    obs_status status = obs__tile_read(&log->tile, log->folder, obs__tile_in(log->checkpoint.size, 0, index), error);
    if (status != OBS_OK)
        return status;
    for (unsigned i = 0; i < log->tile.width; i++)
        obs__tree_range_add(&range, log->hasher, 0, &log->tile.hashes[i]);
    obs__tree_range_root(&range, log->hasher, &root);
    status = prove_root(log, index, &root, holds, error);
    if (status == OBS_OK && *holds)
        log->proved = index;
    return status;
}

static obs_status check_at(obs__in_log *log, uint64_t index, uint64_t seq, const obs__tree_hash *leaf, obs_error *error)
{
    int holds = 1;
    obs_status status = OBS_OK;
    if (log->proved != index / OBS__TILE_WIDTH)
        status = prove_tile(log, index / OBS__TILE_WIDTH, &holds, error);
    if (status == OBS_OK && (!holds || !obs__tree_equal(leaf, &log->tile.hashes[index % OBS__TILE_WIDTH])))
        status =
            obs__fail(error, OBS_DATA_LOSS, "audit record %llu is not what the log has at its place: run 'obsctl audit verify'",
                      (unsigned long long)seq);
    return status;
}

obs_status obs__in_log_check(obs__in_log *log, uint64_t seq, const obs__tree_hash *leaf, obs_error *error)
{
    uint64_t index;
    obs_error why;
    if (!log)
        return OBS_OK;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__runs_place(&index, &log->runs, seq, &why);
    if (status == OBS_NOT_FOUND || (status == OBS_OK && index >= log->checkpoint.size))
        return OBS_OK; /* in no checkpoint yet, or only in one that is newer than ours */
    return status == OBS_OK ? check_at(log, index, seq, leaf, error) : obs__copy_error(error, &why);
}

obs_status obs__in_log_is_sealed(int *out, obs__in_log *log, uint64_t seq, obs_error *error)
{
    obs__sealed sealed;
    uint64_t index = 0;
    obs_error why;
    *out = 0;
    if (!log)
        return OBS_OK;
    obs_error_init(&why, sizeof why);
    obs_status status = obs__sealed_read(&sealed, log->place, &log->key, &why);
    if (status == OBS_OK && sealed.end)
        status = obs__runs_place(&index, &log->runs, seq, &why);
    *out = status == OBS_OK && index < sealed.end;
    return status == OBS_OK || status == OBS_NOT_FOUND ? OBS_OK : obs__copy_error(error, &why);
}
