/*
 * Shims between Go and libobs: go_<name>() is obs_<name>() with the error on the heap, made only when the call failed.
 * So a call that succeeds touches no Go memory for its error, and nothing is kept per thread (a goroutine moves between
 * threads).
 */
#ifndef OBS_GO_SHIM_H
#define OBS_GO_SHIM_H

#include <obs/obs.h>

#if OBS_SDK_VERSION_NUMBER < 1000
#error "libobs 0.1.0 or newer is needed"
#endif

/* The error on the heap, for the shims themselves; NULL when there is none. */
obs_error *go_failed(const obs_error *error);
/* Frees what a shim returned. */
void go_error_free(obs_error *error);

obs_error *go_client_open(obs_client **out, const obs_open_options *options);
obs_error *go_client_store_open(obs_store **out, obs_client *client, const char *url, const obs_call *call);
obs_error *go_client_as(obs_client **out, obs_client *client, const obs_as_options *options);
obs_error *go_client_whoami(obs_buffer **out, obs_client *client);
obs_error *go_client_health(obs_buffer **out, obs_client *client, const obs_call *call);
obs_error *go_client_metrics(obs_buffer **out, obs_client *client, const obs_call *call);
obs_error *go_workspace_init(const char *path, const obs_call *call);
obs_error *go_workspace_init_with(const char *path, const obs_workspace_options *options);
obs_error *go_workspace_check(obs_rows **out, obs_client *client, obs_check_mode mode, const obs_call *call);
obs_error *go_tenant_create(obs_client *client, const char *name, const obs_call *call);
obs_error *go_tenant_create_with(obs_client *client, const char *name, const obs_tenant_options *options);
obs_error *go_tenant_modify(obs_client *client, const char *name, const obs_tenant_options *options);
obs_error *go_tenant_suspend(obs_client *client, const char *name, const obs_tenant_options *options);
obs_error *go_tenant_resume(obs_client *client, const char *name, const obs_tenant_options *options);
obs_error *go_tenant_delete(obs_client *client, const char *name, const obs_tenant_options *options);
obs_error *go_tenant_export(obs_client *client, const char *name, const char *path, const obs_tenant_options *options);
obs_error *go_ingest_stats(obs_rows **out, obs_client *client, const obs_ingest_stats_options *options);
obs_error *go_catalog_usage(obs_rows **out, obs_catalog *catalog, const obs_usage_options *options);
obs_error *go_tenant_show(obs_rows **out, obs_client *client, const char *name, const obs_call *call);
obs_error *go_rows_next(obs_rows *rows, const char **text, size_t *size);
obs_error *go_metrics_text(obs_buffer **out);
obs_error *go_log_take(obs_buffer **out, obs_log_level level);
obs_error *go_store_put(obs_stat **out, obs_store *store, const char *key, size_t key_size, const void *data, size_t size,
                        const obs_put_options *options);
/*
 * Reading costs little more than the step into C, so these take and give what Go has least to check and to keep for: no void *
 * and no pointer to a result. Of received bytes both where they are and what is to be freed; of those read into Go memory
 * their number, which fails as well when there is no room for so many.
 */
typedef struct go_bytes {
    obs_error *failed;
    obs_buffer *buffer;
    const char *data;
    size_t size;
} go_bytes;
/* `call` counts when there are no options. */
go_bytes go_store_get(obs_store *store, const char *key, size_t key_size, const obs_get_options *options, const obs_call *call);
typedef struct go_count {
    obs_error *failed;
    size_t size;
} go_count;
go_count go_store_get_into(obs_store *store, const char *key, size_t key_size, char *data, size_t capacity,
                           const obs_call *call);
obs_error *go_store_head(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_call *call);
obs_error *go_store_list(obs_page **out, obs_store *store, const char *prefix, const obs_list_options *options);
obs_error *go_store_delete(obs_store *store, const char *key, size_t key_size, const obs_change_options *options);
obs_error *go_store_copy(obs_stat **out, obs_store *store, const char *from, size_t from_size, const char *to, size_t to_size,
                         const obs_change_options *options);
obs_error *go_store_adopt(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options);
obs_error *go_writer_open(obs_writer **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options);
obs_error *go_writer_write(obs_writer *writer, const void *data, size_t size);
obs_error *go_writer_commit(obs_stat **out, obs_writer *writer);
obs_error *go_reader_open(obs_reader **out, obs_store *store, const char *key, size_t key_size, const obs_call *call);
obs_error *go_reader_read(size_t *out_size, obs_reader *reader, void *data, size_t capacity);
obs_error *go_reader_seek(obs_reader *reader, uint64_t offset);
obs_error *go_catalog_search(obs_rows **out, obs_catalog *catalog, const char *query, const obs_search_options *options);
obs_error *go_catalog_get(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call);
obs_error *go_catalog_lineage(obs_rows **out, obs_catalog *catalog, const char *key, size_t key_size,
                              const obs_lineage_options *options);
obs_error *go_catalog_why(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call);
obs_error *go_catalog_label(obs_catalog *catalog, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                            const obs_call *call);
obs_error *go_audit_query(obs_rows **out, obs_audit *audit, const obs_audit_options *options);
obs_error *go_audit_sequence(obs_audit *audit, const obs_call *call);
obs_error *go_audit_verify(obs_buffer **out, obs_audit *audit, const obs_audit_verify_options *options);
obs_error *go_audit_prove(obs_buffer **out, obs_audit *audit, const char *id, int32_t clear, const obs_call *call);
obs_error *go_audit_check_proof(obs_buffer **out, const char *proof, size_t size, const char *key);
obs_error *go_audit_key(obs_buffer **out, obs_audit *audit);
obs_error *go_audit_erase(uint64_t *count, obs_audit *audit, const char *subject, const obs_call *call);
obs_error *go_audit_policy(obs_buffer **out, obs_audit *audit);
obs_error *go_audit_policy_set(obs_audit *audit, const char *policy, size_t size, const obs_call *call);
obs_error *go_audit_seal(uint64_t *count, obs_audit *audit, const obs_call *call);
obs_error *go_ingest_definition(obs_client *client, const char *name, const char *schema, size_t size, const obs_call *call);
obs_error *go_ingest_definitions(obs_rows **out, obs_client *client, const obs_call *call);
obs_error *go_ingest_record(obs_buffer **out_key, obs_client *client, const char *definition, const char *json, size_t size,
                            const obs_ingest_options *options);
obs_error *go_ingest_records(obs_ingest_counts *out, obs_client *client, const char *definition, const char *lines, size_t size,
                             const obs_ingest_options *options);
obs_error *go_ingest_file(obs_client *client, const char *key, size_t key_size, const void *data, size_t size,
                          const obs_ingest_options *options);
obs_error *go_ingest_refuse(obs_client *client, const char *definition, const char *data, size_t size,
                            const obs_ingest_options *options);
obs_error *go_ingest_log(obs_rows **out, obs_client *client, const obs_ingest_log_options *options);
obs_error *go_unit_begin(obs_unit **out, obs_client *client, const obs_call *call);
obs_error *go_unit_put(obs_unit *unit, const char *key, size_t key_size, const void *data, size_t size,
                       const obs_put_options *options);
obs_error *go_unit_delete(obs_unit *unit, const char *key, size_t key_size, const obs_change_options *options);
obs_error *go_unit_publish(obs_unit *unit, const obs_event *event, const obs_publish_options *options);
obs_error *go_unit_label(obs_unit *unit, const char *key, size_t key_size, const obs_pair *labels, size_t count);
obs_error *go_unit_record(obs_unit *unit, const char *definition, const char *json, size_t size,
                          const obs_ingest_options *options);
obs_error *go_unit_acknowledge(obs_unit *unit, obs_subscription *subscription, uint64_t sequence);
obs_error *go_unit_commit(obs_unit *unit);
obs_error *go_function_serve(obs_function **out);
obs_error *go_function_try(obs_function **out, const char *json, size_t size);
obs_error *go_function_next(obs_function_call **out, obs_function *function);
obs_error *go_function_finish(obs_buffer **made, obs_function_call *call, obs_status outcome, const char *reason);
obs_error *go_function_folder(const char **out, obs_function_call *call);
obs_error *go_function_client(obs_client **out, obs_function_call *call);
obs_error *go_function_config(obs_config **out, obs_function_call *call);
obs_error *go_function_get(obs_buffer **out, obs_function_call *call, const char *key, size_t key_size);
obs_error *go_function_put(obs_function_call *call, const char *key, size_t key_size, const void *data, size_t size,
                           const obs_put_options *options);
obs_error *go_function_put_file(obs_function_call *call, const char *key, size_t key_size, const char *name,
                                const obs_put_options *options);
obs_error *go_function_publish(obs_function_call *call, const obs_event *event, const obs_publish_options *options);
obs_error *go_function_label(obs_function_call *call, const char *key, size_t key_size, const obs_pair *labels, size_t count);
obs_error *go_function_record(obs_function_call *call, const char *definition, const char *json, size_t size);
obs_error *go_function_list(obs_rows **out, obs_client *client);
obs_error *go_function_logs(obs_rows **out, obs_client *client, const char *name, const char *trace);
obs_error *go_function_replay(obs_rows **out, obs_client *client, const char *event, const char *name, const obs_call *call);
obs_error *go_function_reproduce(obs_buffer **out, obs_client *client, const char *key, size_t key_size,
                                 const obs_reproduce_options *options);
obs_error *go_function_configuration(obs_buffer **out, obs_client *client, const char *sha256, const obs_call *call);
obs_error *go_event_encode(obs_buffer **out, const obs_event *event);
obs_error *go_event_decode(obs_event **out, const char *json, size_t size);
obs_error *go_event_to_http(obs_event_message **out, const obs_event *event);
obs_error *go_event_from_http(obs_event **out, const obs_event_message *message);
obs_error *go_bus_publish(obs_buffer **out_id, obs_bus *bus, const obs_event *event, const obs_publish_options *options);
obs_error *go_bus_subscribe(obs_subscription **out, obs_bus *bus, const char *consumer, const obs_subscribe_options *options);
obs_error *go_subscription_next(const obs_delivery **out, obs_subscription *subscription, int64_t timeout_ms,
                                obs_cancel *cancel);
obs_error *go_subscription_next_many(obs_deliveries **out, obs_subscription *subscription, size_t most, int64_t timeout_ms,
                                     obs_cancel *cancel);
obs_error *go_subscription_acknowledge_many(size_t *done, obs_subscription *subscription, const uint64_t *sequences,
                                            size_t count);
obs_error *go_subscription_acknowledge(obs_subscription *subscription, uint64_t sequence);
obs_error *go_subscription_acknowledge_all(obs_subscription *subscription, uint64_t sequence);
obs_error *go_subscription_reject(obs_subscription *subscription, uint64_t sequence, const obs_reject_options *options);
obs_error *go_bus_consumers(obs_rows **out, obs_bus *bus, const obs_call *call);
obs_error *go_bus_pause(obs_bus *bus, const char *consumer, int64_t until_ms, const char *reason, const obs_call *call);
obs_error *go_bus_resume(obs_bus *bus, const char *consumer, const obs_call *call);
obs_error *go_bus_remove(obs_bus *bus, const char *consumer, const obs_call *call);
obs_error *go_bus_dead_letters(obs_rows **out, obs_bus *bus, const char *consumer, const obs_call *call);
obs_error *go_bus_replay(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call);
obs_error *go_bus_discard(uint64_t *count, obs_bus *bus, const char *consumer, uint64_t sequence, const obs_call *call);
obs_error *go_journal_run(uint64_t *delivered, obs_client *client, const obs_journal_options *options);
obs_error *go_journal_list(obs_rows **out, obs_client *client, const obs_call *call);
obs_error *go_relay_run(obs_relay_counts *out, obs_client *from, obs_client *to, const obs_relay_options *options);

/* Names of the configuration come as they are in Go. */
typedef struct go_number {
    obs_error *failed;
    int64_t integer;
    double real;
} go_number;
go_number go_config_number(obs_config *config, const char *name, size_t size, obs_setting_type type);
go_bytes go_config_text(obs_config *config, const char *name, size_t size);
go_bytes go_config_json(obs_config *config, const char *name, size_t size);
obs_error *go_config_secret(obs_secret **out, obs_config *config, const char *name, size_t size);
obs_error *go_config_snapshot(obs_config **out, obs_config *config, const obs_call *call);
obs_error *go_config_wait(uint64_t *out, obs_config *config, uint64_t version, const obs_call *call);
obs_error *go_config_refresh(obs_config *config, const obs_call *call);
obs_error *go_config_set(obs_config *config, const char *name, size_t size, const char *value,
                         const obs_config_set_options *options);
obs_error *go_config_explain(obs_rows **out, obs_config *config, const char *name, size_t size, const obs_call *call);
obs_error *go_config_sources(obs_rows **out, obs_config *config);
obs_error *go_config_validate(obs_config *config, const char *data, size_t size, const char *name);
obs_error *go_config_sign(obs_buffer **out, obs_config *config, const char *data, size_t size, obs_buffer **key,
                          const obs_call *call);
obs_error *go_setting_open(obs_setting **out, obs_config *config, const char *name, size_t size, obs_setting_type type,
                           const obs_setting_options *options);
/* No buffer when the text is the one that is known already. */
go_bytes go_setting_text(obs_setting *setting, const char *known, size_t known_size);
obs_error *go_secret_new(obs_secret **out, const void *bytes, size_t size);
obs_error *go_token_issue(obs_secret **out, obs_client *client, const obs_token_options *options);
obs_error *go_token_verify(obs_buffer **out, obs_client *client, const char *token, size_t size,
                           const obs_verify_options *options);
obs_error *go_token_keys(obs_buffer **out, obs_client *client);
obs_error *go_token_rotate(obs_client *client, const obs_call *call);
obs_error *go_token_revoke(obs_client *client, const char *id, const char *subject, const obs_call *call);
obs_error *go_token_login(obs_client *client, const char *token, size_t size, const obs_call *call);
obs_error *go_token_logout(obs_client *client, const obs_call *call);

#endif
