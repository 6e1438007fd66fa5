#include "base/pool.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/error.h"
#include "base/own.h"

#define IDLE_SECONDS 5

struct pool {
    obs__own own; /* changed: there is more to do */
    obs__task *first;
    obs__task *last;
    size_t waiting;
    int threads;
    int idle;
    int waiting_long; /* tasks that wait long, from being added to being done */
};

static obs__own *_Atomic current;

static void unlink_task(struct pool *pool, obs__task *task)
{
    *(task->previous ? &task->previous->next : &pool->first) = task->next;
    *(task->next ? &task->next->previous : &pool->last) = task->previous;
    task->waits = 0;
    pool->waiting--;
}

static void link_task(struct pool *pool, obs__task *task)
{
    task->next = NULL;
    task->previous = pool->last;
    *(pool->last ? &pool->last->next : &pool->first) = task;
    pool->last = task;
    task->waits = 1;
    pool->waiting++;
}

/* With the lock: the next task, or NULL when none came for some seconds. */
static obs__task *next_task(struct pool *pool)
{
    struct timespec end;
    int code = 0;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += IDLE_SECONDS;
    pool->idle++;
    while (!pool->first && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&pool->own.changed, &pool->own.lock, &end);
    pool->idle--;
    obs__task *task = pool->first;
    if (task)
        unlink_task(pool, task);
    return task;
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    pthread_mutex_lock(&pool->own.lock);
    for (obs__task *task; (task = next_task(pool));) {
        pthread_mutex_unlock(&pool->own.lock);
        int waits_long = task->waits_long;
        task->run(task); /* which may free it */
        pthread_mutex_lock(&pool->own.lock);
        pool->waiting_long -= waits_long;
    }
    pool->threads--;
    pthread_mutex_unlock(&pool->own.lock);
    return NULL;
}

/* With the lock. The program's signals are handled on the program's own threads. */
static int add_thread(struct pool *pool)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&thread, &attributes, work, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (number == 0)
        pool->threads++;
    return number;
}

obs_status obs__pool_add(obs__task *task, obs_error *error)
{
    struct pool *pool = obs__own_get(&current, sizeof *pool);
    int number = 0;
    if (!pool)
        return obs__fail_memory(error);
    pthread_mutex_lock(&pool->own.lock);
    int full = pool->waiting == OBS__POOL_WAITING || (task->waits_long && pool->waiting_long == OBS__POOL_LONG);
    if (!full && pool->waiting >= (size_t)pool->idle &&
        pool->threads < OBS__POOL_THREADS + pool->waiting_long + task->waits_long)
        number = add_thread(pool);
    /* Fewer threads than wished for are fine, as long as one of them is not waiting. */
    int usable = !full && pool->threads > pool->waiting_long;
    if (usable) {
        pool->waiting_long += task->waits_long;
        link_task(pool, task);
        pthread_cond_signal(&pool->own.changed);
    }
    pthread_mutex_unlock(&pool->own.lock);
    if (full && task->waits_long)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "%d operations wait for events already: cancel some", OBS__POOL_LONG);
    if (full)
        return obs__fail(error, OBS_RESOURCE_EXHAUSTED,
                         "%d operations wait already: take their completions before starting more", OBS__POOL_WAITING);
    return usable ? OBS_OK : obs__fail(error, OBS_RESOURCE_EXHAUSTED, "cannot start a thread (error %d)", number);
}

int obs__pool_remove(obs__task *task)
{
    struct pool *pool = obs__own_find(&current);
    if (!pool)
        return 0;
    pthread_mutex_lock(&pool->own.lock);
    int waits = task->waits;
    if (waits) {
        unlink_task(pool, task);
        pool->waiting_long -= task->waits_long;
    }
    pthread_mutex_unlock(&pool->own.lock);
    return waits;
}
