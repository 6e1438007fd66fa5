/*
 * The whole that is in use now: read without a lock, and exchanged while it is read.
 *
 * A reader counts itself in, loads the pointer, uses the whole, counts itself out. Whoever exchanges it stores the new pointer
 * and then waits until each counter was once seen at zero: a reader that was counted then is gone, and one that counts itself
 * in later loads the new pointer, as all of this happens in one total order (seq_cst). So that readers who keep coming cannot
 * keep a counter above zero for ever, there are two sets: newcomers use one while the other runs dry, then the other way
 * round. Each set has many counters, each on a cache line of its own and chosen by the thread, so that readers on different
 * processors do not disturb each other.
 */
#ifndef OBS_CONFIG_LIVE_H
#define OBS_CONFIG_LIVE_H

#include "config/whole.h"

#define OBS__CONFIG_READER_SLOTS 32

typedef struct obs__config_slot {
    atomic_uint readers;
    char unshared[128 - sizeof(atomic_uint)]; /* processors fetch two lines of 64 bytes at a time */
} obs__config_slot;

typedef struct obs__config_live {
    _Atomic(obs__config_whole *) whole; /* NULL before the first */
    atomic_uint set;                    /* which set newcomers use */
    obs__config_slot slots[2][OBS__CONFIG_READER_SLOTS];
} obs__config_live;

/* The whole, or NULL; between enter and leave it stays. No lock, no allocation, no waiting. */
const obs__config_whole *obs__config_live_enter(obs__config_live *live, obs__config_slot **slot);
void obs__config_live_leave(obs__config_slot *slot);
/* One more hold on the whole, or NULL: for what takes longer. */
obs__config_whole *obs__config_live_hold(obs__config_live *live);
/* Stores the new one, whose hold is taken over; gives back the one before, which readers may still use … */
obs__config_whole *obs__config_live_exchange(obs__config_live *live, obs__config_whole *whole);
/* … until this returns. For one thread at a time. */
void obs__config_live_wait(obs__config_live *live);

#endif
