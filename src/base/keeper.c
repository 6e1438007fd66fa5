#include "base/keeper.h"

#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/own.h"

#define STACK_SIZE (512 * 1024)
#define NEVER INT64_MAX

/* One thread. The last obs__task_free() stops and joins it; a later appointment starts another one. */
struct runner {
    struct keeper *keeper;
    pthread_t thread;
    int stop;
};

struct keeper {
    obs__own own; /* its lock guards all below and the tasks; changed: an appointment, or the end of a run */
    struct runner *runner;
    obs__task *tasks;
    obs__task *running;
};

struct obs__task {
    struct keeper *keeper;
    obs__task *next;
    void (*run)(void *user);
    void *user;
    int64_t due_ns;
};

static obs__own *_Atomic current;

static obs__task *next_task(struct keeper *keeper)
{
    obs__task *found = NULL;
    for (obs__task *task = keeper->tasks; task; task = task->next)
        if (task->due_ns != NEVER && (!found || task->due_ns < found->due_ns))
            found = task;
    return found;
}

/* Waits for the next appointment or a change; with the lock. */
static void wait_for(struct keeper *keeper, const obs__task *task)
{
    if (!task) {
        pthread_cond_wait(&keeper->own.changed, &keeper->own.lock);
        return;
    }
    struct timespec due = {task->due_ns / 1000000000, task->due_ns % 1000000000};
    pthread_cond_timedwait(&keeper->own.changed, &keeper->own.lock, &due);
}

static void *keep(void *argument)
{
    struct runner *runner = argument;
    struct keeper *keeper = runner->keeper;
    pthread_mutex_lock(&keeper->own.lock);
    while (!runner->stop) {
        obs__task *task = next_task(keeper);
        if (!task || task->due_ns > obs__monotonic_ns()) {
            wait_for(keeper, task);
            continue;
        }
        task->due_ns = NEVER;
        keeper->running = task;
        pthread_mutex_unlock(&keeper->own.lock);
        task->run(task->user);
        pthread_mutex_lock(&keeper->own.lock);
        keeper->running = NULL;
        pthread_cond_broadcast(&keeper->own.changed);
    }
    pthread_mutex_unlock(&keeper->own.lock);
    return NULL;
}

/* The program's signals are not for this thread. */
static int start_thread(struct runner *runner)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return 0;
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int started = pthread_create(&runner->thread, &attributes, keep, runner) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

static obs_status start(struct keeper *keeper, obs_error *error)
{
    if (keeper->runner)
        return OBS_OK;
    struct runner *runner = obs__calloc(1, sizeof *runner);
    if (!runner)
        return obs__fail_memory(error);
    runner->keeper = keeper;
    keeper->runner = runner;
    if (start_thread(runner))
        return OBS_OK;
    keeper->runner = NULL;
    obs__free(runner);
    return obs__fail(error, OBS_RESOURCE_EXHAUSTED, "cannot start a thread");
}

obs_status obs__task_new(obs__task **out, void (*run)(void *user), void *user, obs_error *error)
{
    *out = NULL;
    struct keeper *keeper = obs__own_get(&current, sizeof *keeper);
    obs__task *task = obs__calloc(1, sizeof *task);
    if (!keeper || !task) {
        obs__free(task);
        return obs__fail_memory(error);
    }
    *task = (obs__task){.keeper = keeper, .run = run, .user = user, .due_ns = NEVER};
    pthread_mutex_lock(&keeper->own.lock);
    task->next = keeper->tasks;
    keeper->tasks = task;
    pthread_mutex_unlock(&keeper->own.lock);
    *out = task;
    return OBS_OK;
}

obs_status obs__task_in(obs__task *task, int64_t delay_ms, obs_error *error)
{
    struct keeper *keeper = task->keeper;
    if (!obs__own_is_ours(&keeper->own))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this task belongs to the parent process");
    int64_t due_ns = obs__monotonic_ns() + delay_ms * 1000000;
    pthread_mutex_lock(&keeper->own.lock);
    obs_status status = start(keeper, error);
    if (status == OBS_OK && due_ns < task->due_ns) {
        task->due_ns = due_ns;
        pthread_cond_broadcast(&keeper->own.changed);
    }
    pthread_mutex_unlock(&keeper->own.lock);
    return status;
}

static void unlink_task(struct keeper *keeper, const obs__task *task)
{
    for (obs__task **at = &keeper->tasks; *at; at = &(*at)->next)
        if (*at == task) {
            *at = task->next;
            return;
        }
}

void obs__task_free(obs__task *task)
{
    if (!task)
        return;
    struct keeper *keeper = task->keeper;
    struct runner *last = NULL;
    if (obs__own_is_ours(&keeper->own)) {
        pthread_mutex_lock(&keeper->own.lock);
        unlink_task(keeper, task);
        while (keeper->running == task)
            pthread_cond_wait(&keeper->own.changed, &keeper->own.lock);
        if (!keeper->tasks && keeper->runner) {
            last = keeper->runner;
            keeper->runner = NULL;
            last->stop = 1;
            pthread_cond_broadcast(&keeper->own.changed);
        }
        pthread_mutex_unlock(&keeper->own.lock);
    }
    if (last)
        pthread_join(last->thread, NULL);
    obs__free(last);
    obs__free(task);
}
