/* The inside of queue.c: up to four threads that run tasks, made when the first one comes; and one more for each task that
 * waits long for somebody else, so that others have their four. */
#ifndef OBS_BASE_POOL_H
#define OBS_BASE_POOL_H

#include <obs/error.h>

#define OBS__POOL_THREADS 4
#define OBS__POOL_WAITING 65536
#define OBS__POOL_LONG 256

/* Embedded by what is to be run. */
typedef struct obs__task {
    struct obs__task *next;
    struct obs__task *previous;
    int waits; /* under the lock of the pool */
    int waits_long;
    void (*run)(struct obs__task *task);
} obs__task;

/* Hands a task to the pool of this process. */
obs_status obs__pool_add(obs__task *task, obs_error *error);
/* Takes a task back that has not begun: 1, or 0 when it is running, done or was never there. */
int obs__pool_remove(obs__task *task);

#endif
