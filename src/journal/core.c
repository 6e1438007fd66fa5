#include "journal/core.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

/* A folder that cannot be written is read; whatever else is wrong is told. */
static obs_status open_lock(obs__core *core, obs_error *error)
{
    if (core->journal->read_only)
        return OBS_OK;
    obs_status status = obs__lock_open(&core->lock, core->place.folder, error);
    if (status == OBS_FAILED_PRECONDITION || status == OBS_PERMISSION_DENIED) {
        core->reading = OBS__READER_ONLY;
        return OBS_OK;
    }
    core->can_write = status == OBS_OK;
    if (core->can_write)
        core->wake = openat(core->place.folder, "wake", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
    if (core->can_write && core->wake < 0)
        status = obs__fail_system(error, errno, "cannot open the file 'wake' of the tenant");
    return status;
}

static int can_wait(obs_status status)
{
    return status == OBS_NO_SPACE || status == OBS_UNAVAILABLE || status == OBS_RESOURCE_EXHAUSTED;
}

/* The first look at the database, under the lock. Recovery that fails for want of space or the like is tried again at the
 * next commit: a full disk must not keep anybody from reading and deleting. */
static obs_status first_look(obs__core *core, int create, const obs__limit *limit, obs_error *error)
{
    obs_status status = obs__lock_take(core->lock, limit, error);
    if (status != OBS_OK) {
        obs__lock_forgo(core->lock);
        return status;
    }
    status = obs__writer_ready(core, create, error);
    obs__lock_release(core->lock);
    return core->writer && can_wait(status) ? OBS_OK : status;
}

static obs_status check_readable(obs__core *core, obs_error *error)
{
    obs__connection *connection = NULL;
    obs_status status = obs__connection_open(&connection, &core->place, core->reading, error);
    if (status == OBS_OK)
        core->idle[core->idle_count++] = connection;
    return status;
}

obs_status obs__core_open(obs__core **out, const obs__journal *journal, int create, const obs__limit *limit, obs_error *error)
{
    *out = NULL;
    obs__core *core = obs__calloc(1, sizeof *core);
    if (!core)
        return obs__fail_memory(error);
    core->generation = obs__generation();
    core->journal = journal;
    core->wake = -1;
    core->recover_due = 1;
    core->reading = OBS__READER;
    pthread_mutex_init(&core->mutex, NULL);
    pthread_mutex_init(&core->pool_mutex, NULL);
    core->place = (obs__place){journal->path, open(journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    obs_status status = OBS_OK;
    if (core->place.folder < 0) {
        status = obs__fail_system(error, errno, "cannot open the tenant's folder");
        obs__detail(error, "folder %s", journal->folder);
    }
    if (status == OBS_OK)
        status = open_lock(core, error);
    if (status == OBS_OK)
        status = core->can_write ? first_look(core, create, limit, error) : check_readable(core, error);
    if (status == OBS_OK)
        *out = core;
    else
        obs__core_free(core);
    return status;
}

void obs__core_free(obs__core *core)
{
    if (!core || core->generation != obs__generation())
        return; /* the parent's: neither used nor closed, so it is left where it is */
    for (size_t i = 0; i < core->idle_count; i++)
        obs__connection_close(core->idle[i]);
    obs__connection_close(core->writer);
    obs__lock_free(core->lock);
    if (core->wake >= 0)
        close(core->wake);
    if (core->place.folder >= 0)
        close(core->place.folder);
    pthread_mutex_destroy(&core->mutex);
    pthread_mutex_destroy(&core->pool_mutex);
    obs__free(core);
}
