/* Waking readers in all processes: the leader touches the file `wake`, inotify tells. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "journal/core.h"

struct obs__watch {
    int fd;
};

/* A user may have too few inotify instances (128 by default), or the file cannot be there: -1, and the holder sees new
 * things once a second instead. */
static int watch_file(const obs__journal *journal)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/wake", journal->folder);
    if (size < 0 || (size_t)size >= sizeof path)
        return -1;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= 0 && inotify_add_watch(fd, path, IN_ATTRIB | IN_DONT_FOLLOW) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

obs_status obs__watch_open(obs__watch **out, obs__journal *journal, obs_error *error)
{
    obs__core *core;
    *out = NULL;
    obs_status status = obs__core_of(&core, journal, NULL, error); /* makes the file `wake` in this process's turn */
    if (status != OBS_OK)
        return status;
    obs__watch *watch = obs__calloc(1, sizeof *watch);
    if (!watch)
        return obs__fail_memory(error);
    watch->fd = watch_file(journal);
    if (watch->fd < 0)
        watch->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* never readable */
    if (watch->fd < 0) {
        status = obs__fail_system(error, errno, "cannot watch the tenant for changes");
        obs__free(watch);
        return status;
    }
    *out = watch;
    return OBS_OK;
}

void obs__journal_wake(obs__journal *journal)
{
    obs__core *core;
    if (obs__core_of(&core, journal, NULL, NULL) == OBS_OK && core->wake >= 0)
        futimens(core->wake, NULL);
}

int obs__watch_fd(const obs__watch *watch)
{
    return watch->fd;
}

void obs__watch_clear(obs__watch *watch)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (read(watch->fd, events, sizeof events) > 0)
        ;
}

void obs__watch_free(obs__watch *watch)
{
    if (!watch)
        return;
    /* A copy that came over by fork shares its queue with the parent, closing it is harmless. */
    close(watch->fd);
    obs__free(watch);
}
