/* The journals that are open in this process: one for each folder, shared by all who opened it. */
#include "journal/journal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "journal/core.h"
#include "journal/fork.h"

/* Under the registry's mutex, together with all `holders`. */
static obs__journal *registry;

static void destroy(obs__journal *journal)
{
    if (!journal)
        return;
    obs__core_free(atomic_load(&journal->core));
    obs__free(journal->schemas);
    obs__free(journal->folder);
    obs__free(journal->path);
    obs__free(journal);
}

static int copy_schemas(obs__journal *journal, const char *const *schemas)
{
    size_t count = 0;
    while (schemas && schemas[count])
        count++;
    journal->schemas = obs__calloc(count + 1, sizeof *journal->schemas);
    if (journal->schemas && count)
        memcpy(journal->schemas, schemas, count * sizeof *journal->schemas);
    return journal->schemas != NULL;
}

/* NULL: not enough memory. */
static obs__journal *make(const char *folder, const struct stat *info, const obs__journal_options *options)
{
    size_t size = strlen(folder) + sizeof "/" OBS__DATABASE;
    obs__journal *journal = obs__calloc(1, sizeof *journal);
    if (!journal)
        return NULL;
    journal->holders = 1;
    journal->device = info->st_dev;
    journal->inode = info->st_ino;
    journal->read_only = options->read_only;
    journal->recover = options->recover;
    journal->user = options->user;
    journal->folder = obs__strdup(folder);
    journal->path = obs__alloc(size);
    if (!journal->folder || !journal->path || !copy_schemas(journal, options->schemas)) {
        destroy(journal);
        return NULL;
    }
    snprintf(journal->path, size, "%s/" OBS__DATABASE, folder);
    return journal;
}

static obs__journal *hold(const struct stat *info, int read_only)
{
    obs__journal *journal;
    obs__registry_lock();
    for (journal = registry; journal; journal = journal->next)
        if (journal->device == info->st_dev && journal->inode == info->st_ino && !journal->read_only == !read_only)
            break;
    if (journal)
        journal->holders++;
    obs__registry_unlock();
    return journal;
}

/* One at a time, so that one folder is opened once. */
static obs_status hold_or_open(obs__journal **out, const char *folder, const struct stat *info,
                               const obs__journal_options *options, const obs__limit *limit, obs_error *error)
{
    obs__core *core = NULL;
    *out = hold(info, options->read_only);
    if (*out)
        return OBS_OK;
    obs__journal *journal = make(folder, info, options);
    if (!journal)
        return obs__fail_memory(error);
    obs_status status = obs__core_open(&core, journal, options->create, limit, error);
    if (status != OBS_OK) {
        destroy(journal);
        return status;
    }
    atomic_store(&journal->core, core);
    obs__registry_lock();
    journal->next = registry;
    registry = *out = journal;
    obs__registry_unlock();
    return OBS_OK;
}

static obs_status fail_folder(obs_error *error, int number, const char *folder)
{
    obs_status status = obs__fail_system(error, number, "cannot open the tenant's folder");
    obs__detail(error, "folder %s", folder);
    return status;
}

obs_status obs__journal_open(obs__journal **out, const obs__journal_options *options, const obs__limit *limit, obs_error *error)
{
    struct stat info;
    obs_status status;
    *out = NULL;
    /* Absolute: the program may go elsewhere later. */
    char *folder = realpath(options->folder, NULL);
    if (!folder || stat(folder, &info) != 0) {
        status = fail_folder(error, errno, options->folder);
    } else {
        status = obs__opening_lock(info.st_ino, limit, error);
        if (status == OBS_OK) {
            status = hold_or_open(out, folder, &info, options, limit, error);
            obs__opening_unlock(info.st_ino);
        }
    }
    free(folder);
    return status;
}

obs__journal *obs__journal_retain(obs__journal *journal)
{
    if (!journal)
        return NULL;
    obs__registry_lock();
    journal->holders++;
    obs__registry_unlock();
    return journal;
}

void obs__journal_free(obs__journal *journal)
{
    if (!journal)
        return;
    obs__registry_lock();
    int last = --journal->holders == 0;
    for (obs__journal **at = &registry; last && *at; at = &(*at)->next)
        if (*at == journal) {
            *at = journal->next;
            break;
        }
    obs__registry_unlock();
    if (last)
        destroy(journal);
}

obs_status obs__core_of(obs__core **out, obs__journal *journal, const obs__limit *limit, obs_error *error)
{
    obs_status status = OBS_OK;
    *out = atomic_load_explicit(&journal->core, memory_order_acquire);
    if ((*out)->generation == obs__generation())
        return OBS_OK;
    const obs__limit ordinary = obs__limit_in(30000, NULL);
    limit = limit ? limit : &ordinary;
    status = obs__opening_lock(journal->inode, limit, error);
    if (status != OBS_OK)
        return status;
    *out = atomic_load(&journal->core);
    if ((*out)->generation != obs__generation()) {
        status = obs__core_open(out, journal, 0, limit, error);
        if (status == OBS_OK)
            atomic_store(&journal->core, *out);
    }
    obs__opening_unlock(journal->inode);
    return status;
}
