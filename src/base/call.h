/* How long a call may still take, and whether it was cancelled. */
#ifndef OBS_BASE_CALL_H
#define OBS_BASE_CALL_H

#include <obs/call.h>

/* Taken from an obs_call at the start of the public function. */
typedef struct obs__limit {
    int64_t end_ns;     /* monotonic; INT64_MAX: none */
    obs_cancel *cancel; /* borrowed, or NULL */
} obs__limit;

obs__limit obs__limit_of(const obs_call *call);
obs__limit obs__limit_in(int64_t timeout_ms, obs_cancel *cancel);
/* OBS_OK, OBS_CANCELLED or OBS_DEADLINE_EXCEEDED. Cheap without limit and cancel. */
obs_status obs__limit_check(const obs__limit *limit, obs_error *error);
/* Milliseconds left, 0 when over, capped to `most` (for poll and timed waits). */
int obs__limit_left_ms(const obs__limit *limit, int most);
/* Waits until fd is readable (fd -1: only the time), cancelled, or over. *ready says whether fd is readable.
 * A wait that simply takes `most_ms` gives OBS_OK with *ready 0. */
obs_status obs__limit_wait(const obs__limit *limit, int fd, int most_ms, int *ready, obs_error *error);

obs_cancel *obs__cancel_retain(obs_cancel *cancel);
/* Makes `cancel` count as set, and wake its waits, when `also` is set (one level: `also` has none of its own). Once, before
 * anybody waits. Holds `also`. */
void obs__cancel_chain(obs_cancel *cancel, obs_cancel *also);

/* For whoever waits in ways of its own: descriptors that become readable when the call is cancelled. Returns how many. */
#define OBS__LIMIT_FDS 2
size_t obs__limit_fds(int out[OBS__LIMIT_FDS], const obs__limit *limit);

/* One number for each fork: what was made under another number belongs to the parent. */
unsigned obs__generation(void);

#endif
