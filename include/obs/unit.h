/**
 * @file unit.h
 * A unit: several changes that become durable together, or not at all.
 *
 * @code
 * obs_unit_begin(&unit, client, NULL, &error);
 * obs_unit_put(unit, "products/0421.json", OBS_TEXT, json, size, NULL, &error);
 * obs_unit_publish(unit, &event, NULL, &error);
 * obs_unit_commit(unit, &error);
 * obs_unit_free(unit);            // without a commit nothing of it happens
 * @endcode
 *
 * @defgroup unit Units
 * @{
 */
#ifndef OBS_UNIT_H
#define OBS_UNIT_H

#include <obs/client.h>
#include <obs/ingest.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Changes that belong together. For one thread at a time; a child of fork() can only free them. */
typedef struct obs_unit obs_unit;

/**
 * Begins a unit of up to 10,000 changes.
 * @param out    receives the unit; free with obs_unit_free()
 * @param client the client
 * @param call   how the commit is made, or NULL; copied
 * @param error  may be NULL
 * @return ::OBS_OK or ::OBS_RESOURCE_EXHAUSTED
 */
OBS_API obs_status obs_unit_begin(obs_unit **out, obs_client *client, const obs_call *call, obs_error *error);

/**
 * Adds an object of the workspace's store. The bytes are taken over before this returns.
 * @param unit     the unit
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param data     the bytes
 * @param size     how many, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK; what can only be known at the commit (If-Match …) is reported there
 */
OBS_API obs_status obs_unit_put(obs_unit *unit, const char *key, size_t key_size, const void *data, size_t size,
                                const obs_put_options *options, obs_error *error);

/**
 * Adds the deletion of an object of the workspace's store.
 * @param unit     the unit
 * @param key      the key
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param options  NULL for the defaults
 * @param error    may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_unit_delete(obs_unit *unit, const char *key, size_t key_size, const obs_change_options *options,
                                   obs_error *error);

/**
 * Adds an event.
 * @param unit    the unit
 * @param event   the event; copied
 * @param options NULL for the defaults
 * @param error   may be NULL
 * @return ::OBS_OK or ::OBS_INVALID_ARGUMENT
 */
OBS_API obs_status obs_unit_publish(obs_unit *unit, const obs_event *event, const obs_publish_options *options,
                                    obs_error *error);

/**
 * Adds labels of a catalog entry, as obs_catalog_label().
 * @param unit     the unit
 * @param key      the key of the entry; it may be put in the same unit
 * @param key_size its size in bytes, or ::OBS_TEXT
 * @param labels   the labels; one with value "" is removed
 * @param count    how many
 * @param error    may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_unit_label(obs_unit *unit, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                                  obs_error *error);

/**
 * Adds a record, as obs_ingest_record().
 * @param unit       the unit
 * @param definition the name of its definition
 * @param json       the record
 * @param size       its size in bytes, or ::OBS_TEXT
 * @param options    NULL for the defaults
 * @param error      may be NULL
 * @return ::OBS_OK; ::OBS_REFUSED: the refusal is added to the unit, which can still be committed
 */
OBS_API obs_status obs_unit_record(obs_unit *unit, const char *definition, const char *json, size_t size,
                                   const obs_ingest_options *options, obs_error *error);

/**
 * Adds the acknowledgement of an event, so that it is done exactly when the unit is.
 * @param unit         the unit
 * @param subscription a subscription of the same client
 * @param sequence     obs_delivery::sequence
 * @param error        may be NULL
 * @return ::OBS_OK
 */
OBS_API obs_status obs_unit_acknowledge(obs_unit *unit, obs_subscription *subscription, uint64_t sequence, obs_error *error);

/**
 * Makes all of it durable and visible.
 * @param unit  the unit; then only to be freed
 * @param error may be NULL
 * @return ::OBS_OK, or why nothing of it happened
 */
OBS_API obs_status obs_unit_commit(obs_unit *unit, obs_error *error);

/** Frees a unit; without a commit nothing of it happens. @param unit the unit; NULL is accepted */
OBS_API void obs_unit_free(obs_unit *unit);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
