/* What must be right at the moment of a fork(), in one place because the order of the mutexes counts. */
#ifndef OBS_JOURNAL_FORK_H
#define OBS_JOURNAL_FORK_H

#include <sys/types.h>

#include "base/call.h"

/* Held while the journal of this folder is opened, which may take long; the child of a fork() finds it free. Taken before the
 * registry's. */
obs_status obs__opening_lock(ino_t folder, const obs__limit *limit, obs_error *error);
void obs__opening_unlock(ino_t folder);
/* Guards the list of open journals, for moments only; fork() waits for it, so that the child finds a whole list. */
void obs__registry_lock(void);
void obs__registry_unlock(void);

/* A descriptor whose kernel lock belongs to this process alone: a forked child closes its copy at once, so that the lock
 * ends with the parent. */
obs_status obs__kept_open(int *out, int folder, const char *name, const char *what, obs_error *error);
void obs__kept_close(int fd, unsigned generation);

#endif
