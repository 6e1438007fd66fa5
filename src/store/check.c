/* Checking every object of a store: each byte against its checksum. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "store/private.h"

typedef struct obs__checking {
    obs__builder *rows;
    obs__store_counts *counts;
    char *room;
} obs__checking;

void obs__check_row(obs__builder *rows, obs__view key, const char *problem, const char *remedy)
{
    obs__add_text(rows, "{\"key\":");
    obs__add_json(rows, key.data, key.size);
    obs__add_char(rows, ',');
    obs__add_json_member(rows, "problem", problem);
    obs__add_json_member(rows, "remedy", remedy);
    obs__add_json_end(rows);
    obs__add_char(rows, '\n');
}

/* Reads all of it; the error of a block that does not match becomes a row. */
static obs_status read_through(obs__checking *checking, obs__scan *scan, obs__source *source, obs_error *error)
{
    obs_error found;
    obs_error_init(&found, sizeof found);
    obs_status status = OBS_OK;
    for (uint64_t at = 0; at < source->size && status == OBS_OK; at += OBS__BLOCK_SIZE) {
        uint64_t left = source->size - at;
        size_t piece = left < OBS__BLOCK_SIZE ? (size_t)left : OBS__BLOCK_SIZE;
        status = source->ops->read(source, at, checking->room, piece, scan->time, &found);
        if (status == OBS_OK)
            status = obs__limit_check(scan->time, &found);
    }
    if (status == OBS_CANCELLED || status == OBS_DEADLINE_EXCEEDED || obs__lacks_memory(&found))
        return obs__copy_error(error, &found);
    if (status == OBS_OK || status == OBS_ABORTED)
        return OBS_OK;
    checking->counts->problems++;
    obs__check_row(checking->rows, source->key, found.message, "restore it from a copy, or adopt it as it is");
    return OBS_OK;
}

static obs_status check_object(obs__scan *scan, obs__view key, obs__source *source, int *done, obs_error *error)
{
    obs__checking *checking = scan->user;
    (void)done;
    checking->counts->objects++;
    checking->counts->bytes += source->size;
    source->key = key;
    if (source->entry.size)
        return read_through(checking, scan, source, error);
    checking->counts->problems++;
    if (source->spoiled)
        obs__check_row(
            checking->rows, key, "its sidecar is damaged: checksums and labels cannot be read",
            "run the check with repair, which compares it with the catalog; else look at it, then `obsctl adopt` it");
    else
        obs__check_row(checking->rows, key, "another program made or changed it: there is no checksum",
                       "look at it, then `obsctl adopt` it");
    return OBS_OK;
}

obs_status obs__store_look(obs_stat **out, obs__object_state *state, obs_store *store, obs__view key, const obs__limit *limit,
                           obs_error *error)
{
    obs__source source;
    *out = NULL;
    obs_status status = store->driver->source(&source, store->volume, key, limit, error);
    if (status != OBS_OK)
        return status;
    obs__view entry = source.entry.size ? source.entry : source.former;
    *state = source.entry.size ? OBS__OBJECT_WHOLE : source.former.size ? OBS__OBJECT_OUTSIDE : OBS__OBJECT_SPOILED;
    status = obs__stat_new(out, key, source.size, source.modified_ns, entry, error);
    source.ops->close(&source);
    return status;
}

obs_status obs__store_check(obs__builder *rows, obs__store_counts *counts, obs_store *store, int repair,
                            const obs__limit *limit, obs_error *error)
{
    obs__checking checking = {rows, counts, obs__alloc(OBS__BLOCK_SIZE)};
    obs__scan scan = {.prefix = {"", 0}, .after = {"", 0}, .limit = SIZE_MAX, .time = limit};
    scan.user = &checking;
    scan.object = check_object;
    if (!checking.room)
        return obs__fail_memory(error);
    obs_status status = store->driver->scan(store->volume, &scan, error);
    if (status == OBS_OK && store->driver->check)
        status = store->driver->check(store->volume, rows, &counts->problems, repair, limit, error);
    obs__free(checking.room);
    return status == OBS_OK ? obs__builder_status(rows, error) : status;
}
