/*
 * The completion queue.
 *
 * The lock of a queue guards it and the state of all its operations; it is never held while user code or the pool's lock is
 * waited for. An operation is held by its caller, by the pool until it ran, and by the queue until its last completion was
 * taken; it holds the queue's memory (not its descriptor). Completions need no memory of their own: each operation has room
 * for one report of progress and one end, so that nothing can be lost.
 */
#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/pool.h"

/* A completion that waits in the queue. */
struct node {
    struct node *next;
    obs_operation *operation;
    uint32_t kind;
    int waits;
};

struct obs_queue {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* an operation left `running` */
    atomic_uint holders;
    unsigned generation;
    int fd;
    int closed;
    struct node *first;
    struct node *last;
    obs_operation *running; /* started and not done */
};

struct obs_operation {
    obs__task task; /* first: the pool knows no more */
    obs_queue *queue;
    atomic_uint holders;
    uint64_t tag;
    const obs__operation_ops *ops;
    void *state;
    obs__limit limit;
    obs_operation *next; /* in `running` */
    obs_operation *previous;
    obs_cancel *cancel; /* while it runs */
    int cancelled;
    int done;
    int given_up; /* the caller freed it: its completion does not name it */
    int wants_progress;
    struct node progress;
    struct node end;
    uint64_t bytes;
    void *buffer; /* an obs_buffer */
    void *result;
    void (*free_result)(void *result);
    obs_error error;
};

static int is_foreign(const obs_queue *queue)
{
    return queue->generation != obs__generation();
}

obs_status obs_queue_new(obs_queue **out, obs_error *error)
{
    if (!out)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out is required");
    *out = NULL;
    obs_queue *queue = obs__calloc(1, sizeof *queue);
    if (!queue)
        return obs__fail_memory(error);
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd < 0) {
        int number = errno;
        obs__free(queue);
        return obs__fail_system(error, number, "cannot make a queue");
    }
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->ended, NULL);
    atomic_init(&queue->holders, 1);
    queue->generation = obs__generation();
    *out = queue;
    return obs__ok(error);
}

int obs_queue_fd(const obs_queue *queue)
{
    return queue ? queue->fd : -1;
}

static void release_queue(obs_queue *queue)
{
    if (atomic_fetch_sub(&queue->holders, 1) != 1)
        return;
    pthread_cond_destroy(&queue->ended);
    pthread_mutex_destroy(&queue->lock);
    obs__free(queue);
}

static void release(obs_operation *operation)
{
    if (atomic_fetch_sub(&operation->holders, 1) != 1)
        return;
    obs_buffer_free(operation->buffer);
    if (operation->result && operation->free_result)
        operation->free_result(operation->result);
    obs_cancel_free(operation->limit.cancel);
    release_queue(operation->queue);
    obs__free(operation);
}

/* With the lock. The descriptor is readable exactly while the list has something. */
static void push(obs_queue *queue, struct node *node)
{
    uint64_t one = 1;
    if (!queue->first) {
        ssize_t written = write(queue->fd, &one, sizeof one);
        (void)written; /* cannot fail: the counter was 0 */
    }
    node->next = NULL;
    node->waits = 1;
    *(queue->first ? &queue->last->next : &queue->first) = node;
    queue->last = node;
}

static struct node *pop(obs_queue *queue)
{
    struct node *node = queue->first;
    uint64_t count;
    if (!node)
        return NULL;
    queue->first = node->next;
    node->waits = 0;
    if (!queue->first) {
        ssize_t taken = read(queue->fd, &count, sizeof count);
        (void)taken;
    }
    return node;
}

static void link_running(obs_queue *queue, obs_operation *operation)
{
    operation->next = queue->running;
    if (operation->next)
        operation->next->previous = operation;
    queue->running = operation;
}

static void unlink_running(obs_queue *queue, obs_operation *operation)
{
    *(operation->previous ? &operation->previous->next : &queue->running) = operation->next;
    if (operation->next)
        operation->next->previous = operation->previous;
}

/* Ends an operation: what it borrowed is given back first, then the completion is shown. The hold of the pool becomes the one
 * of the queue. */
static void complete(obs_operation *operation, obs_status status)
{
    obs_queue *queue = operation->queue;
    /* Who takes the completion may free operation and queue before this thread has left the lock. */
    atomic_fetch_add(&queue->holders, 1);
    operation->ops->free(operation->state);
    if (status == OBS_OK)
        obs__ok(&operation->error);
    operation->error.status = status;
    pthread_mutex_lock(&queue->lock);
    obs_cancel *cancel = operation->cancel;
    operation->cancel = NULL;
    operation->done = 1;
    unlink_running(queue, operation);
    int shown = !queue->closed;
    if (shown)
        push(queue, &operation->end);
    pthread_cond_broadcast(&queue->ended);
    pthread_mutex_unlock(&queue->lock);
    obs_cancel_free(cancel);
    if (!shown)
        release(operation);
    release_queue(queue);
}

/* Gives the operation the token that ends it early, unless it was ended already. */
static obs_status begin(obs_operation *operation, obs__limit *limit)
{
    obs_cancel *cancel = NULL;
    obs_status status = obs_cancel_new(&cancel, &operation->error);
    if (status != OBS_OK)
        return status;
    obs__cancel_chain(cancel, operation->limit.cancel);
    pthread_mutex_lock(&operation->queue->lock);
    operation->cancel = cancel;
    if (operation->cancelled)
        obs_cancel_set(cancel);
    pthread_mutex_unlock(&operation->queue->lock);
    limit->cancel = cancel;
    limit->end_ns = operation->limit.end_ns;
    return obs__limit_check(limit, &operation->error);
}

static void run_task(obs__task *task)
{
    obs_operation *operation = (obs_operation *)task;
    obs__limit limit;
    obs_status status = begin(operation, &limit);
    if (status == OBS_OK)
        status = operation->ops->run(operation, operation->state, &limit, &operation->error);
    complete(operation, status);
}

static obs_operation *make_operation(obs_queue *queue, uint64_t tag, const obs__operation_ops *ops, void *state,
                                     const obs__limit *limit, int progress)
{
    obs_operation *operation = obs__calloc(1, sizeof *operation);
    if (!operation)
        return NULL;
    obs_error_init(&operation->error, sizeof operation->error);
    atomic_init(&operation->holders, 2); /* the caller and the pool */
    atomic_fetch_add(&queue->holders, 1);
    operation->queue = queue;
    operation->tag = tag;
    operation->ops = ops;
    operation->state = state;
    operation->limit = *limit;
    obs__cancel_retain(limit->cancel);
    operation->wants_progress = progress;
    operation->task.run = run_task;
    operation->task.waits_long = ops->waits;
    operation->progress = (struct node){NULL, operation, OBS_COMPLETION_PROGRESS, 0};
    operation->end = (struct node){NULL, operation, OBS_COMPLETION_DONE, 0};
    return operation;
}

obs_status obs__operation_start(obs_operation **out, obs_queue *queue, uint64_t tag, const obs__operation_ops *ops, void *state,
                                const obs__limit *limit, int progress, obs_error *error)
{
    *out = NULL;
    if (is_foreign(queue))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this queue belongs to the parent process: make a new one after fork");
    obs_operation *operation = make_operation(queue, tag, ops, state, limit, progress);
    if (!operation)
        return obs__fail_memory(error);
    pthread_mutex_lock(&queue->lock);
    link_running(queue, operation);
    pthread_mutex_unlock(&queue->lock);
    /* The caller has it before it can complete. */
    *out = operation;
    obs_status status = obs__pool_add(&operation->task, error);
    if (status == OBS_OK)
        return OBS_OK;
    *out = NULL;
    pthread_mutex_lock(&queue->lock);
    unlink_running(queue, operation);
    pthread_cond_broadcast(&queue->ended);
    pthread_mutex_unlock(&queue->lock);
    release(operation);
    release(operation);
    return status;
}

/* Takes what is there. Operations whose last completion this was are chained by `next` and released after the lock. */
static size_t take(obs_queue *queue, obs_completion *out, size_t capacity)
{
    size_t count = 0;
    obs_operation *finished = NULL;
    pthread_mutex_lock(&queue->lock);
    for (struct node *node; count < capacity && (node = pop(queue)); count++) {
        obs_operation *operation = node->operation;
        int done = node->kind == OBS_COMPLETION_DONE;
        out[count] = (obs_completion){operation->given_up ? NULL : operation, operation->tag, operation->bytes,
                                      done ? (int32_t)operation->error.status : 0, node->kind};
        if (done) {
            operation->next = finished;
            finished = operation;
        }
    }
    pthread_mutex_unlock(&queue->lock);
    while (finished) {
        obs_operation *next = finished->next;
        release(finished);
        finished = next;
    }
    return count;
}

obs_status obs_queue_wait(obs_queue *queue, obs_completion *out, size_t capacity, size_t *count, int64_t timeout_ms,
                          obs_cancel *cancel, obs_error *error)
{
    int ready;
    if (count)
        *count = 0;
    if (!queue || !out || !capacity || !count)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "queue, out, capacity and count are required");
    if (is_foreign(queue))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this queue belongs to the parent process: make a new one after fork");
    const obs__limit limit = obs__limit_in(timeout_ms, cancel);
    for (;;) {
        *count = take(queue, out, capacity);
        if (*count || (timeout_ms == 0 && !obs_cancel_is_set(cancel)))
            return obs__ok(error);
        obs_status status = obs__limit_wait(&limit, queue->fd, 60000, &ready, error);
        if (status == OBS_DEADLINE_EXCEEDED)
            return obs__ok(error);
        if (status != OBS_OK)
            return status;
    }
}

void obs_operation_cancel(obs_operation *operation)
{
    if (!operation || is_foreign(operation->queue))
        return;
    pthread_mutex_lock(&operation->queue->lock);
    operation->cancelled = 1;
    obs_cancel_set(operation->cancel);
    pthread_mutex_unlock(&operation->queue->lock);
    if (obs__pool_remove(&operation->task))
        complete(operation, obs__fail(&operation->error, OBS_CANCELLED, "cancelled"));
}

/* With the lock: one that is not cancelled yet, held for the caller. */
static obs_operation *next_to_cancel(obs_queue *queue)
{
    obs_operation *operation = queue->running;
    while (operation && operation->cancelled)
        operation = operation->next;
    if (operation)
        atomic_fetch_add(&operation->holders, 1);
    return operation;
}

static void end_operations(obs_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = 1;
    for (obs_operation *operation; (operation = next_to_cancel(queue));) {
        pthread_mutex_unlock(&queue->lock);
        obs_operation_cancel(operation);
        release(operation);
        pthread_mutex_lock(&queue->lock);
    }
    while (queue->running)
        pthread_cond_wait(&queue->ended, &queue->lock);
    pthread_mutex_unlock(&queue->lock);
}

void obs_queue_free(obs_queue *queue)
{
    obs_completion dropped[64];
    /* In a child of fork the descriptor and the operations are the parent's. */
    if (!queue || is_foreign(queue))
        return;
    end_operations(queue);
    while (take(queue, dropped, 64))
        ;
    close(queue->fd);
    release_queue(queue);
}

void obs__operation_progress(obs_operation *operation, uint64_t bytes)
{
    obs_queue *queue = operation->queue;
    pthread_mutex_lock(&queue->lock);
    operation->bytes = bytes;
    if (operation->wants_progress && !operation->progress.waits && !queue->closed)
        push(queue, &operation->progress);
    pthread_mutex_unlock(&queue->lock);
}

void obs__operation_set_buffer(obs_operation *operation, obs_buffer *buffer)
{
    obs_buffer_free(operation->buffer);
    operation->buffer = buffer;
}

void obs__operation_set_result(obs_operation *operation, void *result, void (*free)(void *result))
{
    if (operation->result && operation->free_result)
        operation->free_result(operation->result);
    operation->result = result;
    operation->free_result = free;
}

static obs_status still_running(obs_error *error)
{
    return obs__fail(error, OBS_FAILED_PRECONDITION, "the operation still runs: wait for its completion first");
}

obs_status obs_operation_status(obs_operation *operation, obs_error *error)
{
    if (!operation)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "operation is required");
    if (is_foreign(operation->queue))
        return obs__fail(error, OBS_FAILED_PRECONDITION, "this operation belongs to the parent process");
    pthread_mutex_lock(&operation->queue->lock);
    int done = operation->done;
    pthread_mutex_unlock(&operation->queue->lock);
    return done ? obs__copy_error(error, &operation->error) : still_running(error);
}

/* Moves a result out under the lock, so that of two threads one gets it. */
static obs_status take_pointer(void **out, obs_operation *operation, void **from, obs_error *error)
{
    *out = NULL;
    obs_status status = obs_operation_status(operation, error);
    if (status != OBS_OK)
        return status;
    pthread_mutex_lock(&operation->queue->lock);
    if (from) {
        *out = *from;
        *from = NULL;
    }
    pthread_mutex_unlock(&operation->queue->lock);
    return *out ? OBS_OK
                : obs__fail(error, OBS_FAILED_PRECONDITION, "the operation has no such result, or it was taken before");
}

obs_status obs_operation_take_buffer(obs_buffer **out, obs_operation *operation, obs_error *error)
{
    void *taken = NULL;
    if (out)
        *out = NULL;
    if (!out || !operation)
        return obs__fail(error, OBS_INVALID_ARGUMENT, "out and operation are required");
    obs_status status = take_pointer(&taken, operation, &operation->buffer, error);
    *out = taken;
    return status;
}

obs_status obs__operation_take_result(void **out, obs_operation *operation, void (*free)(void *result), obs_error *error)
{
    int is_such = 0;
    if (obs_operation_status(operation, NULL) == OBS_OK)
        is_such = operation->free_result == free; /* nobody changes it any more */
    return take_pointer(out, operation, is_such ? &operation->result : NULL, error);
}

void obs_operation_free(obs_operation *operation)
{
    if (!operation || is_foreign(operation->queue))
        return;
    pthread_mutex_lock(&operation->queue->lock);
    operation->given_up = 1;
    int done = operation->done;
    pthread_mutex_unlock(&operation->queue->lock);
    if (!done)
        obs_operation_cancel(operation);
    release(operation);
}
