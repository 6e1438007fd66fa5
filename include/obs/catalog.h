/**
 * @file catalog.h
 * The catalog: what objects and records exist, what they are labelled with, and what they were made from.
 *
 * A query is a list of conditions that must all hold, separated by blanks:
 * `night=2026-11-20` `filter!=B` (labels and values, as text or, where both sides are numbers, as numbers),
 * `mag<18.5` `mag>=17` (ranges), `object=NGC*` (a final `*` outside quotes means any ending), `key=raw/2026*`,
 * `type=image/fits`, `kind=object`, `size>1000000`, `time>=2026-11-20` (a date alone is its midnight in UTC), and bare words or
 * `"several words"` (full text over key, labels and text values; the words of a phrase stand side by side).
 * `cone=202.47,+47.2,0.5` finds what lies on the sky within a radius of a place, by the numbers `ra` and `dec` of an entry in
 * degrees (ICRS): right ascension, declination and radius are degrees, or `cone=13h29m52s,+47d11m43s,30m`,
 * `cone=13:29:52,+47:11:43,20s` (hours and degrees; a radius in `d`, `m` or `s` of arc). Rows then have a `"distance"` in
 * degrees. `during=2026-11-20/2026-11-21` (one end may be missing; a date alone is that day) finds what was observed in that
 * time, by `mjd` and `mjd_end`, which the index makes of files that it understands (docs/sky.md); `time` is when the entry was
 * made.
 * `!=` holds wherever `=` does not, so also for what has no such label or value. `key`, `type`, `kind`, `size` and `time` are
 * the entry's own; in quotes, as in `"type"=bias`, they are labels and values, too. A name or a value with blanks or operators
 * is written in double quotes, in which `\"` and `\\` stand for themselves.
 *
 * @code
 * obs_catalog_search(&rows, obs_client_catalog(client), "night=2026-11-20 mag<18", NULL, &error);
 * while (obs_rows_next(rows, &json, NULL, &error) == OBS_OK && json)
 *     puts(json);
 * @endcode
 *
 * Each row:
 * `{"key":…,"kind":"object"|"record","type":…,"size":…,"sha256":…,"time":…,"labels":{…},"values":{…},"made_from":[…]}`.
 *
 * @defgroup catalog Catalog
 * @{
 */
#ifndef OBS_CATALOG_H
#define OBS_CATALOG_H

#include <obs/buffer.h>
#include <obs/call.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The catalog of a tenant. Safe from every thread. */
typedef struct obs_catalog obs_catalog;

/** How a search is made. */
typedef struct obs_search_options {
    size_t size;          /**< sizeof(obs_search_options), by obs_search_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *after;    /**< Go on after this place: obs_rows_position() of the search before, or NULL. */
    size_t limit;         /**< At most so many rows; 0: no limit (rows are read as they are asked for). */
} obs_search_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_search_options_init(obs_search_options *options, size_t size);

/**
 * Searches the catalog. Rows come in the order in which entries were made, each with its newest state.
 * @param out     receives the rows; free with obs_rows_free()
 * @param catalog the catalog
 * @param query   the query as described above; "" or NULL finds everything
 * @param options NULL for the defaults
 * @param error   may be NULL; column says where a query is wrong
 * @return ::OBS_OK, also when nothing is found; ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_catalog_search(obs_rows **out, obs_catalog *catalog, const char *query,
                                      const obs_search_options *options, obs_error *error);

/**
 * One entry.
 * @param out      receives it as one JSON object; free with obs_buffer_free()
 * @param catalog  the catalog
 * @param key      the key of the object or record
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_catalog_get(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size,
                                   const obs_call *call, obs_error *error);

/**
 * Sets and removes labels of an entry; other labels stay.
 * @param catalog  the catalog
 * @param key      the key of the object or record
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param labels   the labels; one with value "" is removed
 * @param count    how many, 1 to 64
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_catalog_label(obs_catalog *catalog, const char *key, size_t key_size, const obs_pair *labels,
                                     size_t count, const obs_call *call, obs_error *error);

/** Where a lineage leads. */
typedef enum obs_lineage_direction {
    OBS_LINEAGE_UP = 0,  /**< To what it was made from. */
    OBS_LINEAGE_DOWN = 1 /**< To what was made from it. */
} obs_lineage_direction;

/** How a lineage is followed. */
typedef struct obs_lineage_options {
    size_t size;          /**< sizeof(obs_lineage_options), by obs_lineage_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    int32_t direction;    /**< One of ::obs_lineage_direction. */
    uint32_t depth;       /**< At most so many steps from the key; 0: no limit. */
    size_t nodes;         /**< At most so many rows; 0: 100,000; at most 1,000,000. */
} obs_lineage_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_lineage_options_init(obs_lineage_options *options, size_t size);

/**
 * What an entry was made from, or what was made from it, over any number of steps. The entry itself comes first, then each that
 * is met once, those with fewer steps before those with more; circles end. Memory grows with the rows that were met, by less
 * than 50 bytes each.
 *
 * Each row: `{"key":…,"depth":…,"kind":…,"type":…,"size":…,"sha256":…,"time":…,"labels":{…},"made_from":[…],"inputs":{…},
 * "known":true,"more":…}`. `inputs` has the SHA-256 of each key of `made_from` at the time when the entry was made (null: there
 * was no entry): where that key's own row has another one, it has changed since. `known` is false for a key that the
 * catalog has no entry of, as after it was deleted; `more` says that the limits cut off something beyond this row. Rows are
 * read as they are asked for and show the catalog of that moment; obs_rows_position() is always "".
 * @param out      receives the rows; free with obs_rows_free()
 * @param catalog  the catalog
 * @param key      the key of the object or record
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_INVALID_ARGUMENT; ::OBS_PERMISSION_DENIED unless the caller may read everything
 */
OBS_API obs_status obs_catalog_lineage(obs_rows **out, obs_catalog *catalog, const char *key, size_t key_size,
                                       const obs_lineage_options *options, obs_error *error);

/**
 * What was different when an entry was made for the last time, and what has changed since: one JSON object
 * `{"key":…,"made":{"time":…,"sha256":…},"before":{"time":…,"sha256":…}|null,"same":…,"differs":[…],"since":[…]}`.
 *
 * `differs` compares with the time before, if there was one: `{"what":"input"|"label"|"value","name":…,"before":…,"now":…}`, of
 * inputs their SHA-256, null where there was none; `same` says that the bytes are equal nevertheless (null: there was no time
 * before). `since` has the inputs that are different now from what the entry was made of, as
 * `{"what":"input","name":…,"used":…,"now":…}`: made again it would see these. Values are compared where they have together at
 * most 4,096 bytes. Only what was made from something (obs_put_options::made_from) or by a function is known here.
 * @param out      receives the JSON object; free with obs_buffer_free()
 * @param catalog  the catalog
 * @param key      the key of the object or record
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_FAILED_PRECONDITION when the entry does not say what it was made from;
 *         ::OBS_PERMISSION_DENIED unless the caller may read everything
 */
OBS_API obs_status obs_catalog_why(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size,
                                   const obs_call *call, obs_error *error);

/** How much is counted together. */
typedef struct obs_usage_options {
    size_t size;          /**< sizeof(obs_usage_options), by obs_usage_options_init(). */
    const obs_call *call; /**< How the call is made, or NULL. */
    const char *prefix;   /**< Only keys that begin so; NULL: all. */
    int32_t depth;        /**< So many levels of folders below the prefix have a row, up to 32; 0: 1. */
} obs_usage_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_usage_options_init(obs_usage_options *options, size_t size);

/**
 * How much there is, folder by folder, as the catalog knows and quotas count it: objects of any size, also those whose bytes
 * are still in the journal, and records. Files that another tool left in the store count when they are adopted.
 * @param out     receives rows `{"prefix":…,"objects":…,"records":…,"bytes":…}`, each with all that is below it, inner folders
 *                before outer ones; the last has `"total":true`; free with obs_rows_free()
 * @param catalog the catalog
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK, also when there is nothing; ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_catalog_usage(obs_rows **out, obs_catalog *catalog, const obs_usage_options *options, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
