/**
 * @file store.h
 * Object storage: bytes under a key, with labels, metadata and checksums, the same on a disk, in memory and in a cloud.
 *
 * A key is 1 to 1,024 bytes of valid UTF-8. A put is durable when it returns, and all or nothing.
 * Every read is checked against the checksums that were made when the object was written.
 *
 * @code
 * obs_store *store = obs_client_store(client);
 * if (obs_store_get(&frame, store, "raw/2026-11-20/ccd-0421.fits", OBS_TEXT, NULL, &error) == OBS_OK)
 *     use(obs_buffer_data(frame), obs_buffer_size(frame));
 * obs_buffer_free(frame);
 * @endcode
 *
 * @defgroup store Object storage
 * @{
 */
#ifndef OBS_STORE_H
#define OBS_STORE_H

#include <obs/buffer.h>
#include <obs/call.h>
#include <obs/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A store: a name space of objects. Safe from every thread. */
typedef struct obs_store obs_store;
/** An object that is being written piece by piece. For one thread at a time; a child of fork() can only free it. */
typedef struct obs_writer obs_writer;
/** An object that is being read piece by piece. For one thread at a time. */
typedef struct obs_reader obs_reader;
/** A page of a listing. Readable from every thread. */
typedef struct obs_page obs_page;

/** The largest key in bytes. */
#define OBS_KEY_MAX 1024

/** What is known about an object. Made by the library; fields are only ever appended. */
typedef struct obs_stat {
    const char *key;          /**< The key; ends with NUL. In a listing with a delimiter a common prefix ends with it. */
    size_t key_size;          /**< Size of the key in bytes. */
    uint64_t size;            /**< Size of the object in bytes. */
    int64_t modified_ns;      /**< When it was written, nanoseconds since 1970-01-01T00:00:00Z. */
    const char *etag;         /**< Its entity tag with the quotes of RFC 9110; changes with every change. */
    const char *content_type; /**< Media type, or "". */
    const char *sha256;       /**< SHA-256 of the whole in 64 hexadecimal digits, or "" when not known. */
    const obs_pair *metadata; /**< User metadata, sorted by name. */
    size_t metadata_count;    /**< How many. */
    const obs_pair *labels;   /**< Labels, sorted by name. */
    size_t label_count;       /**< How many. */
    int32_t changed_outside;  /**< 1 when another tool changed the bytes: there is no checksum until obs_store_adopt(). */
    int32_t is_prefix;        /**< 1 for a common prefix of a listing: only the key counts. */
} obs_stat;

/** How an object is written. */
typedef struct obs_put_options {
    size_t size;                  /**< sizeof(obs_put_options), by obs_put_options_init(). */
    const obs_call *call;         /**< How the call is made, or NULL. */
    const char *content_type;     /**< Media type, up to 256 bytes, or NULL. */
    const char *if_match;         /**< Only if the object has this entity tag (`*`: any); else ::OBS_FAILED_PRECONDITION. */
    const char *if_none_match;    /**< `*`: only if there is none yet; else ::OBS_ALREADY_EXISTS. */
    const obs_pair *metadata;     /**< User metadata; names are lower-cased. */
    size_t metadata_count;        /**< How many, up to 64. */
    const obs_pair *labels;       /**< Labels, searchable in the catalog. */
    size_t label_count;           /**< How many, up to 64. */
    const char *values;           /**< A JSON object of numbers, texts and booleans, searchable in the catalog, or NULL. */
    const char *const *made_from; /**< Keys that the object was made from, for the lineage. */
    size_t made_from_count;       /**< How many, up to 256. */
    const char *sha256;           /**< Refuse bytes with another SHA-256 (64 hexadecimal digits), or NULL. */
    int32_t progress;             /**< 1: a started operation reports ::OBS_COMPLETION_PROGRESS. */
    int32_t no_index;             /**< 1: the catalog does not look into the bytes for more values (docs/sky.md). */
} obs_put_options;

/** How an object is read. */
typedef struct obs_get_options {
    size_t size;               /**< sizeof(obs_get_options), by obs_get_options_init(). */
    const obs_call *call;      /**< How the call is made, or NULL. */
    uint64_t offset;           /**< First byte. */
    uint64_t length;           /**< How many bytes at most; 0: to the end. */
    const char *if_match;      /**< Only if the object has this entity tag; else ::OBS_FAILED_PRECONDITION. */
    const char *if_none_match; /**< Only if it has another entity tag; else ::OBS_FAILED_PRECONDITION. */
    int32_t progress;          /**< 1: a started operation reports ::OBS_COMPLETION_PROGRESS. */
} obs_get_options;

/** How a store is listed. */
typedef struct obs_list_options {
    size_t size;           /**< sizeof(obs_list_options), by obs_list_options_init(). */
    const obs_call *call;  /**< How the call is made, or NULL. */
    const char *delimiter; /**< `/` groups keys below it into common prefixes; NULL or "": no grouping. */
    const char *after;     /**< Only keys after this one (obs_page_next() of the page before), or NULL. */
    size_t limit;          /**< At most so many, 1 to 10,000; 0: 1,000. */
} obs_list_options;

/** How an object is copied or deleted. */
typedef struct obs_change_options {
    size_t size;               /**< sizeof(obs_change_options), by obs_change_options_init(). */
    const obs_call *call;      /**< How the call is made, or NULL. */
    const char *if_match;      /**< Only if the object (of a copy: the target) has this entity tag, or NULL. */
    const char *if_none_match; /**< `*` for a copy: only if there is no target yet. */
} obs_change_options;

/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_put_options_init(obs_put_options *options, size_t size);
/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_get_options_init(obs_get_options *options, size_t size);
/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_list_options_init(obs_list_options *options, size_t size);
/** Defaults. @param options the caller's struct @param size its sizeof */
OBS_API void obs_change_options_init(obs_change_options *options, size_t size);

/**
 * Writes an object.
 * @param out      receives what is now known about it (free with obs_stat_free()), or NULL
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     the bytes; NULL only with size 0
 * @param size     how many
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK when it is durable; ::OBS_ALREADY_EXISTS also for a second write below an immutable prefix
 */
OBS_API obs_status obs_store_put(obs_stat **out, obs_store *store, const char *key, size_t key_size, const void *data,
                                 size_t size, const obs_put_options *options, obs_error *error);

/**
 * Reads an object, or a range of it.
 * @param out      receives the bytes; free with obs_buffer_free()
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the whole object
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_OUT_OF_RANGE; ::OBS_DATA_LOSS when bytes do not match their checksum
 */
OBS_API obs_status obs_store_get(obs_buffer **out, obs_store *store, const char *key, size_t key_size,
                                 const obs_get_options *options, obs_error *error);

/**
 * Reads into memory of the caller.
 * @param out_size receives how many bytes were read; may be NULL
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     receives the bytes
 * @param capacity how many fit; an object or range that is larger gives ::OBS_OUT_OF_RANGE and its size in *out_size
 * @param options  NULL for the whole object
 * @param error    may be NULL
 * @return as obs_store_get()
 */
OBS_API obs_status obs_store_get_into(size_t *out_size, obs_store *store, const char *key, size_t key_size, void *data,
                                      size_t capacity, const obs_get_options *options, obs_error *error);

/**
 * What is known about an object.
 * @param out      receives it; free with obs_stat_free()
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_store_head(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                                  obs_error *error);

/**
 * Lists keys in the order of their bytes.
 * @param out     receives a page; free with obs_page_free()
 * @param store   the store
 * @param prefix  keys begin with it; "" or NULL for all
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK, also for an empty page
 */
OBS_API obs_status obs_store_list(obs_page **out, obs_store *store, const char *prefix, const obs_list_options *options,
                                  obs_error *error);

/**
 * Deletes an object.
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; ::OBS_FAILED_PRECONDITION below an immutable prefix
 */
OBS_API obs_status obs_store_delete(obs_store *store, const char *key, size_t key_size, const obs_change_options *options,
                                    obs_error *error);

/**
 * Copies an object with its metadata and labels, within one store.
 * @param out       receives what is now known about the target (free with obs_stat_free()), or NULL
 * @param store     the store
 * @param from      the key of the source
 * @param from_size its size in bytes, or ::OBS_TEXT
 * @param to        the key of the target
 * @param to_size   its size in bytes, or ::OBS_TEXT
 * @param options   NULL for the defaults
 * @param error     may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND; and as obs_store_put()
 */
OBS_API obs_status obs_store_copy(obs_stat **out, obs_store *store, const char *from, size_t from_size, const char *to,
                                  size_t to_size, const obs_change_options *options, obs_error *error);

/**
 * Takes bytes that another tool wrote or changed as they are now: makes checksums, a catalog entry and an audit record.
 * @param out      receives what is now known about the object (free with obs_stat_free()), or NULL
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  content type, metadata and labels; NULL keeps those that were there
 * @param error    may be NULL
 * @return ::OBS_OK; ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_store_adopt(obs_stat **out, obs_store *store, const char *key, size_t key_size,
                                   const obs_put_options *options, obs_error *error);

/**
 * Begins an object of a length that is not known yet.
 * @param out      receives the writer; free with obs_writer_free(), which drops what was not committed
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults; copied
 * @param error    may be NULL
 * @return ::OBS_OK and as obs_store_put()
 */
OBS_API obs_status obs_writer_open(obs_writer **out, obs_store *store, const char *key, size_t key_size,
                                   const obs_put_options *options, obs_error *error);

/**
 * Appends bytes. Nothing is visible to others yet.
 * @param writer the writer
 * @param data   the bytes
 * @param size   how many
 * @param error  may be NULL
 * @return ::OBS_OK; after a failure the writer can only be freed
 */
OBS_API obs_status obs_writer_write(obs_writer *writer, const void *data, size_t size, obs_error *error);

/**
 * Makes the object durable and visible under its key.
 * @param out    receives what is now known about it (free with obs_stat_free()), or NULL
 * @param writer the writer; then only to be freed
 * @param error  may be NULL
 * @return as obs_store_put()
 */
OBS_API obs_status obs_writer_commit(obs_stat **out, obs_writer *writer, obs_error *error);

/** Frees a writer. @param writer the writer; NULL is accepted */
OBS_API void obs_writer_free(obs_writer *writer);

/**
 * Opens an object to be read piece by piece. It stays the same object although its key is written anew.
 * @param out      receives the reader; free with obs_reader_free()
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param call     how the call is made, or NULL
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_NOT_FOUND
 */
OBS_API obs_status obs_reader_open(obs_reader **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                                   obs_error *error);

/**
 * What is known about the object.
 * @param reader the reader
 * @return valid until obs_reader_free()
 */
OBS_API const obs_stat *obs_reader_stat(const obs_reader *reader);

/**
 * Reads the next bytes.
 * @param out_size receives how many were read; 0 at the end
 * @param reader   the reader
 * @param data     receives the bytes
 * @param capacity how many fit
 * @param error    may be NULL
 * @return ::OBS_OK or ::OBS_DATA_LOSS
 */
OBS_API obs_status obs_reader_read(size_t *out_size, obs_reader *reader, void *data, size_t capacity, obs_error *error);

/**
 * Goes to another place.
 * @param reader the reader
 * @param offset bytes from the start; beyond the end the next read gives 0 bytes
 * @param error  may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_reader_seek(obs_reader *reader, uint64_t offset, obs_error *error);

/** Frees a reader. @param reader the reader; NULL is accepted */
OBS_API void obs_reader_free(obs_reader *reader);

/** Frees a stat that a call returned. @param stat the stat; NULL is accepted */
OBS_API void obs_stat_free(obs_stat *stat);

/** How many entries a page has. @param page the page @return the number */
OBS_API size_t obs_page_count(const obs_page *page);
/** One entry. @param page the page @param index from 0 @return valid until obs_page_free(); NULL beyond the end */
OBS_API const obs_stat *obs_page_at(const obs_page *page, size_t index);
/** Where the next page goes on (`after`). @param page the page @return "" when this was the last */
OBS_API const char *obs_page_next(const obs_page *page);
/** Frees a page. @param page the page; NULL is accepted */
OBS_API void obs_page_free(obs_page *page);

/** What a store can do; asked beforehand, so that ::OBS_UNIMPLEMENTED is no surprise. */
typedef enum obs_store_feature {
    OBS_STORE_DURABLE = 1,     /**< Outlives the process. */
    OBS_STORE_CONDITIONAL = 2, /**< If-Match and If-None-Match. */
    OBS_STORE_LABELS = 3,      /**< Labels are kept with the object. */
    OBS_STORE_CHECKED_READ = 4 /**< Reads, ranges included, are checked. */
} obs_store_feature;

/** Whether a store can do something. @param store the store @param feature what @return 1 or 0 */
OBS_API int obs_store_can(const obs_store *store, obs_store_feature feature);

/** Frees a store that obs_client_store_open() returned. @param store the store; NULL is accepted */
OBS_API void obs_store_free(obs_store *store);

/**
 * Starts obs_store_put(). The bytes are borrowed until the completion.
 * @param out      receives the operation; free with obs_operation_free()
 * @param queue    receives the completion
 * @param tag      the caller's number for it
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     the bytes
 * @param size     how many
 * @param options  NULL for the defaults; copied
 * @param error    may be NULL
 * @return ::OBS_OK when it was started
 */
OBS_API obs_status obs_store_put_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                       size_t key_size, const void *data, size_t size, const obs_put_options *options,
                                       obs_error *error);

/**
 * Starts obs_store_get(); the bytes come from obs_operation_take_buffer().
 * @param out      receives the operation; free with obs_operation_free()
 * @param queue    receives the completion
 * @param tag      the caller's number for it
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the whole object; copied
 * @param error    may be NULL
 * @return ::OBS_OK when it was started
 */
OBS_API obs_status obs_store_get_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                       size_t key_size, const obs_get_options *options, obs_error *error);

/**
 * Starts obs_store_head(); the result comes from obs_operation_take_stat().
 * @param out      receives the operation; free with obs_operation_free()
 * @param queue    receives the completion
 * @param tag      the caller's number for it
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param call     how the call is made, or NULL; copied
 * @param error    may be NULL
 * @return ::OBS_OK when it was started
 */
OBS_API obs_status obs_store_head_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                        size_t key_size, const obs_call *call, obs_error *error);

/**
 * Starts obs_store_delete().
 * @param out      receives the operation; free with obs_operation_free()
 * @param queue    receives the completion
 * @param tag      the caller's number for it
 * @param store    the store
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults; copied
 * @param error    may be NULL
 * @return ::OBS_OK when it was started
 */
OBS_API obs_status obs_store_delete_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store,
                                          const char *key, size_t key_size, const obs_change_options *options,
                                          obs_error *error);

/**
 * Takes what a put or head learned about the object.
 * @param out       receives it; free with obs_stat_free()
 * @param operation an operation that is done
 * @param error     may be NULL
 * @return the operation's status; ::OBS_FAILED_PRECONDITION while it runs or when there is none
 */
OBS_API obs_status obs_operation_take_stat(obs_stat **out, obs_operation *operation, obs_error *error);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
