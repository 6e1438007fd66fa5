/*
 * The writer lock of a tenant, between processes and between copies of this library in one process.
 *
 * Who holds it is decided by flock() on `lock` alone, which the kernel gives back when the holder dies. flock() knows no
 * order, no deadline and no cancelling, so the order is kept beside it: whoever waits draws a ticket from the mapped page
 * of the same file and sleeps until it is served. The page only decides who tries next; were it garbage, the lock would
 * be unfair, never shared. A ticket whose owner died is passed over when nothing has moved for OBS__SLICE_NS and the
 * kernel says that the lock is free.
 */
#ifndef OBS_JOURNAL_LOCK_H
#define OBS_JOURNAL_LOCK_H

#include "base/call.h"

typedef struct obs__lock obs__lock;

/* `folder` is a descriptor that stays open as long as the lock. The file is made when there is none. */
obs_status obs__lock_open(obs__lock **out, int folder, obs_error *error);
void obs__lock_free(obs__lock *lock);

/* One thread at a time may call these. A wait that was ended by its limit keeps its place for the next call, until it is
 * given up with obs__lock_forgo(). */
obs_status obs__lock_take(obs__lock *lock, const obs__limit *limit, obs_error *error);
void obs__lock_forgo(obs__lock *lock);
void obs__lock_release(obs__lock *lock);

/* The holder's mark that it commits something that must be finished afterwards; outlives the holder. */
void obs__lock_mark(obs__lock *lock, int dirty);
int obs__lock_marked(const obs__lock *lock);

#endif
