/**
 * @file log.h
 * What can be seen from outside: log records, spans and counters.
 *
 * The library prints nothing on its own. A program that wants to see registers a hook; without one, nothing is built.
 *
 * @code
 * static void print(void *user, const obs_log_record *record)
 * {
 *     fprintf(user, "%s %s: %s\n", obs_log_level_name(record->level), record->subject, record->message);
 * }
 * obs_log_set(print, stderr, OBS_LOG_INFO);
 * @endcode
 *
 * @defgroup log Log, spans and counters
 * @{
 */
#ifndef OBS_LOG_H
#define OBS_LOG_H

#include <obs/buffer.h>
#include <obs/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How important a log record is; larger is less. */
typedef enum obs_log_level {
    OBS_LOG_ERROR = 1,   /**< Something failed that somebody must mend. */
    OBS_LOG_WARNING = 2, /**< Something is not as it should be, and was coped with. */
    OBS_LOG_INFO = 3,    /**< Something an operator wants to know. */
    OBS_LOG_DEBUG = 4    /**< Something a developer wants to know. */
} obs_log_level;

/** One log record; all pointers are valid during the hook only. Holds no secret and no object bytes. */
typedef struct obs_log_record {
    size_t size;          /**< sizeof(obs_log_record) of the library. */
    int64_t time_ns;      /**< Nanoseconds since 1970-01-01T00:00:00Z. */
    obs_log_level level;  /**< How important. */
    const char *subject;  /**< Which part speaks: `store`, `journal` … */
    const char *message;  /**< One line, control characters escaped. */
    const char *trace_id; /**< 32 hexadecimal digits, or "". */
} obs_log_record;

/**
 * Receives log records. Called on the thread that caused them, with no lock held; must not call the library.
 * @param user   as given to obs_log_set()
 * @param record the record
 */
typedef void (*obs_log_hook)(void *user, const obs_log_record *record);

/**
 * Sets the log hook of the process.
 * @param hook  the hook, or NULL for none
 * @param user  handed to the hook
 * @param level records less important than this are not made
 */
OBS_API void obs_log_set(obs_log_hook hook, void *user, obs_log_level level);

/**
 * The name of a level: `error`, `warning`, `info`, `debug`.
 * @param level any value
 * @return a constant text
 */
OBS_API const char *obs_log_level_name(obs_log_level level);

/**
 * Takes the log records that were made since the last call, as JSON lines; for languages that cannot be called back.
 * From the first call on, up to 1,024 records are kept; further ones are counted in the counter `obs_log_dropped_total`.
 * @param out   receives the lines (possibly none); free with obs_buffer_free()
 * @param level records less important than this are not made from now on
 * @param error may be NULL
 * @return ::OBS_OK or ::OBS_RESOURCE_EXHAUSTED
 */
OBS_API obs_status obs_log_take(obs_buffer **out, obs_log_level level, obs_error *error);

/** One operation, as a span of W3C Trace Context; all pointers are valid during the hook only. */
typedef struct obs_span_record {
    size_t size;             /**< sizeof(obs_span_record) of the library. */
    int64_t start_ns;        /**< Start, nanoseconds since 1970-01-01T00:00:00Z. */
    int64_t end_ns;          /**< End, or 0 when the span just starts. */
    const char *name;        /**< Module and verb: `store.put`. */
    const char *traceparent; /**< This span, as W3C traceparent. */
    const char *parent_id;   /**< The parent's span id (16 hexadecimal digits), or "". */
    const char *tenant;      /**< The tenant. */
    obs_status status;       /**< The outcome, when the span ends. */
} obs_span_record;

/**
 * Receives spans, at their start and at their end. Called on the thread of the call; must not call the library.
 * @param user   as given to obs_span_set()
 * @param record the span
 */
typedef void (*obs_span_hook)(void *user, const obs_span_record *record);

/**
 * Sets the span hook of the process.
 * @param hook the hook, or NULL for none
 * @param user handed to the hook
 */
OBS_API void obs_span_set(obs_span_hook hook, void *user);

/**
 * All counters of the process as OpenMetrics text (one `# EOF` at its end).
 * @param out   receives the text; free with obs_buffer_free()
 * @param error may be NULL
 * @return ::OBS_OK or ::OBS_RESOURCE_EXHAUSTED
 */
OBS_API obs_status obs_metrics_text(obs_buffer **out, obs_error *error);

/**
 * Makes text safe to show on a terminal: control, bidi, zero-width and invalid characters become `\\xNN` or `\\u{N}`.
 * Keys and labels come from strangers; log records and error messages are escaped already.
 * @param out      receives the text, which always ends with NUL; eight times the size of the input is always enough
 * @param capacity size of @p out in bytes; what does not fit is left out
 * @param data     the text
 * @param size     its size in bytes, or ::OBS_TEXT
 */
OBS_API void obs_text_escape(char *out, size_t capacity, const char *data, size_t size);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
