/**
 * @file config.h
 * Shared configuration: a setting changed in one place is seen by every process.
 *
 * Documents (YAML or JSON) come from the sources that `obs.yaml` names, lowest layer first:
 *
 *     config: [file:config.yaml, 'https://conf.example.org/site.yaml', 'env:OBSERVATORY_']
 *     schema: file:config.schema.json       # JSON Schema 2020-12 of the merged whole
 *     secrets: ['env:MPC_PASSWORD', 'file:/run/secrets/archive']
 *     locked: [safety]                       # no environment variable may change these
 *
 * A layer is a file, an object of any store (`mem:conf#site.yaml`: the store, `#`, the key), or the environment
 * (`OBSERVATORY_CCD__GAIN=1.7` is `ccd.gain`), or a document of a web server (`?ca=file.pem` names the certificates of a
 * site's own CA; without encryption only on this machine); or a mapping `{url: …, key: …, keep: 7d, token: …}`, where `keep`
 * says how old a last known good document may be, and `token: '${secret:env:NAME}'` opens the door of a web server. A document
 * refers to no other one: there is no include.
 *
 * Mappings are merged member by member, everything else is replaced by the higher layer; null removes. The result is one
 * immutable whole, checked against the schema and swapped in at once, or refused: then the old one stays, and health, log and
 * audit trail say so. Sources are asked again in the background (`file:` within a second, others within ten). When one does not
 * answer, its document stays; at a start the last known good one is taken, which is kept outside the workspace. One that
 * vanishes keeps its values until it is there again or the program starts anew.
 *
 * @code
 * double gain;
 * obs_config *config = obs_client_config(client);
 * if (obs_config_float(&gain, config, "ccd.gain", &error) != OBS_OK)
 *     fprintf(stderr, "%s\n", error.message);                 // config.yaml:7:9: 'ccd.gain' is a text, not a number
 * @endcode
 *
 * A name is the path of a value with points, as in `ccd.gain` or `sites.3.name`; a point inside of a key is written `\\.`. What
 * the schema says with `"x-renamed-from": ["old.name"]` was called so before and is still read. In a loop use a setting (an
 * integer or a real is then one load from memory), and for values that belong together a snapshot.
 *
 * @defgroup config Configuration
 * @{
 */
#ifndef OBS_CONFIG_H
#define OBS_CONFIG_H

#include <obs/buffer.h>
#include <obs/call.h>
#include <obs/secret.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The configuration, as it is now or, for a snapshot, as it was. Safe from every thread. */
typedef struct obs_config obs_config;

/**
 * The configuration as it is at this moment: an ::obs_config whose values never change.
 * @param out    receives it; free with obs_config_free()
 * @param config the configuration
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_UNAVAILABLE when no source ever answered; ::OBS_REFUSED when there is none that fits the schema
 */
OBS_API obs_status obs_config_snapshot(obs_config **out, obs_config *config, const obs_call *call, obs_error *error);

/** Gives a snapshot back; for the client's own configuration it does nothing. @param config NULL is accepted */
OBS_API void obs_config_free(obs_config *config);

/**
 * @name Values
 * By name. ::OBS_NOT_FOUND names the nearest name there is; ::OBS_INVALID_ARGUMENT, with file, line and column, says what the
 * value is instead. Without a lock, and but for texts without an allocation.
 * @{
 */
/** True or false. @param out 1 or 0 @param config where @param name which @param error may be NULL @return see above */
OBS_API obs_status obs_config_bool(int32_t *out, obs_config *config, const char *name, obs_error *error);
/** An integer. @param out receives it @param config where @param name which @param error may be NULL @return see above */
OBS_API obs_status obs_config_int(int64_t *out, obs_config *config, const char *name, obs_error *error);
/** A number. @param out receives it @param config where @param name which @param error may be NULL @return see above */
OBS_API obs_status obs_config_float(double *out, obs_config *config, const char *name, obs_error *error);
/**
 * A time span, written with its units as in `250ms` or `1h30m` (ns us ms s m h d).
 * @param out receives nanoseconds @param config where @param name which @param error may be NULL @return see above
 */
OBS_API obs_status obs_config_duration(int64_t *out, obs_config *config, const char *name, obs_error *error);
/**
 * A size, written as in `64MiB`, `10kB` or `4096` (B kB MB GB TB KiB MiB GiB TiB).
 * @param out receives bytes @param config where @param name which @param error may be NULL @return see above
 */
OBS_API obs_status obs_config_bytes(uint64_t *out, obs_config *config, const char *name, obs_error *error);
/**
 * A text.
 * @param out receives it; free with obs_buffer_free() @param config where @param name which @param error may be NULL
 * @return see above
 */
OBS_API obs_status obs_config_text(obs_buffer **out, obs_config *config, const char *name, obs_error *error);
/**
 * Any value, also a list or a mapping, as JSON (RFC 8259). A secret in it is `{"secret":"env:NAME"}`.
 * @param out receives it; free with obs_buffer_free() @param config where @param name which; "" the whole
 * @param error may be NULL @return see above
 */
OBS_API obs_status obs_config_json(obs_buffer **out, obs_config *config, const char *name, obs_error *error);
/**
 * A value written as `${secret:env:NAME}` or `${secret:file:/path}`, as it is now: a file is read again when it has changed,
 * and one line end behind it is left out.
 * @param out receives it; free with obs_secret_free() @param config where @param name which @param error may be NULL
 * @return see above; ::OBS_PERMISSION_DENIED when `obs.yaml` does not name the secret; ::OBS_UNAVAILABLE when it cannot be read
 */
OBS_API obs_status obs_config_secret(obs_secret **out, obs_config *config, const char *name, obs_error *error);
/** @} */

/** A value that is read again and again: its name, type, bounds and default stated once. Safe from every thread. */
typedef struct obs_setting obs_setting;

/** What a setting holds. */
typedef enum obs_setting_type {
    OBS_SETTING_BOOL = 1,     /**< obs_setting_int() gives 0 or 1. */
    OBS_SETTING_INT = 2,      /**< obs_setting_int(). */
    OBS_SETTING_FLOAT = 3,    /**< obs_setting_float(). */
    OBS_SETTING_DURATION = 4, /**< obs_setting_int() gives nanoseconds. */
    OBS_SETTING_BYTES = 5,    /**< obs_setting_int() gives bytes. */
    OBS_SETTING_TEXT = 6      /**< obs_setting_text(). */
} obs_setting_type;

/** What may stand in a setting; texts are written as in the document. */
typedef struct obs_setting_options {
    size_t size;          /**< sizeof(obs_setting_options), by obs_setting_options_init(). */
    const char *standard; /**< Its value where no layer has one, as in `1.5` or `250ms`; NULL: then ::OBS_NOT_FOUND. */
    const char *least;    /**< Smallest value, or NULL. A change that goes below is refused as a whole. */
    const char *most;     /**< Largest value, or NULL. */
    const char *renamed;  /**< The name it had before, still read and reported once in the log; or NULL. */
} obs_setting_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_setting_options_init(obs_setting_options *options, size_t size);

/**
 * Makes a setting. It follows the configuration until it is freed; one of a snapshot stands still.
 * @param out     receives it; free with obs_setting_free()
 * @param config  the configuration
 * @param name    which value
 * @param type    what it holds
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_INVALID_ARGUMENT for another type; ::OBS_OUT_OF_RANGE
 */
OBS_API obs_status obs_setting_open(obs_setting **out, obs_config *config, const char *name, obs_setting_type type,
                                    const obs_setting_options *options, obs_error *error);
/** Its value, or 0 for a FLOAT or TEXT. @param setting the setting @return boolean, integer, nanoseconds or bytes */
OBS_API int64_t obs_setting_int(const obs_setting *setting);
/** Its value, or 0 unless it is a FLOAT. @param setting the setting @return the number */
OBS_API double obs_setting_float(const obs_setting *setting);
/**
 * Its value as a text.
 * @param out     receives it; free with obs_buffer_free()
 * @param setting the setting
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT unless it is a TEXT
 */
OBS_API obs_status obs_setting_text(obs_buffer **out, const obs_setting *setting, obs_error *error);
/** Frees a setting. @param setting the setting; NULL is accepted */
OBS_API void obs_setting_free(obs_setting *setting);

/** Which whole this is: 1 for the first, one more for each that replaced it in this process. @param config where @return it */
OBS_API uint64_t obs_config_version(const obs_config *config);

/**
 * Waits until the configuration is another one than `version`.
 * @param out     receives obs_config_version()
 * @param config  the configuration
 * @param version the last one known
 * @param call    how the call is made, or NULL; its timeout ends the wait with ::OBS_DEADLINE_EXCEEDED
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_DEADLINE_EXCEEDED; ::OBS_CANCELLED
 */
OBS_API obs_status obs_config_wait(uint64_t *out, obs_config *config, uint64_t version, const obs_call *call, obs_error *error);

/**
 * Asks all sources now and takes over what changed.
 * @param config the configuration
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_REFUSED with the place when a change does not fit, also when that was found before by itself and the
 * document is still there; ::OBS_UNAVAILABLE when a source does not answer and its last known good document stays
 */
OBS_API obs_status obs_config_refresh(obs_config *config, const obs_call *call, obs_error *error);

/** How a value is changed. */
typedef struct obs_config_set_options {
    size_t size;          /**< sizeof(obs_config_set_options), by obs_config_set_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *layer;    /**< URL of the layer as in `obs.yaml`; NULL: the highest one that can be written. */
    const char *if_match; /**< ETag that the document must still have, as obs_config_explain() told; NULL: as it is read. */
    int32_t dry_run;      /**< 1: only checks. */
} obs_config_set_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_config_set_options_init(obs_config_set_options *options, size_t size);

/**
 * Changes one value in the document of a layer, by If-Match: of two writers one gets ::OBS_ABORTED. The whole that would result
 * is checked first. What was before and what is now goes into the audit trail, but for secrets: as `config.attempt` before
 * anything is written, and as `config.set` after it. An attempt alone is of a process that ended in between. Comments of YAML
 * stay.
 * @param config  the client's configuration
 * @param name    which value
 * @param value   as it would be written in YAML, as in `1.5` or `[a, b]`; NULL removes it
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_REFUSED; ::OBS_ABORTED; ::OBS_FAILED_PRECONDITION for a signed or read-only layer;
 *         ::OBS_PERMISSION_DENIED
 */
OBS_API obs_status obs_config_set(obs_config *config, const char *name, const char *value,
                                  const obs_config_set_options *options, obs_error *error);

/**
 * Where each value comes from.
 * @param out    receives rows
 * `{"name":…,"value":…,"layer":…,"place":"config.yaml:7:9","etag":…,"overrides":[{"layer":…,"value":…, "place":…}]}`; a
 * secret's value is `{"secret":…}`; free with obs_rows_free()
 * @param config the configuration
 * @param name   a value or a mapping of values; NULL: all
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_config_explain(obs_rows **out, obs_config *config, const char *name, const obs_call *call,
                                      obs_error *error);

/**
 * How the sources are.
 * @param out    receives rows `{"layer":…,"state":"ok"|"stale"|"last-known-good"|"refused"|"absent","etag":…,"checked":…,
 *               "changed":…,"lag_ms":…,"version":…,"message":…}`; free with obs_rows_free()
 * @param config the configuration
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_config_sources(obs_rows **out, obs_config *config, obs_error *error);

/**
 * Checks a document as if it were the whole configuration, without taking anything over.
 * @param config the client's configuration, for its schema
 * @param data   YAML or JSON
 * @param size   its size in bytes, or ::OBS_TEXT
 * @param name   the file, for messages; or NULL
 * @param error  may be NULL; file, line and column
 * @return ::OBS_OK; ::OBS_REFUSED; ::OBS_INVALID_ARGUMENT when it cannot be read
 */
OBS_API obs_status obs_config_validate(obs_config *config, const char *data, size_t size, const char *name, obs_error *error);

/**
 * Signs a document (C2SP signed note over its text) with the workspace's configuration key, which is made when it is first
 * needed. A layer `{url: …, key: <line>}` in `obs.yaml` takes only documents signed by that key, whose member `version` may
 * never go back.
 * @param out    receives the signed document; free with obs_buffer_free()
 * @param config the client's configuration
 * @param data   YAML or JSON with a member `version`, an integer
 * @param size   its size in bytes, or ::OBS_TEXT
 * @param key    receives the line for `obs.yaml`; free with obs_buffer_free(); may be NULL
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT; ::OBS_PERMISSION_DENIED
 */
OBS_API obs_status obs_config_sign(obs_buffer **out, obs_config *config, const char *data, size_t size, obs_buffer **key,
                                   const obs_call *call, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
