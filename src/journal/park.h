/* Sleeping on a number in memory until another thread or process changes it (Linux futex). */
#ifndef OBS_JOURNAL_PARK_H
#define OBS_JOURNAL_PARK_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/call.h"

typedef _Atomic uint32_t obs__word;

/* No limit: as the end of a sleep. */
#define OBS__FOREVER INT64_MAX
/* A cancel token and the death of another process are noticed within this time. */
#define OBS__SLICE_NS 20000000

/* Sleeps while *word == seen, until the monotonic time end_ns; wakes early without a reason, too. */
void obs__park(obs__word *word, uint32_t seen, int64_t end_ns);
/* Wakes the sleepers of this process. The word's memory may be gone by then: nothing is read or written. */
void obs__unpark(obs__word *word);

/* The same between processes that map one file; `channel` (any number) keeps sleepers apart: only those of the same channel
 * modulo 32 are woken. */
void obs__park_shared(obs__word *word, uint32_t seen, int64_t end_ns, uint32_t channel);
void obs__unpark_shared(obs__word *word, uint32_t channel);

/* A lock that is waited for under a limit. Zero is free; a child of fork() makes it free again by obs__turn_reset(). */
typedef obs__word obs__turn;
obs_status obs__turn_take(obs__turn *turn, const obs__limit *limit, obs_error *error);
void obs__turn_give(obs__turn *turn);
void obs__turn_reset(obs__turn *turn);

/* When a sleep under a limit should look up at the latest. */
int64_t obs__slice_end(const obs__limit *limit);

#endif
