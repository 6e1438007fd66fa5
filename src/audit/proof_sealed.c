/* Finding a record that was sealed, in the segments themselves: they are in the order of time, nearly. */
#include <limits.h>
#include <unistd.h>

#include "audit/leaf.h"
#include "audit/proof.h"
#include "audit/tiles.h"
#include "base/error.h"
#include "base/file.h"

struct search {
    int log;
    const char *tenant;
    const char *id;
    const obs__limit *limit;
    uint64_t index;
    int found;
};

static obs_status look_into(struct search *search, uint64_t segment, obs_error *error)
{
    obs__bundle bundle;
    obs_status status = obs__limit_check(search->limit, error);
    if (status == OBS_OK)
        status = obs__bundle_read(&bundle, search->log, segment, OBS__TILE_WIDTH, error);
    if (status != OBS_OK)
        return status;
    for (unsigned i = 0; i < OBS__TILE_WIDTH && !search->found; i++) {
        obs__view id, tenant;
        search->found = obs__audit_leaf_peek(&id, &tenant, bundle.entries[i]) && obs__view_is(id, search->id) &&
                        obs__view_is(tenant, search->tenant);
        search->index = segment * OBS__TILE_WIDTH + i;
    }
    obs__bundle_free(&bundle);
    return OBS_OK;
}

static obs_status first_time(int64_t *out, const struct search *search, uint64_t segment, obs_error *error)
{
    obs__bundle bundle;
    obs_status status = obs__bundle_read(&bundle, search->log, segment, OBS__TILE_WIDTH, error);
    *out = 0;
    if (status != OBS_OK)
        return status;
    obs__audit_leaf_time(out, bundle.entries[0]);
    obs__bundle_free(&bundle);
    return OBS_OK;
}

/* The last segment that begins before the time. */
static obs_status guess(uint64_t *out, const struct search *search, uint64_t count, obs_error *error)
{
    int64_t time, wanted = obs__proof_time(search->id);
    obs_status status = OBS_OK;
    *out = 0;
    for (uint64_t low = 0, high = count; low < high && status == OBS_OK;) {
        uint64_t middle = low + (high - low) / 2;
        status = first_time(&time, search, middle, error);
        if (time <= wanted) {
            *out = middle;
            low = middle + 1;
        } else
            high = middle;
    }
    return status;
}

/* From there on outwards, so that also what stands out of order is found. */
static obs_status search_all(struct search *search, uint64_t count, obs_error *error)
{
    uint64_t start;
    obs_status status = guess(&start, search, count, error);
    for (uint64_t away = 0; away < count && !search->found && status == OBS_OK; away++) {
        if (away <= start)
            status = look_into(search, start - away, error);
        if (away && start + away < count && !search->found && status == OBS_OK)
            status = look_into(search, start + away, error);
    }
    return status;
}

obs_status obs__proof_find_sealed(uint64_t *out_index, const obs__log_place *place, uint64_t end, const char *tenant,
                                  const char *id, const obs__limit *limit, obs_error *error)
{
    char path[PATH_MAX];
    struct search search = {.tenant = tenant, .id = id, .limit = limit};
    *out_index = 0;
    obs_status status = obs__log_path(path, sizeof path, place->workspace, "log", error);
    if (status == OBS_OK)
        status = obs__open_at(&search.log, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, error);
    if (status != OBS_OK)
        return status;
    status = search_all(&search, end / OBS__TILE_WIDTH, error);
    close(search.log);
    *out_index = search.index;
    if (status == OBS_OK && !search.found)
        return obs__fail(error, OBS_NOT_FOUND, "there is no audit record '%.40s'", id);
    return status;
}
