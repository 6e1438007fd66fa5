/*
 * A lock for a few instructions, without system calls, waits for anything else, or allocations inside. A fork cannot leave it
 * taken: what a thread of the parent held is free in the child, so whatever it guards must be usable after each single store.
 */
#ifndef OBS_BASE_BRIEF_H
#define OBS_BASE_BRIEF_H

#include <stdatomic.h>

/* Zero is free. */
typedef atomic_uint obs__brief;

void obs__brief_take(obs__brief *lock);
void obs__brief_release(obs__brief *lock);

#endif
