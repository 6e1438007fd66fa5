#include "audit/sequence.h"

#include <limits.h>
#include <unistd.h>

#include "audit/round.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#define FOLDER_MODE 0755 /* below `audit`, which decides who may come here */
#define STATE_MODE 0700

/* ---- The steps of a round. ---- */

static obs_status make_folder(char *path, size_t capacity, const char *base, const char *name, mode_t mode, obs_error *error)
{
    obs_status status = obs__log_path(path, capacity, base, name, error);
    return status == OBS_OK ? obs__folder_make(AT_FDCWD, path, mode, error) : status;
}

static obs_status open_folder(int *out, const char *base, const char *name, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = make_folder(path, sizeof path, base, name, FOLDER_MODE, error);
    return status == OBS_OK ? obs__open_at(out, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, error) : status;
}

/* The workspace's lease first, always in this order. */
static obs_status take_seats(obs__round *round, obs_error *error)
{
    char path[PATH_MAX];
    obs_status status = make_folder(path, sizeof path, round->place->workspace, "", FOLDER_MODE, error);
    if (status == OBS_OK)
        status = obs__seat_take(&round->workspace_seat, path, round->limit, error);
    if (status == OBS_OK)
        status = make_folder(path, sizeof path, round->place->state, "", STATE_MODE, error);
    return status == OBS_OK ? obs__seat_take(&round->state_seat, path, round->limit, error) : status;
}

static obs_status open_folders(obs__round *round, obs_error *error)
{
    obs_status status = open_folder(&round->log, round->place->workspace, "log", error);
    if (status == OBS_OK)
        status = open_folder(&round->runs, round->place->workspace, "runs", error);
    return status == OBS_OK ? obs__tree_hasher_new(&round->hasher, error) : status;
}

/* Only behind a checkpoint that the anchors agree with, and whose last tiles are sound. */
static obs_status mend(obs__round *round, obs_error *error)
{
    obs_status status =
        obs__appender_open(&round->appender, round->log, round->checkpoint.size, &round->checkpoint.root, round->hasher, error);
    if (status == OBS_OK)
        status = obs__log_cut(&round->cut, round->log, round->checkpoint.size, error);
    if (status == OBS_OK && round->cut)
        obs__log(OBS_LOG_WARNING, "audit", NULL,
                 "an interrupted writer left %llu files behind record %llu of the audit log: removed, nothing is lost",
                 (unsigned long long)round->cut, (unsigned long long)round->checkpoint.size);
    return status == OBS_OK ? obs__runs_mend(round->runs, round->log, round->checkpoint.size, error) : status;
}

static obs_status move(obs__round *round, obs_error *error)
{
    obs_error failure;
    obs_error_init(&failure, sizeof failure);
    obs_status status = round->tenants->each(round->tenants->user, obs__move_tenant, round, &failure);
    if (status == OBS_OK || round->is_broken)
        return status == OBS_OK ? OBS_OK : obs__copy_error(error, &failure);
    /* A tenant that cannot be opened does not hold up the others. */
    if (round->failure.status == OBS_OK)
        obs__copy_error(&round->failure, &failure);
    return OBS_OK;
}

static obs_status note_runs(obs__round *round, obs_error *error)
{
    obs_status status = OBS_OK;
    for (const obs__moved *moved = round->moved; moved && status == OBS_OK; moved = moved->next)
        status = obs__runs_add(round->runs, moved->tenant, &moved->run, error);
    return status;
}

static obs_status publish(obs__round *round, obs_error *error)
{
    obs__tree_hash root;
    uint64_t size = obs__appender_size(round->appender);
    if (size == round->checkpoint.size) /* nothing new; a crash may have kept the last one from its anchors */
        return round->anchored < size ? obs__custody_tell(round, error) : OBS_OK;
    obs_status status = obs__appender_flush(round->appender, &root, error);
    if (status == OBS_OK)
        status = obs__custody_sign(round, size, &root, error);
    if (status != OBS_OK)
        return status;
    round->checkpoint.size = size;
    status = obs__custody_tell(round, error);
    obs_status noted = note_runs(round, status == OBS_OK ? error : NULL);
    obs__appender_tidy(round->appender);
    return status == OBS_OK ? noted : status;
}

static void free_moved(obs__moved *moved)
{
    while (moved) {
        obs__moved *next = moved->next;
        obs__free(moved);
        moved = next;
    }
}

/* The leases go last. */
void obs__round_end(obs__round *round)
{
    obs__appender_free(round->appender);
    free_moved(round->moved);
    obs_buffer_free(round->note);
    obs__signer_free(round->signer);
    obs__anchor_free(round->own);
    obs__tree_hasher_free(round->hasher);
    if (round->runs >= 0)
        close(round->runs);
    if (round->log >= 0)
        close(round->log);
    obs__seat_free(round->state_seat);
    obs__seat_free(round->workspace_seat);
}

obs_status obs__round_open(obs__round *round, obs_error *error)
{
    obs_status status = take_seats(round, error);
    if (status == OBS_OK)
        status = open_folders(round, error);
    return status == OBS_OK ? obs__custody_open(round, error) : status;
}

obs_status obs__round_check(const obs__round *round, obs_error *error)
{
    obs_status status = obs__seat_check(round->workspace_seat, error);
    return status == OBS_OK ? obs__seat_check(round->state_seat, error) : status;
}

obs_status obs__audit_sequence_round(obs__sequenced *out, const obs__log_place *place, const obs__tenants *tenants,
                                     const obs__limit *limit, obs_error *error)
{
    static obs_status (*const steps[])(obs__round *, obs_error *) = {obs__round_open, mend, move, publish};
    obs__round round = {.place = place, .tenants = tenants, .limit = limit, .log = -1, .runs = -1, .left = OBS__LOG_BATCH};
    obs_status status = OBS_OK;
    uint64_t before = 0;
    obs_error_init(&round.failure, sizeof round.failure);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == OBS_OK; i++) {
        status = steps[i](&round, error);
        if (steps[i] == obs__round_open)
            before = round.checkpoint.size;
    }
    *out = (obs__sequenced){round.checkpoint.size, round.checkpoint.size - before, round.cut, round.left == 0};
    if (status == OBS_OK && round.failure.status != OBS_OK)
        status = obs__copy_error(error, &round.failure);
    obs__round_end(&round);
    return status;
}

obs_status obs__audit_sequence_now(obs__sequenced *out, const obs__log_place *place, const obs__tenants *tenants,
                                   const obs__limit *limit, obs_error *error)
{
    obs__sequenced round;
    obs_status status;
    *out = (obs__sequenced){0};
    do {
        status = obs__audit_sequence_round(&round, place, tenants, limit, error);
        out->size = round.size;
        out->added += round.added;
        out->cut += round.cut;
        out->more = round.more;
    } while (round.more && round.added && obs__limit_check(limit, NULL) == OBS_OK);
    return status == OBS_OK && round.more ? obs__limit_check(limit, error) : status;
}
