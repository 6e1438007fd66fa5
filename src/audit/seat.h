/*
 * The right to write the log: one holder on the machine, decided by flock() on the file `lease` of a folder, which the kernel
 * gives back when the holder dies, and by a number in it that grows with each holder. Whoever holds it asks obs__seat_check()
 * before what it did becomes visible: when the file was removed or exchanged meanwhile, somebody else may hold the new one.
 */
#ifndef OBS_AUDIT_SEAT_H
#define OBS_AUDIT_SEAT_H

#include "base/call.h"

typedef struct obs__seat obs__seat;

/* Waits as long as the limit allows; OBS_ABORTED when another holder keeps it. `folder` is an absolute path. */
obs_status obs__seat_take(obs__seat **out, const char *folder, const obs__limit *limit, obs_error *error);
/* OBS_ABORTED when it is lost. */
obs_status obs__seat_check(const obs__seat *seat, obs_error *error);
void obs__seat_free(obs__seat *seat);

#endif
