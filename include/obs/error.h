/**
 * @file error.h
 * What can go wrong, and how a call says so.
 *
 * Every call of libobs returns an ::obs_status and fills the caller's ::obs_error, on success too.
 * Nothing is kept per thread, so an error can be read wherever the caller goes on.
 *
 * @code
 * obs_error error;
 * obs_error_init(&error, sizeof error);
 * if (obs_client_open(&client, NULL, &error) != OBS_OK)
 *     fprintf(stderr, "%s\n", error.message);
 * @endcode
 *
 * @defgroup error Errors
 * @{
 */
#ifndef OBS_ERROR_H
#define OBS_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include <obs/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The outcome of a call: the canonical gRPC codes with their numbers, our own from 100.
 * Values are only ever appended.
 */
typedef enum obs_status {
    OBS_OK = 0,                  /**< Done. */
    OBS_CANCELLED = 1,           /**< The caller cancelled. */
    OBS_UNKNOWN = 2,             /**< Failed for a reason that was not told. */
    OBS_INVALID_ARGUMENT = 3,    /**< What was asked makes no sense, whatever the state. */
    OBS_DEADLINE_EXCEEDED = 4,   /**< The time given for the call ran out. */
    OBS_NOT_FOUND = 5,           /**< No such thing (or not for this caller: the answer is the same). */
    OBS_ALREADY_EXISTS = 6,      /**< It is there already. */
    OBS_PERMISSION_DENIED = 7,   /**< Known caller, not allowed. */
    OBS_RESOURCE_EXHAUSTED = 8,  /**< A quota, a limit or memory is used up. */
    OBS_FAILED_PRECONDITION = 9, /**< The state does not fit: If-Match failed, read-only workspace … */
    OBS_ABORTED = 10,            /**< Lost against another writer; the same call may succeed. */
    OBS_OUT_OF_RANGE = 11,       /**< A range that the object does not have. */
    OBS_UNIMPLEMENTED = 12,      /**< This backend cannot do that. */
    OBS_INTERNAL = 13,           /**< A fault of libobs itself. */
    OBS_UNAVAILABLE = 14,        /**< Not reachable or busy at the moment; try again later. */
    OBS_DATA_LOSS = 15,          /**< Bytes that do not match their checksum, or a damaged file. */
    OBS_UNAUTHENTICATED = 16,    /**< Who is calling could not be established. */
    OBS_NO_WORKSPACE = 100,      /**< No workspace was found; run `obsctl init`. */
    OBS_UNTRUSTED = 101,         /**< The workspace's files can be written by others. */
    OBS_REFUSED = 102,           /**< The data does not fit its data definition. */
    OBS_NO_SPACE = 103           /**< The disk or the quota of the file system is full. */
} obs_status;

/** Size of obs_error::message and obs_error::detail, in bytes, with the final NUL. */
#define OBS_ERROR_TEXT_SIZE 512
/** Size of obs_error::request_id, in bytes, with the final NUL. */
#define OBS_ERROR_ID_SIZE 128

/**
 * What went wrong, in the caller's own memory: it works when memory has run out.
 * Set up once with obs_error_init(); every call sets it, to ::OBS_OK and empty texts on success.
 * Fields are only ever appended; the library writes no further than `size` bytes.
 */
typedef struct obs_error {
    size_t size;                        /**< sizeof(obs_error) of the caller. */
    obs_status status;                  /**< The same value as the call returned. */
    int32_t retryable;                  /**< 1 when the same call may succeed later. */
    int32_t http_status;                /**< The remote's HTTP status, or 0. */
    int32_t line;                       /**< Line in a text that was read (from 1), or 0. */
    int32_t column;                     /**< Column in that line (from 1), or 0. */
    int32_t system;                     /**< errno of the operating system, or 0. */
    char message[OBS_ERROR_TEXT_SIZE];  /**< One sentence, UTF-8, safe to show to anybody. */
    char detail[OBS_ERROR_TEXT_SIZE];   /**< For the operator: names, paths, the remote's words. */
    char request_id[OBS_ERROR_ID_SIZE]; /**< The remote's name for the request, or "". */
} obs_error;

/**
 * Prepares an error for its first use.
 * @param error the caller's error; NULL is accepted
 * @param size  sizeof(obs_error) as the caller knows it
 */
OBS_API void obs_error_init(obs_error *error, size_t size);

/**
 * The name of a status, as in `NOT_FOUND`.
 * @param status any value
 * @return a constant text, never NULL; `UNKNOWN` for values this library does not know
 */
OBS_API const char *obs_status_name(obs_status status);

/**
 * What a status means, in one sentence.
 * @param status any value
 * @return a constant text, never NULL
 */
OBS_API const char *obs_status_text(obs_status status);

/**
 * Whether the same call may succeed later without a change.
 * @param status any value
 * @return 1 or 0
 */
OBS_API int obs_status_retryable(obs_status status);

/**
 * The exit code of a program that ends with this status: 0 fine, 1 failed, 2 usage, 3 not found,
 * 4 not allowed, 5 try again later, 6 conflict, 7 integrity.
 * @param status any value
 * @return 0 to 7
 */
OBS_API int obs_status_exit_code(obs_status status);

/**
 * The statuses one after the other, for bindings and documentation.
 * @param index 0 for the first
 * @param out   receives the status
 * @return 1, or 0 when there is no such index
 */
OBS_API int obs_status_at(size_t index, obs_status *out);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
