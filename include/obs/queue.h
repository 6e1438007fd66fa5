/**
 * @file queue.h
 * Asynchronous calls, in one way: start an operation, wait on a queue, take the result.
 *
 * Each `_start` form copies texts and options, borrows byte buffers until its completion, and names a queue.
 * The queue has a file descriptor for poll, epoll and event loops. No callback is ever made.
 *
 * @code
 * obs_queue_new(&queue, &error);
 * obs_store_get_start(&operation, queue, 7, store, "raw/a.fits", OBS_TEXT, NULL, &error);
 * obs_queue_wait(queue, done, 16, &count, -1, &error);     // done[0].tag == 7
 * obs_operation_take_buffer(&frame, operation, &error);
 * obs_operation_free(operation);
 * @endcode
 *
 * @defgroup queue Completion queue
 * @{
 */
#ifndef OBS_QUEUE_H
#define OBS_QUEUE_H

#include <obs/buffer.h>
#include <obs/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Collects completions. Safe from every thread. */
typedef struct obs_queue obs_queue;
/** A call that was started. Safe from every thread. */
typedef struct obs_operation obs_operation;

/** What a completion tells. */
typedef enum obs_completion_kind {
    OBS_COMPLETION_DONE = 1,    /**< The operation ended; there is exactly one for each. */
    OBS_COMPLETION_PROGRESS = 2 /**< Bytes were moved; asked for in the options. */
} obs_completion_kind;

/** One completion. This layout of 32 bytes is frozen. */
typedef struct obs_completion {
    obs_operation *operation; /**< Which operation. */
    uint64_t tag;             /**< The caller's number for it. */
    uint64_t bytes;           /**< Bytes moved so far. */
    int32_t status;           /**< An ::obs_status; meaningful with ::OBS_COMPLETION_DONE. */
    uint32_t kind;            /**< An ::obs_completion_kind. */
} obs_completion;

/**
 * Makes a queue.
 * @param out   receives the queue; free with obs_queue_free()
 * @param error may be NULL
 * @return ::OBS_OK or ::OBS_RESOURCE_EXHAUSTED
 */
OBS_API obs_status obs_queue_new(obs_queue **out, obs_error *error);

/**
 * A descriptor that is readable while completions wait. Do not read from it and do not close it.
 * @param queue the queue
 * @return the descriptor
 */
OBS_API int obs_queue_fd(const obs_queue *queue);

/**
 * Takes completions, oldest first.
 * @param queue      the queue
 * @param out        an array that receives them
 * @param capacity   how many fit
 * @param count      receives how many were taken; 0 when the time ran out
 * @param timeout_ms how long to wait for the first one; 0: not at all; -1: for ever
 * @param cancel     ends the wait with ::OBS_CANCELLED, or NULL
 * @param error      may be NULL
 * @return ::OBS_OK, also when the time ran out; ::OBS_CANCELLED; ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_queue_wait(obs_queue *queue, obs_completion *out, size_t capacity, size_t *count, int64_t timeout_ms,
                                  obs_cancel *cancel, obs_error *error);

/**
 * Frees the queue. Operations that still run are cancelled; their buffers are borrowed until obs_queue_free() returns.
 * @param queue the queue; NULL is accepted
 */
OBS_API void obs_queue_free(obs_queue *queue);

/**
 * Asks an operation to end early. It still completes, with ::OBS_CANCELLED or with what it did.
 * @param operation the operation; NULL is accepted
 */
OBS_API void obs_operation_cancel(obs_operation *operation);

/**
 * How the operation ended.
 * @param operation the operation
 * @param error     receives the operation's error; may be NULL
 * @return its status; ::OBS_FAILED_PRECONDITION while it runs
 */
OBS_API obs_status obs_operation_status(obs_operation *operation, obs_error *error);

/**
 * Takes the bytes that the operation produced.
 * @param out       receives the bytes; free with obs_buffer_free()
 * @param operation an operation that is done
 * @param error     may be NULL
 * @return the operation's status; ::OBS_FAILED_PRECONDITION while it runs, when it produces no bytes or they were taken
 */
OBS_API obs_status obs_operation_take_buffer(obs_buffer **out, obs_operation *operation, obs_error *error);

/**
 * Frees an operation. One that still runs is cancelled first and freed when it ends.
 * @param operation the operation; NULL is accepted
 */
OBS_API void obs_operation_free(obs_operation *operation);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
