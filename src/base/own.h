/*
 * What each generation of the process has for itself: a lock, its condition, and what the lock guards. A child of fork makes
 * its own at first use, as the parent's lock may have been held by a thread that the child does not have. The parent's stays
 * as it was: never touched, only reachable, so that nothing in it counts as lost.
 */
#ifndef OBS_BASE_OWN_H
#define OBS_BASE_OWN_H

#include <pthread.h>

/* Embedded as first member by what is guarded. */
typedef struct obs__own {
    unsigned generation;
    struct obs__own *previous; /* the parent's */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* its waits end by the monotonic clock */
} obs__own;

/* The one of this generation, for the life of the process; `size` of the whole, which is zero at first. NULL without memory.
 * `current` is a static variable that begins as NULL. Cheap after the first call. */
void *obs__own_get(obs__own *_Atomic *current, size_t size);
/* The same, if it was made already; else NULL. */
void *obs__own_find(obs__own *_Atomic *current);
/* Whether it was made in this generation: not by the parent. */
int obs__own_is_ours(const obs__own *own);

#endif
