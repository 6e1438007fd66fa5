/*
 * The flat layer of the Python binding: functions over opaque handles, no proxy classes. The typed façade in obs/ is what
 * people use. Typemaps: _handles.i (handles in and out, errors), _values.i (keys, bytes, stats, events), _options.i; modules of
 * their own: _config.i, _audit.i, _token.i, _function.i,
 * _event.i, _journal.i.
 */
%module _obs

%{
#define SWIG_PYTHON_STRICT_BYTE_CHAR
#include <obs/obs.h>
#include <stdlib.h>
#include <string.h>
%}

%include <stdint.i>

/* obs_store_get is _obs.store_get */
%rename("%(strip:[obs_])s") "";

%include "_handles.i"
%include "_values.i"
%include "_options.i"
%include "_interrupt.i"
%include "_config.i"
%include "_audit.i"
%include "_token.i"
%include "_function.i"
%include "_event.i"
%include "_journal.i"

const char *obs_sdk_version_text(void);
const char *obs_status_name(obs_status status);
const char *obs_status_text(obs_status status);
int obs_status_retryable(obs_status status);
int obs_status_exit_code(obs_status status);

/* call.h */
obs_status obs_cancel_new(obs_cancel **out, obs_error *error);
%nothread obs_cancel_set;
void obs_cancel_set(obs_cancel *cancel);

/* buffer.h */
obs_status obs_rows_next(obs_rows *rows, const char **text, size_t *size, obs_error *error);
const char *obs_rows_position(const obs_rows *rows);
void obs_rows_free(obs_rows *rows);

/* log.h */
obs_status obs_log_take(obs_buffer **out, obs_log_level level, obs_error *error);
obs_status obs_metrics_text(obs_buffer **out, obs_error *error);

/* client.h, workspace.h */
obs_status obs_client_open(obs_client **out, const obs_open_options *options, obs_error *error);
%nothread obs_client_store;
%nothread obs_client_bus;
%nothread obs_client_catalog;
%nothread obs_client_audit;
obs_store *obs_client_store(obs_client *client);
obs_bus *obs_client_bus(obs_client *client);
obs_catalog *obs_client_catalog(obs_client *client);
obs_audit *obs_client_audit(obs_client *client);
obs_status obs_client_store_open(obs_store **out, obs_client *client, const char *url, const obs_call *call, obs_error *error);
obs_status obs_client_as(obs_client **out, obs_client *client, const obs_as_options *options, obs_error *error);
const char *obs_client_workspace(const obs_client *client);
const char *obs_client_tenant(const obs_client *client);
const char *obs_client_subject(const obs_client *client);
obs_status obs_client_whoami(obs_buffer **out, obs_client *client, obs_error *error);
obs_status obs_client_health(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_client_metrics(obs_buffer **out, obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_workspace_init_with(const char *path, const obs_workspace_options *options, obs_error *error);
obs_status obs_workspace_check(obs_rows **out, obs_client *client, obs_check_mode mode, const obs_call *call, obs_error *error);
obs_status obs_tenant_create_with(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_modify(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_suspend(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_resume(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_export(obs_client *client, const char *name, const char *path, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_delete(obs_client *client, const char *name, const obs_tenant_options *options, obs_error *error);
obs_status obs_tenant_show(obs_rows **out, obs_client *client, const char *name, const obs_call *call, obs_error *error);

/* store.h */
obs_status obs_store_put(obs_stat **out, obs_store *store, const char *key, size_t key_size, const void *data, size_t size,
                         const obs_put_options *options, obs_error *error);
obs_status obs_store_get(obs_buffer **out, obs_store *store, const char *key, size_t key_size, const obs_get_options *options,
                         obs_error *error);
obs_status obs_store_get_into(size_t *out_size, obs_store *store, const char *key, size_t key_size, void *data, size_t capacity,
                              const obs_get_options *options, obs_error *error);
obs_status obs_store_head(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                          obs_error *error);
obs_status obs_store_list(obs_page **out, obs_store *store, const char *prefix, const obs_list_options *options,
                          obs_error *error);
obs_status obs_store_delete(obs_store *store, const char *key, size_t key_size, const obs_change_options *options,
                            obs_error *error);
obs_status obs_store_copy(obs_stat **out, obs_store *store, const char *from, size_t from_size, const char *to, size_t to_size,
                          const obs_change_options *options, obs_error *error);
obs_status obs_store_adopt(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options,
                           obs_error *error);
int obs_store_can(const obs_store *store, obs_store_feature feature);
obs_status obs_writer_open(obs_writer **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options,
                           obs_error *error);
obs_status obs_writer_write(obs_writer *writer, const void *data, size_t size, obs_error *error);
obs_status obs_writer_commit(obs_stat **out, obs_writer *writer, obs_error *error);
void obs_writer_free(obs_writer *writer);
obs_status obs_reader_open(obs_reader **out, obs_store *store, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error);
const obs_stat *obs_reader_stat(const obs_reader *reader);
obs_status obs_reader_read(size_t *out_size, obs_reader *reader, void *data, size_t capacity, obs_error *error);
obs_status obs_reader_seek(obs_reader *reader, uint64_t offset, obs_error *error);
void obs_reader_free(obs_reader *reader);

/* queue.h */
obs_status obs_queue_new(obs_queue **out, obs_error *error);
int obs_queue_fd(const obs_queue *queue);
void obs_queue_free(obs_queue *queue);
void obs_operation_cancel(obs_operation *operation);
obs_status obs_operation_status(obs_operation *operation, obs_error *error);
obs_status obs_operation_take_buffer(obs_buffer **out, obs_operation *operation, obs_error *error);
obs_status obs_operation_take_stat(obs_stat **out, obs_operation *operation, obs_error *error);
void obs_operation_free(obs_operation *operation);
obs_status obs_store_get_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                               size_t key_size, const obs_get_options *options, obs_error *error);
obs_status obs_store_head_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                size_t key_size, const obs_call *call, obs_error *error);
obs_status obs_store_delete_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                  size_t key_size, const obs_change_options *options, obs_error *error);
%{
#define QUEUE_MOST 256
/* The tags that are done, without waiting: what an event loop asks when the descriptor is readable. */
static obs_status obs_queue_tags(PyObject **tags, obs_queue *queue, obs_error *error)
{
    obs_completion done[QUEUE_MOST];
    size_t count = 0;
    PyGILState_STATE state;
    obs_status status = obs_queue_wait(queue, done, QUEUE_MOST, &count, 0, NULL, error);
    state = PyGILState_Ensure();
    *tags = PyList_New(0);
    for (size_t i = 0; *tags && i < count; i++) {
        if (done[i].kind != OBS_COMPLETION_DONE)
            continue;
        PyObject *tag = PyLong_FromUnsignedLongLong(done[i].tag);
        if (!tag || PyList_Append(*tags, tag) != 0)
            Py_CLEAR(*tags);
        Py_XDECREF(tag);
    }
    PyGILState_Release(state);
    return status;
}

/* Starts a put whose bytes a Python object holds: `holder` is an obs._obs.Held made by hold(). */
static obs_status obs_put_held_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                                     size_t key_size, PyObject *holder, const obs_put_options *options, obs_error *error)
{
    const Py_buffer *view = held_view(holder);
    return obs_store_put_start(out, queue, tag, store, key, key_size, view->buf, (size_t)view->len, options, error);
}
%}
obs_status obs_queue_tags(PyObject **tags, obs_queue *queue, obs_error *error);
obs_status obs_put_held_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_store *store, const char *key,
                              size_t key_size, PyObject *holder, const obs_put_options *options, obs_error *error);

/* catalog.h */
obs_status obs_catalog_usage(obs_rows **out, obs_catalog *catalog, const obs_usage_options *options, obs_error *error);
obs_status obs_catalog_search(obs_rows **out, obs_catalog *catalog, const char *query, const obs_search_options *options,
                              obs_error *error);
obs_status obs_catalog_get(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error);
obs_status obs_catalog_lineage(obs_rows **out, obs_catalog *catalog, const char *key, size_t key_size,
                               const obs_lineage_options *options, obs_error *error);
obs_status obs_catalog_why(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call,
                           obs_error *error);
obs_status obs_catalog_label(obs_catalog *catalog, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                             const obs_call *call, obs_error *error);

/* ingest.h */
obs_status obs_ingest_definition(obs_client *client, const char *name, const char *schema, size_t size, const obs_call *call,
                                 obs_error *error);
obs_status obs_ingest_definitions(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_ingest_record(obs_buffer **out_key, obs_client *client, const char *definition, const char *json, size_t size,
                             const obs_ingest_options *options, obs_error *error);
obs_status obs_ingest_records(obs_ingest_counts *out, obs_client *client, const char *definition, const char *lines,
                              size_t size, const obs_ingest_options *options, obs_error *error);
obs_status obs_ingest_file(obs_client *client, const char *key, size_t key_size, const void *data, size_t size,
                           const obs_ingest_options *options, obs_error *error);
obs_status obs_ingest_refuse(obs_client *client, const char *definition, const char *data, size_t size,
                             const obs_ingest_options *options, obs_error *error);
obs_status obs_ingest_stats(obs_rows **out, obs_client *client, const obs_ingest_stats_options *options, obs_error *error);
obs_status obs_ingest_log(obs_rows **out, obs_client *client, const obs_ingest_log_options *options, obs_error *error);

/* unit.h */
obs_status obs_unit_begin(obs_unit **out, obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_unit_put(obs_unit *unit, const char *key, size_t key_size, const void *data, size_t size,
                        const obs_put_options *options, obs_error *error);
obs_status obs_unit_delete(obs_unit *unit, const char *key, size_t key_size, const obs_change_options *options,
                           obs_error *error);
obs_status obs_unit_publish(obs_unit *unit, const obs_event *event, const obs_publish_options *options, obs_error *error);
obs_status obs_unit_label(obs_unit *unit, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                          obs_error *error);
obs_status obs_unit_record(obs_unit *unit, const char *definition, const char *json, size_t size,
                           const obs_ingest_options *options, obs_error *error);
obs_status obs_unit_acknowledge(obs_unit *unit, obs_subscription *subscription, uint64_t sequence, obs_error *error);
obs_status obs_unit_commit(obs_unit *unit, obs_error *error);
void obs_unit_free(obs_unit *unit);

/* event.h */
obs_status obs_bus_publish(obs_buffer **out_id, obs_bus *bus, const obs_event *event, const obs_publish_options *options,
                           obs_error *error);
obs_status obs_bus_subscribe(obs_subscription **out, obs_bus *bus, const char *consumer, const obs_subscribe_options *options,
                             obs_error *error);
obs_status obs_subscription_next(const obs_delivery **out, obs_subscription *subscription, int64_t timeout_ms,
                                 obs_cancel *cancel, obs_error *error);
obs_status obs_subscription_next_many(obs_deliveries **out, obs_subscription *subscription, size_t most, int64_t timeout_ms,
                                      obs_cancel *cancel, obs_error *error);
obs_status obs_subscription_next_start(obs_operation **out, obs_queue *queue, uint64_t tag, obs_subscription *subscription,
                                       size_t most, int64_t timeout_ms, obs_error *error);
obs_status obs_operation_take_deliveries(obs_deliveries **out, obs_operation *operation, obs_error *error);
obs_status obs_subscription_acknowledge_many(size_t *done, obs_subscription *subscription, const uint64_t *sequences,
                                             size_t count, obs_error *error);
obs_status obs_subscription_acknowledge(obs_subscription *subscription, uint64_t sequence, obs_error *error);
obs_status obs_subscription_acknowledge_all(obs_subscription *subscription, uint64_t sequence, obs_error *error);
obs_status obs_subscription_reject(obs_subscription *subscription, uint64_t sequence, const obs_reject_options *options,
                                   obs_error *error);
obs_status obs_bus_consumers(obs_rows **out, obs_bus *bus, const obs_call *call, obs_error *error);
obs_status obs_bus_pause(obs_bus *bus, const char *consumer, int64_t until_ms, const char *reason, const obs_call *call,
                         obs_error *error);
obs_status obs_bus_resume(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error);
obs_status obs_bus_remove(obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error);
obs_status obs_bus_dead_letters(obs_rows **out, obs_bus *bus, const char *consumer, const obs_call *call, obs_error *error);
%apply uint64_t *out { uint64_t *count };
obs_status obs_bus_replay(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                          obs_error *error);
obs_status obs_bus_discard(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call,
                           obs_error *error);
int obs_subscription_fd(const obs_subscription *subscription);
void obs_subscription_free(obs_subscription *subscription);
