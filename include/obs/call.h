/**
 * @file call.h
 * What every call can be told: how long it may take, how to end it early, and on whose behalf and under which trace it runs.
 *
 * @code
 * obs_call call;
 * obs_call_init(&call, sizeof call);
 * call.timeout_ms = 2000;
 * call.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 * @endcode
 *
 * @defgroup call Calls
 * @{
 */
#ifndef OBS_CALL_H
#define OBS_CALL_H

#include <obs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** As a length: the text ends with NUL. */
#define OBS_TEXT ((size_t)-1)

/** Ends waiting calls early. Safe from every thread and from a signal handler. */
typedef struct obs_cancel obs_cancel;

/** A name and its value: UTF-8, each ends with NUL. */
typedef struct obs_pair {
    const char *name;  /**< The name; 1 to 128 bytes. */
    const char *value; /**< The value; up to 4,096 bytes. */
} obs_pair;

/**
 * How a call is made. Zero is the default in every field; all texts are borrowed for the call.
 * Fields are only ever appended.
 */
typedef struct obs_call {
    size_t size;                 /**< sizeof(obs_call), by obs_call_init(). */
    int64_t timeout_ms;          /**< Milliseconds from the start of the call; 0: 30,000; -1: no limit. */
    obs_cancel *cancel;          /**< Ends the call early, or NULL. */
    const char *traceparent;     /**< W3C Trace Context, or NULL for a new trace. */
    const char *idempotency_key; /**< A change with the same key (up to 128 bytes) is done once in 24 hours, or NULL. */
    const char *subject;         /**< Acts for this subject in place of the client's own, or NULL. */
} obs_call;

/**
 * Prepares a call with all defaults.
 * @param call the caller's struct
 * @param size sizeof(obs_call) as the caller knows it
 */
OBS_API void obs_call_init(obs_call *call, size_t size);

/**
 * Makes a cancel token.
 * @param out   receives the token; free with obs_cancel_free()
 * @param error may be NULL
 * @return ::OBS_OK or ::OBS_RESOURCE_EXHAUSTED
 */
OBS_API obs_status obs_cancel_new(obs_cancel **out, obs_error *error);

/**
 * Ends every call that waits with this token, now and later, with ::OBS_CANCELLED.
 * Safe from every thread; may be called any number of times.
 * @param cancel the token; NULL is accepted
 */
OBS_API void obs_cancel_set(obs_cancel *cancel);

/**
 * Makes a token that was set usable again. No call may be using it.
 * @param cancel the token; NULL is accepted
 */
OBS_API void obs_cancel_reset(obs_cancel *cancel);

/**
 * Whether the token was set.
 * @param cancel the token; NULL is accepted and never set
 * @return 1 or 0
 */
OBS_API int obs_cancel_is_set(const obs_cancel *cancel);

/**
 * Frees a token. No blocking call may be using it any more; operations that were started keep it alive until they end.
 * @param cancel the token; NULL is accepted
 */
OBS_API void obs_cancel_free(obs_cancel *cancel);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
