/**
 * @file function.h
 * Functions: programs that react to events.
 *
 * A function is a program in any language that hands a handler to obs_function_main(). The runner starts it as a child
 * process, keeps it warm, gives it one event at a time over a socket, and makes what it put, published and labelled durable in
 * one commit with the acknowledgement of the event: all of it happens once, or none. It acts as a subject of its own,
 * `function:NAME@DIGEST`, in the tenant of the event, within what its manifest names (docs/functions.md).
 *
 * @code
 * static obs_status on_frame(obs_function_call *call, void *context, obs_error *error)
 * {
 *     const char *key = obs_function_event(call)->subject;
 *     obs_buffer *frame = NULL;
 *     obs_status status = obs_function_get(&frame, call, key, OBS_TEXT, error);   // from now on an input of what is put
 *     if (status == OBS_OK)
 *         status = obs_function_put(call, "products/look.json", OBS_TEXT, json, OBS_TEXT, NULL, error);
 *     obs_buffer_free(frame);
 *     return status;                              // not OBS_OK: nothing of it happens, and the event comes again
 * }
 *
 * int main(int argc, char **argv)
 * {
 *     return obs_function_main(argc, argv, on_frame, NULL);
 * }
 * @endcode
 *
 * @defgroup function Functions
 * @{
 */
#ifndef OBS_FUNCTION_H
#define OBS_FUNCTION_H

#include <obs/client.h>
#include <obs/unit.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A program as the runner started it. For one thread at a time. */
typedef struct obs_function obs_function;
/** One event that is being handled. For one thread at a time, until its handler returned. */
typedef struct obs_function_call obs_function_call;

/**
 * Handles one event.
 * @param call    the event, and where its outputs go
 * @param context as it was given to obs_function_main()
 * @param error   to be filled on failure: its message becomes the reason that people read
 * @return ::OBS_OK: the outputs become durable with the acknowledgement; ::OBS_REFUSED: repeating cannot help, and the event
 *         becomes a dead letter; anything else: nothing happens, and the event comes again later
 */
typedef obs_status (*obs_function_handler)(obs_function_call *call, void *context, obs_error *error);

/**
 * The whole of a function's main(): answers the runner until there is no more to do. Started by hand, `--event FILE` handles
 * the event in FILE (its JSON form) and prints what would be made, without making it.
 * @param argc    as main() has it
 * @param argv    as main() has it
 * @param handler handles each event
 * @param context handed to it
 * @return the exit status for main()
 */
OBS_API int obs_function_main(int argc, char *const *argv, obs_function_handler handler, void *context);

/**
 * Begins to answer the runner; obs_function_main() for languages whose handler C cannot call.
 * @param out   receives the function; free with obs_function_free()
 * @param event the JSON form of one event that is handled alone, without a runner; NULL: the runner gives them
 * @param size  its size in bytes, or ::OBS_TEXT
 * @param error may be NULL
 * @return ::OBS_OK; ::OBS_FAILED_PRECONDITION when no runner started this process
 */
OBS_API obs_status obs_function_open(obs_function **out, const char *event, size_t size, obs_error *error);

/**
 * Waits for the next event.
 * @param out      receives the call, for obs_function_finish(); NULL when there is no more to do
 * @param function the function
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_FAILED_PRECONDITION while the call before is not finished
 */
OBS_API obs_status obs_function_next(obs_function_call **out, obs_function *function, obs_error *error);

/**
 * Ends a call, and hands its outputs to the runner.
 * @param made    receives what was made as lines of JSON (free with obs_buffer_free()), or NULL
 * @param call    the call; freed, whatever happens
 * @param outcome ::OBS_OK, or why the event could not be handled
 * @param reason  for people, up to 1,024 bytes; NULL: none
 * @param error   may be NULL
 * @return ::OBS_OK when the runner has it; whether it became durable is not known here
 */
OBS_API obs_status obs_function_finish(obs_buffer **made, obs_function_call *call, obs_status outcome, const char *reason,
                                       obs_error *error);

/** Ends a function. @param function the function; NULL is accepted */
OBS_API void obs_function_free(obs_function *function);

/** The event. @param call the call @return valid until the call is finished */
OBS_API const obs_event *obs_function_event(const obs_function_call *call);
/** How often it was tried, this time included. @param call the call @return from 1 */
OBS_API uint32_t obs_function_attempt(const obs_function_call *call);
/** How long until this process is killed. @param call the call @return milliseconds; -1: for ever */
OBS_API int64_t obs_function_remaining_ms(const obs_function_call *call);

/**
 * A folder for what is needed while the event is handled. Removed afterwards; kept when the handler fails.
 * @param out   receives its path, valid until the call is finished
 * @param call  the call
 * @param error may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_function_folder(const char **out, obs_function_call *call, obs_error *error);

/**
 * A client for reading, within what the manifest names under `reads`.
 * @param out   receives the client; it belongs to the function
 * @param call  the call
 * @param error may be NULL
 * @return as obs_client_open()
 */
OBS_API obs_status obs_function_client(obs_client **out, obs_function_call *call, obs_error *error);

/**
 * The configuration as it is for this event: one snapshot for the whole call, taken when it is asked for the first time. From
 * then on it is part of the lineage of all that this call puts, as the label `configuration`, the SHA-256 of its values
 * (docs/functions.md), also of what was put before. A call that never asks claims no configuration.
 * @param out   receives the snapshot; it belongs to the call, until that is finished
 * @param call  the call
 * @param error may be NULL
 * @return as obs_config_snapshot()
 */
OBS_API obs_status obs_function_config(obs_config **out, obs_function_call *call, obs_error *error);

/**
 * Reads an object. It counts as an input of all that this call puts, in the version that was read.
 * @param out      receives the bytes; free with obs_buffer_free()
 * @param call     the call
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param error    may be NULL
 * @return as obs_store_get()
 */
OBS_API obs_status obs_function_get(obs_buffer **out, obs_function_call *call, const char *key, size_t key_size,
                                    obs_error *error);

/**
 * Adds an object to what is made. obs_put_options::made_from adds to the inputs that were read; `if_match` and `if_none_match`
 * are decided at the commit. The lineage is added to its labels and values (docs/functions.md).
 * @param call     the call
 * @param key      the key, below what the manifest names under `writes`
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     the bytes; copied
 * @param size     how many, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_RESOURCE_EXHAUSTED beyond 1,000 outputs of one event
 */
OBS_API obs_status obs_function_put(obs_function_call *call, const char *key, size_t key_size, const void *data, size_t size,
                                    const obs_put_options *options, obs_error *error);

/**
 * The same for a file of obs_function_folder().
 * @param call     the call
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param name     its path in the folder
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT for a path that leads elsewhere
 */
OBS_API obs_status obs_function_put_file(obs_function_call *call, const char *key, size_t key_size, const char *name,
                                         const obs_put_options *options, obs_error *error);

/**
 * Adds an event. Without an id it gets one that follows from the function, the event that is handled and the number of the
 * output, so that a repeated call publishes the same one.
 * @param call    the call
 * @param event   the event, of a type that the manifest names under `publishes`; copied
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_function_publish(obs_function_call *call, const obs_event *event, const obs_publish_options *options,
                                        obs_error *error);

/**
 * Adds labels to an object or record, as obs_catalog_label().
 * @param call     the call
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param labels   the labels; one with value "" is removed
 * @param count    how many
 * @param error    may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_function_label(obs_function_call *call, const char *key, size_t key_size, const obs_pair *labels,
                                      size_t count, obs_error *error);

/**
 * Adds a record, as obs_ingest_record(). One that does not fit its definition is refused, and is no failure of the call.
 * @param call       the call
 * @param definition the name of its definition
 * @param json       the record
 * @param size       its size in bytes, or ::OBS_TEXT
 * @param error      may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_function_record(obs_function_call *call, const char *definition, const char *json, size_t size,
                                       obs_error *error);

/** How functions are run. */
typedef struct obs_function_run_options {
    size_t size;              /**< sizeof(obs_function_run_options), by obs_function_run_options_init(). */
    const obs_call *call;     /**< Its cancel token ends the run, its timeout does if it is not 0; or NULL. */
    const char *const *names; /**< Which functions; NULL: all of the workspace. */
    size_t name_count;        /**< How many. */
    int32_t once;             /**< 1: until no event waits, but those that are to come again later. */
} obs_function_run_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_function_run_options_init(obs_function_run_options *options, size_t size);

/**
 * Runs the functions of a workspace (`functions/NAME/function.yaml`) for the events of the client's tenant. Any number of
 * processes may; each event goes to one worker of each function.
 * @param client  the owner's client
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK when it was cancelled, its time was over or, with `once`, nothing waits; ::OBS_UNTRUSTED for a manifest or
 *         program that others can change; ::OBS_INVALID_ARGUMENT for a manifest that is wrong (line and column are set);
 *         ::OBS_NOT_FOUND; ::OBS_UNAVAILABLE with `once` for a program that cannot be started
 */
OBS_API obs_status obs_function_run(obs_client *client, const obs_function_run_options *options, obs_error *error);

/**
 * The functions of a workspace. Each row: `{"function":…,"digest":…,"type":…,"subject":…,"filter":…,"command":[…],
 * "workers":…,"state":"ok"|"wrong","reason":…}`.
 * @param out    receives the rows; free with obs_rows_free()
 * @param client the client
 * @param error  may be NULL
 * @return ::OBS_OK, although a manifest is wrong
 */
OBS_API obs_status obs_function_list(obs_rows **out, obs_client *client, obs_error *error);

/**
 * What a function printed, and why its events failed, oldest first. Each row: `{"time":…,"tenant":…,"trace":…,"event":…,
 * "attempt":…,"from":"program"|"runner","text":…}`. The last 40 MiB or so are kept.
 * @param out    receives the rows, of the client's tenant; free with obs_rows_free()
 * @param client the owner's client
 * @param name   which function
 * @param trace  the trace id (32 hexadecimal digits), or the id of an event; NULL: all
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND when there is no such function
 */
OBS_API obs_status obs_function_logs(obs_rows **out, obs_client *client, const char *name, const char *trace, obs_error *error);

/**
 * Runs functions again for an event that is on the bus, without any effect. Each row, of what one function would make now:
 * `{"function":…,"digest":…,"do":"put"|"publish"|"label"|"record","key":…,"size":…,"sha256":…,"identical":true|false|null}`,
 * or `{"function":…,"digest":…,"do":"fail","reason":…}`; `identical` says whether the object, or the event, is there already
 * with the same bytes.
 * @param out    receives the rows; free with obs_rows_free()
 * @param client the owner's client
 * @param event  the event's id
 * @param name   which function; NULL: all that want the event
 * @param call   its timeout counts if it is not 0; or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND when no function wants such an event, or there is none
 */
OBS_API obs_status obs_function_replay(obs_rows **out, obs_client *client, const char *event, const char *name,
                                       const obs_call *call, obs_error *error);

/** How a product is made again. */
typedef struct obs_reproduce_options {
    size_t size;          /**< sizeof(obs_reproduce_options), by obs_reproduce_options_init(). */
    const obs_call *call; /**< Its timeout counts if it is not 0; or NULL. */
    int32_t present_code; /**< 1: with the code that is there now, although it is not that which made the product. */
} obs_reproduce_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_reproduce_options_init(obs_reproduce_options *options, size_t size);

/**
 * Makes a product of a function again, without any effect, and compares. The answer is a JSON object: `{"key":…,
 * "verdict":"identical"|"differs"|"impossible","reason":…,"function":…,"digest":…,"event":{"source":…,"id":…},
 * "made":{"size":…,"sha256":…},"now":{"size":…,"sha256":…},"differs":[…],"first":{"byte":…}}`.
 *
 * The verdict is about the bytes. It is `impossible`, and `reason` says why, when the product does not say how it was made, the
 * function is not there or has other code, the event is not on the bus any more, an input was removed, or the program fails.
 * `differs` lists what is not as it was, whatever the verdict: `{"what":"code"|"configuration"|"input","name":…,"before":…,
 * "now":…}`, by SHA-256; null for an input that was not read, or is not there. A configuration has `"settings":[{"name":…,
 * "before":…,"now":…}]` where both are known, else null. `first` is where the bytes begin to differ (counted from 0), and of
 * two JSON documents `"member"`, the first one that does, with `"before"` and `"now"`. `now` is null when no such product is
 * made any more.
 * @param out      receives the answer; free with obs_buffer_free()
 * @param client   the owner's client
 * @param key      the key of the product
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK with any verdict; ::OBS_NOT_FOUND; ::OBS_PERMISSION_DENIED; ::OBS_ABORTED when the product was changed
 *         meanwhile
 */
OBS_API obs_status obs_function_reproduce(obs_buffer **out, obs_client *client, const char *key, size_t key_size,
                                          const obs_reproduce_options *options, obs_error *error);

/**
 * A configuration that products were made with: the whole of its values as JSON, a secret in it as `{"secret":"env:NAME"}`. The
 * last 1,000 are kept.
 * @param out    receives it; free with obs_buffer_free()
 * @param client a client that may read the configuration
 * @param sha256 which: the label `configuration` of a product
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND when it is not known any more
 */
OBS_API obs_status obs_function_configuration(obs_buffer **out, obs_client *client, const char *sha256, const obs_call *call,
                                              obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
