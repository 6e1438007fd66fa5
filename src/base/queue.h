/*
 * Operations and the queue they complete on; the public side is <obs/queue.h>.
 *
 * A `_start` function of a module copies what it needs into a state of its own and calls obs__operation_start(). The state's
 * run() is called on a thread of a small pool; what it produced it leaves in the operation.
 */
#ifndef OBS_BASE_QUEUE_H
#define OBS_BASE_QUEUE_H

#include <obs/queue.h>

#include "base/call.h"

typedef struct obs__operation_ops {
    /* Does the work, honouring the limit: it carries the caller's time and both ways to cancel. Must set the error when it
     * fails. Not called when the operation is cancelled before its turn. */
    obs_status (*run)(obs_operation *operation, void *state, const obs__limit *limit, obs_error *error);
    /* Called exactly once, before the completion can be seen, also when run() was not; and not when the start failed. */
    void (*free)(void *state);
    int waits; /* run() may wait long for somebody else: it has a thread beyond those of the pool */
} obs__operation_ops;

/* Starts an operation. On success it owns the state; on failure the caller still does. The limit is copied, its cancel token
 * retained. `progress`: whether obs__operation_progress() makes completions. OBS_RESOURCE_EXHAUSTED when 65,536 wait for a
 * thread, or 256 that wait long are there. */
obs_status obs__operation_start(obs_operation **out, obs_queue *queue, uint64_t tag, const obs__operation_ops *ops, void *state,
                                const obs__limit *limit, int progress, obs_error *error);

/* Inside run(): how many bytes were moved so far. Several reports that nobody took yet become one. */
void obs__operation_progress(obs_operation *operation, uint64_t bytes);
/* Inside run(): leaves the bytes, or another result with its free function; the operation owns it. */
void obs__operation_set_buffer(obs_operation *operation, obs_buffer *buffer);
void obs__operation_set_result(obs_operation *operation, void *result, void (*free)(void *result));
/* Takes the other result, for obs_operation_take_…() of a module, which knows it by its free function: the operation's status,
 * and OBS_FAILED_PRECONDITION while it runs, when there is none of this kind or it was taken. Sets the error, on success too.
 */
obs_status obs__operation_take_result(void **out, obs_operation *operation, void (*free)(void *result), obs_error *error);

#endif
