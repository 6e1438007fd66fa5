/* The steps of sealing, but for the rows. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "audit/round.h"
#include "audit/seal.h"
#include "audit/sealed.h"
#include "audit/segment.h"
#include "audit/verify.h"
#include "base/error.h"
#include "base/file.h"

#define FILE_MODE 0644 /* below `audit`, which decides who may come here */

struct sealing {
    const obs__seal_options *options;
    int log;            /* descriptor, or -1 */
    uint64_t size;      /* of the log when it was verified */
    uint64_t anchored;  /* and of what an anchor vouches for */
    obs__sealed sealed; /* what is, and then will be */
};

void obs__seal_step(const obs__seal_options *options, const char *name)
{
    if (options->step)
        options->step(name);
}

/* ---- Before. ---- */

static obs_status sequence(const struct sealing *sealing, obs_error *error)
{
    const obs__seal_options *options = sealing->options;
    obs__sequenced done;
    return obs__audit_sequence_now(&done, options->place, options->tenants, &options->scope->limit, error);
}

static obs_status read_sealed(struct sealing *sealing, obs_error *error)
{
    obs__verifier key;
    obs_status status = obs__log_key(&key, sealing->options->place, error);
    return status == OBS_OK ? obs__sealed_read(&sealing->sealed, sealing->options->place, &key, error) : status;
}

static obs_status verify(struct sealing *sealing, obs_error *error)
{
    const obs__seal_options *options = sealing->options;
    obs__verify_options wanted = {.place = options->place, .tenants = options->tenants, .limit = &options->scope->limit};
    obs__verified verified;
    obs_status status = obs__audit_verify(&verified, &wanted, error);
    sealing->size = verified.size;
    sealing->anchored = verified.anchored;
    return status;
}

static obs_status open_log(struct sealing *sealing, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = obs__log_path(path, sizeof path, sealing->options->place->workspace, "log", error);
    return status == OBS_OK ? obs__open_at(&sealing->log, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error) : status;
}

/* ---- How far. ---- */

static obs_status is_old(int *out, const struct sealing *sealing, uint64_t index, obs_error *error)
{
    obs__bundle bundle;
    int64_t time;
    *out = 1;
    obs_status status = obs__bundle_read(&bundle, sealing->log, index, OBS__TILE_WIDTH, error);
    if (status != OBS_OK)
        return status;
    for (unsigned i = 0; i < OBS__TILE_WIDTH && *out; i++)
        *out = obs__audit_leaf_time(&time, bundle.entries[i]) && time < sealing->options->before_ns;
    obs__bundle_free(&bundle);
    return OBS_OK;
}

/* Whole bundles of which nothing is too young, and that an anchor vouches for. */
static obs_status find_end(uint64_t *out, const struct sealing *sealing, obs_error *error)
{
    obs_status status = OBS_OK;
    int old = 1;
    for (*out = sealing->sealed.end; *out + OBS__TILE_WIDTH <= sealing->anchored && status == OBS_OK;) {
        status = is_old(&old, sealing, *out / OBS__TILE_WIDTH, error);
        if (status == OBS_OK)
            status = obs__limit_check(&sealing->options->scope->limit, error);
        if (!old)
            break;
        *out += OBS__TILE_WIDTH;
    }
    return status;
}

/* ---- The record and the note. ---- */

/* The record among those that came after the verification. */
static obs_status find_record(uint64_t *out, const obs__round *round, uint64_t from, uint64_t end, obs_error *error)
{
    obs_status status = OBS_OK;
    int found = 0;
    uint64_t size = round->checkpoint.size;
    for (uint64_t at = from; at < size && !found && status == OBS_OK;) {
        obs__bundle bundle;
        obs__tile_name name = obs__tile_in(size, OBS__TILE_ENTRIES, at / OBS__TILE_WIDTH);
        status = obs__bundle_read(&bundle, round->log, name.index, name.width, error);
        if (status != OBS_OK)
            return status;
        for (; at < size && at / OBS__TILE_WIDTH == name.index && !found && status == OBS_OK; at++) {
            *out = at;
            status = obs__sealed_says(&found, bundle.entries[at % OBS__TILE_WIDTH], end, error);
        }
        obs__bundle_free(&bundle);
    }
    if (status == OBS_OK && !found)
        return obs__fail(error, OBS_UNAVAILABLE, "nothing was sealed, as its own record is not in the log: try again");
    return status;
}

static obs_status root_of(obs__tree_hash *out, const obs__round *round, uint64_t end, obs_error *error)
{
    obs__tiles *tiles;
    obs_status status = obs__tiles_open(&tiles, round->log, round->checkpoint.size, round->hasher, error);
    if (status != OBS_OK)
        return status;
    obs__tree_reader reader = obs__tiles_reader(tiles);
    status = obs__tree_root_at(out, round->hasher, &reader, end, error);
    obs__tiles_free(tiles);
    return status;
}

/* Under the leases: what another one sealed meanwhile is never taken back. */
static obs_status mark_in(struct sealing *sealing, const obs__round *round, uint64_t end, obs_error *error)
{
    const obs__log_place *place = sealing->options->place;
    obs__sealed next = {.end = end};
    obs_status status = obs__sealed_read(&sealing->sealed, place, obs__signer_verifier(round->signer), error);
    if (status != OBS_OK || sealing->sealed.end >= end)
        return status;
    status = find_record(&next.record, round, sealing->size, end, error);
    if (status == OBS_OK && next.record >= round->anchored)
        status = obs__fail(error, OBS_UNAVAILABLE, "nothing was sealed, as no anchor knows of its record yet: try again");
    if (status == OBS_OK)
        status = root_of(&next.root, round, end, error);
    if (status == OBS_OK)
        status = obs__round_check(round, error);
    if (status == OBS_OK)
        status = obs__sealed_write(&next, place, round->signer, error);
    if (status == OBS_OK)
        sealing->sealed = next;
    return status;
}

static obs_status mark(struct sealing *sealing, uint64_t end, obs_error *error)
{
    const obs__seal_options *options = sealing->options;
    obs__round round = {
        .place = options->place, .tenants = options->tenants, .limit = &options->scope->limit, .log = -1, .runs = -1};
    obs_status status = obs__round_open(&round, error);
    if (status == OBS_OK)
        status = mark_in(sealing, &round, end, error);
    obs__round_end(&round);
    return status;
}

static obs_status seal_more(struct sealing *sealing, uint64_t end, obs_error *error)
{
    const obs__seal_options *options = sealing->options;
    obs__seal_step(options, "record");
    obs_status status = options->record(options->user, sealing->sealed.end, end, error);
    obs__seal_step(options, "sequence");
    if (status == OBS_OK)
        status = sequence(sealing, error);
    obs__seal_step(options, "mark");
    return status == OBS_OK ? mark(sealing, end, error) : status;
}

/* ---- Packing. ---- */

static obs_status compare(const struct sealing *sealing, uint64_t index, obs__view bytes, obs_error *error)
{
    obs_buffer *again;
    obs_status status = obs__tile_sealed_file(&again, sealing->log, index, error);
    if (status != OBS_OK)
        return status;
    if (!obs__view_equal((obs__view){obs_buffer_data(again), obs_buffer_size(again)}, bytes))
        status =
            obs__fail(error, OBS_DATA_LOSS, "the disk does not give back the sealed records that were written: is it sound?");
    obs_buffer_free(again);
    return status;
}

static obs_status remove_plain(int folder, const char *path, obs_error *error)
{
    const char *name;
    int parent;
    obs_status status = obs__open_parent(&parent, &name, folder, path, error);
    if (status != OBS_OK)
        return status;
    if (unlinkat(parent, name, 0) != 0 && errno != ENOENT)
        status = obs__fail_system(error, errno, "cannot remove 'audit/log/%s', which is sealed", path);
    close(parent);
    return status;
}

static obs_status pack_bytes(const struct sealing *sealing, uint64_t index, obs__view bytes, obs_error *error)
{
    char path[OBS__TILE_PATH];
    obs_buffer *packed;
    obs__tile_sealed_path(path, index);
    obs_status status = obs__segment_pack(&packed, bytes, error);
    if (status == OBS_OK)
        status = obs__file_write(sealing->log, path, obs_buffer_data(packed), obs_buffer_size(packed), FILE_MODE, error);
    obs_buffer_free(packed);
    return status == OBS_OK ? compare(sealing, index, bytes, error) : status;
}

static obs_status pack(const struct sealing *sealing, uint64_t index, obs_error *error)
{
    char path[OBS__TILE_PATH];
    obs_buffer *bytes = NULL;
    obs_error why;
    obs_error_init(&why, sizeof why);
    obs__tile_path(path, (obs__tile_name){OBS__TILE_ENTRIES, index, OBS__TILE_WIDTH});
    obs_status status = obs__file_read(&bytes, sealing->log, path, OBS__BUNDLE_MAX, &why);
    if (status == OBS_NOT_FOUND) /* packed already */
        return OBS_OK;
    if (status != OBS_OK)
        return obs__copy_error(error, &why);
    obs__seal_step(sealing->options, "pack");
    status = pack_bytes(sealing, index, (obs__view){obs_buffer_data(bytes), obs_buffer_size(bytes)}, error);
    obs_buffer_free(bytes);
    obs__seal_step(sealing->options, "remove");
    return status == OBS_OK ? remove_plain(sealing->log, path, error) : status;
}

static obs_status pack_all(const struct sealing *sealing, obs_error *error)
{
    obs_status status = OBS_OK;
    for (uint64_t i = 0; i < sealing->sealed.end / OBS__TILE_WIDTH && status == OBS_OK; i++) {
        status = obs__limit_check(&sealing->options->scope->limit, error);
        if (status == OBS_OK)
            status = pack(sealing, i, error);
    }
    return status;
}

/* ---- All of it. ---- */

static obs_status run(struct sealing *sealing, uint64_t *count, obs_error *error)
{
    uint64_t end = 0;
    obs_status status = sequence(sealing, error);
    if (status == OBS_OK)
        status = verify(sealing, error);
    if (status == OBS_OK)
        status = read_sealed(sealing, error);
    if (status == OBS_OK)
        status = open_log(sealing, error);
    if (status == OBS_OK)
        status = find_end(&end, sealing, error);
    uint64_t before = sealing->sealed.end;
    if (status == OBS_OK && end > before)
        status = seal_more(sealing, end, error);
    if (status != OBS_OK)
        return status;
    *count = end - before;
    status = pack_all(sealing, error);
    obs__seal_step(sealing->options, "rows");
    if (status == OBS_OK && sealing->sealed.end)
        status = obs__seal_rows(sealing->options, sealing->sealed.end, error);
    return status;
}

obs_status obs__audit_seal_log(uint64_t *out_count, const obs__seal_options *options, obs_error *error)
{
    struct sealing sealing = {.options = options, .log = -1};
    *out_count = 0;
    obs_status status = run(&sealing, out_count, error);
    if (sealing.log >= 0)
        close(sealing.log);
    return status;
}
