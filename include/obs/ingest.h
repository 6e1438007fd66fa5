/**
 * @file ingest.h
 * Ingestion: data that tenants send, checked against data definitions and logged line by line.
 *
 * A data definition is a JSON Schema (2020-12) under a name, as in `mpc.obs80`. A record is one JSON document that must
 * fit its definition; a file goes in whole, as an object. Each accepted item becomes, in one commit: the record or
 * object with its checksum and labels, a catalog entry, a line in the tenant's ingestion log, an event
 * (`org.libobs.record.accepted`, `org.libobs.object.accepted`) and an audit record. A refused item becomes a line in the
 * ingestion log with the reason, and an audit record.
 *
 * @code
 * obs_ingest_definition(client, "mpc.obs80", schema, OBS_TEXT, NULL, &error);
 * obs_ingest_record(&key, client, "mpc.obs80", json, OBS_TEXT, NULL, &error);   // OBS_REFUSED says why
 * @endcode
 *
 * @defgroup ingest Ingestion
 * @{
 */
#ifndef OBS_INGEST_H
#define OBS_INGEST_H

#include <obs/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How something is ingested. */
typedef struct obs_ingest_options {
    size_t size;              /**< sizeof(obs_ingest_options), by obs_ingest_options_init(). */
    const obs_call *call;     /**< How the call is made, or NULL. */
    const obs_pair *labels;   /**< Labels of the catalog entry, or NULL. */
    size_t label_count;       /**< How many, up to 64. */
    const char *origin;       /**< Where it came from, as in `mpc_obs.dat:17`, for the log; or NULL. */
    const char *content_type; /**< Media type of a file, or NULL. */
    const char *reason;       /**< Only for obs_ingest_refuse(): why it was refused before it could become a record. */
    uint64_t first_line;      /**< Only for obs_ingest_records(): the number of the first line, for the log; 0: 1. */
    int32_t no_index;         /**< Only for obs_ingest_file(): as in obs_put_options. */
} obs_ingest_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_ingest_options_init(obs_ingest_options *options, size_t size);

/**
 * Stores a data definition. A new version must accept what the old one did as far as that can be decided: it may not
 * require more properties, nor change or narrow a type.
 * @param client the client
 * @param name   1 to 128 of [a-z0-9._-]
 * @param schema a JSON Schema 2020-12; a `$ref` may only point inside it
 * @param size   its size in bytes, or ::OBS_TEXT
 * @param call   how the call is made, or NULL
 * @param error  may be NULL; line and column where the JSON is wrong
 * @return ::OBS_OK, also when the same schema is stored already; ::OBS_INVALID_ARGUMENT; ::OBS_FAILED_PRECONDITION when not
 * compatible
 */
OBS_API obs_status obs_ingest_definition(obs_client *client, const char *name, const char *schema, size_t size,
                                         const obs_call *call, obs_error *error);

/**
 * The data definitions of the tenant.
 * @param out    receives rows `{"name":…,"version":…,"time":…,"schema":{…}}`; free with obs_rows_free()
 * @param client the client
 * @param call   how the call is made, or NULL
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_ingest_definitions(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error);

/**
 * Ingests one record (stream).
 * @param out_key    receives the catalog key `records/<definition>/<id>` (free with obs_buffer_free()), or NULL
 * @param client     the client
 * @param definition the name of its definition
 * @param json       the record: one JSON object, up to 1 MiB
 * @param size       its size in bytes, or ::OBS_TEXT
 * @param options    NULL for the defaults
 * @param error      may be NULL; the message says which member does not fit and why
 * @return ::OBS_OK when it is durable; ::OBS_REFUSED, or ::OBS_RESOURCE_EXHAUSTED by a quota
 *         (also durable, in the log); ::OBS_NOT_FOUND without definition
 */
OBS_API obs_status obs_ingest_record(obs_buffer **out_key, obs_client *client, const char *definition, const char *json,
                                     size_t size, const obs_ingest_options *options, obs_error *error);

/** What became of several records. */
typedef struct obs_ingest_counts {
    size_t size;       /**< sizeof(obs_ingest_counts) of the caller. */
    uint64_t accepted; /**< Accepted records. */
    uint64_t refused;  /**< Refused records. */
} obs_ingest_counts;

/**
 * Ingests many records in one commit. Each is accepted or refused by itself.
 * @param out        receives the counts; its size must be set
 * @param client     the client
 * @param definition the name of their definition
 * @param lines      the records as JSON lines (NDJSON)
 * @param size       their size in bytes, or ::OBS_TEXT; up to 16 MiB
 * @param options    NULL for the defaults; the origin of each record is `<origin>:<line>`
 * @param error      may be NULL
 * @return ::OBS_OK although records were refused; ::OBS_RESOURCE_EXHAUSTED when a quota has no room for all of them: then
 *         nothing of them is kept but one refusal in the log
 */
OBS_API obs_status obs_ingest_records(obs_ingest_counts *out, obs_client *client, const char *definition, const char *lines,
                                      size_t size, const obs_ingest_options *options, obs_error *error);

/**
 * Ingests a whole file as an object (batch).
 * @param client   the client
 * @param key      the key it gets
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     the bytes
 * @param size     how many
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK when it is durable; ::OBS_REFUSED with the reason (immutable key), or
 *         ::OBS_RESOURCE_EXHAUSTED by a quota, in the log
 */
OBS_API obs_status obs_ingest_file(obs_client *client, const char *key, size_t key_size, const void *data, size_t size,
                                   const obs_ingest_options *options, obs_error *error);

/**
 * Logs something that could not even be made a record (a line that cannot be parsed): a refusal in the ingestion log.
 * @param client     the client
 * @param definition what it should have become
 * @param data       what came in; up to 4,096 bytes of it are kept
 * @param size       its size in bytes, or ::OBS_TEXT
 * @param options    reason is required
 * @param error      may be NULL
 * @return ::OBS_OK when the refusal is durable
 */
OBS_API obs_status obs_ingest_refuse(obs_client *client, const char *definition, const char *data, size_t size,
                                     const obs_ingest_options *options, obs_error *error);

/** What part of the ingestion log is wanted. */
typedef struct obs_ingest_log_options {
    size_t size;          /**< sizeof(obs_ingest_log_options), by obs_ingest_log_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *table;    /**< Only this definition, or `objects`; NULL: all. */
    const char *result;   /**< Only `accepted` or `refused`; NULL: both. */
    const char *after;    /**< obs_rows_position() of the question before, or NULL. */
    size_t limit;         /**< At most so many rows; 0: no limit. */
    const char *site;     /**< Only what a relay brought from this site; NULL: all. */
} obs_ingest_log_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_ingest_log_options_init(obs_ingest_log_options *options, size_t size);

/**
 * The tenant's ingestion log, oldest first.
 * @param out     receives rows `{"time":…,"tenant":…,"result":…,"reason":…,"table":…,"key":…,"bytes":…,"origin":…,"trace":…}`
 * @param client  the client; it sees the log of its own tenant only
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_ingest_log(obs_rows **out, obs_client *client, const obs_ingest_log_options *options, obs_error *error);

/** How the ingestion log is counted. */
typedef struct obs_ingest_stats_options {
    size_t size;          /**< sizeof(obs_ingest_stats_options), by obs_ingest_stats_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *by;    /**< A row for each: of `tenant`, `table`, `reason` and `hour` or `day`, with commas; NULL: one row. */
    const char *since; /**< From this time on: RFC 3339 or a date; NULL: from the beginning. */
    const char *until; /**< Before this time; NULL: to the end. */
} obs_ingest_stats_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_ingest_stats_options_init(obs_ingest_stats_options *options, size_t size);

/**
 * What was ingested, counted.
 * @param out     receives rows `{"tenant":…,"table":…,"reason":…,"hour":…,"accepted":…,"refused":…,"bytes":…,"rate":…}` in the
 *                order of time, with what was asked for; `bytes` of what was accepted, `rate` in items a second: of the whole
 *                hour or day, else between the first and the last; free with obs_rows_free()
 * @param client  the client; by `tenant` the owner counts all tenants, others their own
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK; ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_ingest_stats(obs_rows **out, obs_client *client, const obs_ingest_stats_options *options,
                                    obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
