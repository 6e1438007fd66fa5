/* Finding a record in the log itself, by its id: for whoever has no part in the tenant it belongs to. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit/leaf.h"
#include "audit/proof.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"

/* 1, and its place among the records of the bundle. */
static int find_in(unsigned *out, const obs__bundle *bundle, const char *id)
{
    for (*out = 0; *out < bundle->width; ++*out) {
        obs__view found, tenant;
        if (obs__audit_leaf_peek(&found, &tenant, bundle->entries[*out]) && obs__view_is(found, id))
            return 1;
    }
    return 0;
}

/* From the last one backwards: what is asked for is young more often than not. */
static obs_status search(uint64_t *out, int log, uint64_t size, const char *id, const obs__limit *limit, obs_error *error)
{
    for (uint64_t left = (size + OBS__TILE_WIDTH - 1) / OBS__TILE_WIDTH; left > 0; left--) {
        obs__bundle bundle;
        unsigned at;
        obs__tile_name name = obs__tile_in(size, OBS__TILE_ENTRIES, left - 1);
        obs_status status = obs__limit_check(limit, error);
        if (status == OBS_OK)
            status = obs__bundle_read(&bundle, log, name.index, name.width, error);
        if (status != OBS_OK)
            return status;
        int is_there = find_in(&at, &bundle, id);
        obs__bundle_free(&bundle);
        if (is_there) {
            *out = (left - 1) * OBS__TILE_WIDTH + at;
            return OBS_OK;
        }
    }
    return obs__fail(error, OBS_NOT_FOUND, "there is no audit record '%.40s'", id);
}

obs_status obs__proof_search(uint64_t *out_index, const obs__log_place *place, const char *id, const obs__limit *limit,
                             obs_error *error)
{
    obs__verifier key;
    obs__checkpoint checkpoint;
    obs_buffer *note = NULL;
    int log;
    *out_index = 0;
    obs_status status = obs__log_folder(&log, &key, place, error);
    if (status != OBS_OK)
        return status;
    status = obs__file_read(&note, log, "checkpoint", OBS__NOTE_MAX, error);
    if (status == OBS_OK)
        status = obs__checkpoint_open(&checkpoint, (obs__view){obs_buffer_data(note), obs_buffer_size(note)}, &key, error);
    if (status == OBS_OK)
        status = search(out_index, log, checkpoint.size, id, limit, error);
    obs_buffer_free(note);
    close(log);
    return status;
}
