#include "shim.h"

#include <stdlib.h>
#include <string.h>

static obs_error no_memory = {
    .size = sizeof no_memory, .status = OBS_RESOURCE_EXHAUSTED, .retryable = 1, .message = "not enough memory"};

obs_error *go_failed(const obs_error *error)
{
    if (error->status == OBS_OK)
        return NULL;
    obs_error *copy = malloc(sizeof *copy);
    return copy ? memcpy(copy, error, sizeof *copy) : &no_memory;
}

void go_error_free(obs_error *error)
{
    if (error != &no_memory)
        free(error);
}

obs_error *go_client_open(obs_client **out, const obs_open_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_open(out, options, &error);
    return go_failed(&error);
}

obs_error *go_client_store_open(obs_store **out, obs_client *client, const char *url, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_store_open(out, client, url, call, &error);
    return go_failed(&error);
}

obs_error *go_client_as(obs_client **out, obs_client *client, const obs_as_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_as(out, client, options, &error);
    return go_failed(&error);
}

obs_error *go_client_whoami(obs_buffer **out, obs_client *client)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_whoami(out, client, &error);
    return go_failed(&error);
}

obs_error *go_client_health(obs_buffer **out, obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_health(out, client, call, &error);
    return go_failed(&error);
}

obs_error *go_client_metrics(obs_buffer **out, obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_client_metrics(out, client, call, &error);
    return go_failed(&error);
}

obs_error *go_workspace_init(const char *path, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_workspace_init(path, call, &error);
    return go_failed(&error);
}

obs_error *go_workspace_init_with(const char *path, const obs_workspace_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_workspace_init_with(path, options, &error);
    return go_failed(&error);
}

obs_error *go_workspace_check(obs_rows **out, obs_client *client, obs_check_mode mode, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_workspace_check(out, client, mode, call, &error);
    return go_failed(&error);
}

obs_error *go_tenant_create(obs_client *client, const char *name, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_create(client, name, call, &error);
    return go_failed(&error);
}

obs_error *go_tenant_create_with(obs_client *client, const char *name, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_create_with(client, name, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_modify(obs_client *client, const char *name, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_modify(client, name, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_suspend(obs_client *client, const char *name, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_suspend(client, name, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_resume(obs_client *client, const char *name, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_resume(client, name, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_delete(obs_client *client, const char *name, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_delete(client, name, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_export(obs_client *client, const char *name, const char *path, const obs_tenant_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_export(client, name, path, options, &error);
    return go_failed(&error);
}

obs_error *go_ingest_stats(obs_rows **out, obs_client *client, const obs_ingest_stats_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_stats(out, client, options, &error);
    return go_failed(&error);
}

obs_error *go_catalog_usage(obs_rows **out, obs_catalog *catalog, const obs_usage_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_usage(out, catalog, options, &error);
    return go_failed(&error);
}

obs_error *go_tenant_show(obs_rows **out, obs_client *client, const char *name, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_tenant_show(out, client, name, call, &error);
    return go_failed(&error);
}

obs_error *go_rows_next(obs_rows *rows, const char **text, size_t *size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_rows_next(rows, text, size, &error);
    return go_failed(&error);
}

obs_error *go_metrics_text(obs_buffer **out)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_metrics_text(out, &error);
    return go_failed(&error);
}

obs_error *go_log_take(obs_buffer **out, obs_log_level level)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_log_take(out, level, &error);
    return go_failed(&error);
}

obs_error *go_store_put(obs_stat **out, obs_store *store, const char *key, size_t key_size, const void *data, size_t size,
                        const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_put(out, store, key, key_size, data, size, options, &error);
    return go_failed(&error);
}

go_bytes go_store_get(obs_store *store, const char *key, size_t key_size, const obs_get_options *options, const obs_call *call)
{
    obs_error error;
    obs_buffer *buffer = NULL;
    obs_get_options plain = {.size = sizeof plain, .call = call};
    obs_error_init(&error, sizeof error);
    obs_store_get(&buffer, store, key, key_size, options || !call ? options : &plain, &error);
    return (go_bytes){go_failed(&error), buffer, obs_buffer_data(buffer), obs_buffer_size(buffer)};
}

/* With a call only, as that is all that the Go side asks for. */
go_count go_store_get_into(obs_store *store, const char *key, size_t key_size, char *data, size_t capacity,
                           const obs_call *call)
{
    obs_error error;
    size_t size = 0;
    obs_get_options plain = {.size = sizeof plain, .call = call};
    obs_error_init(&error, sizeof error);
    obs_store_get_into(&size, store, key, key_size, data, capacity, call ? &plain : NULL, &error);
    return (go_count){go_failed(&error), size};
}

obs_error *go_store_head(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_head(out, store, key, key_size, call, &error);
    return go_failed(&error);
}

obs_error *go_store_list(obs_page **out, obs_store *store, const char *prefix, const obs_list_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_list(out, store, prefix, options, &error);
    return go_failed(&error);
}

obs_error *go_store_delete(obs_store *store, const char *key, size_t key_size, const obs_change_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_delete(store, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_store_copy(obs_stat **out, obs_store *store, const char *from, size_t from_size, const char *to, size_t to_size,
                         const obs_change_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_copy(out, store, from, from_size, to, to_size, options, &error);
    return go_failed(&error);
}

obs_error *go_store_adopt(obs_stat **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_store_adopt(out, store, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_writer_open(obs_writer **out, obs_store *store, const char *key, size_t key_size, const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_writer_open(out, store, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_writer_write(obs_writer *writer, const void *data, size_t size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_writer_write(writer, data, size, &error);
    return go_failed(&error);
}

obs_error *go_writer_commit(obs_stat **out, obs_writer *writer)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_writer_commit(out, writer, &error);
    return go_failed(&error);
}

obs_error *go_reader_open(obs_reader **out, obs_store *store, const char *key, size_t key_size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_reader_open(out, store, key, key_size, call, &error);
    return go_failed(&error);
}

obs_error *go_reader_read(size_t *out_size, obs_reader *reader, void *data, size_t capacity)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_reader_read(out_size, reader, data, capacity, &error);
    return go_failed(&error);
}

obs_error *go_reader_seek(obs_reader *reader, uint64_t offset)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_reader_seek(reader, offset, &error);
    return go_failed(&error);
}

obs_error *go_catalog_search(obs_rows **out, obs_catalog *catalog, const char *query, const obs_search_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_search(out, catalog, query, options, &error);
    return go_failed(&error);
}

obs_error *go_catalog_get(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_get(out, catalog, key, key_size, call, &error);
    return go_failed(&error);
}

obs_error *go_catalog_lineage(obs_rows **out, obs_catalog *catalog, const char *key, size_t key_size,
                              const obs_lineage_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_lineage(out, catalog, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_catalog_why(obs_buffer **out, obs_catalog *catalog, const char *key, size_t key_size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_why(out, catalog, key, key_size, call, &error);
    return go_failed(&error);
}

obs_error *go_catalog_label(obs_catalog *catalog, const char *key, size_t key_size, const obs_pair *labels, size_t count,
                            const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_catalog_label(catalog, key, key_size, labels, count, call, &error);
    return go_failed(&error);
}

obs_error *go_ingest_definition(obs_client *client, const char *name, const char *schema, size_t size, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_definition(client, name, schema, size, call, &error);
    return go_failed(&error);
}

obs_error *go_ingest_definitions(obs_rows **out, obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_definitions(out, client, call, &error);
    return go_failed(&error);
}

obs_error *go_ingest_record(obs_buffer **out_key, obs_client *client, const char *definition, const char *json, size_t size,
                            const obs_ingest_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_record(out_key, client, definition, json, size, options, &error);
    return go_failed(&error);
}

obs_error *go_ingest_records(obs_ingest_counts *out, obs_client *client, const char *definition, const char *lines, size_t size,
                             const obs_ingest_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_records(out, client, definition, lines, size, options, &error);
    return go_failed(&error);
}

obs_error *go_ingest_file(obs_client *client, const char *key, size_t key_size, const void *data, size_t size,
                          const obs_ingest_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_file(client, key, key_size, data, size, options, &error);
    return go_failed(&error);
}

obs_error *go_ingest_refuse(obs_client *client, const char *definition, const char *data, size_t size,
                            const obs_ingest_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_refuse(client, definition, data, size, options, &error);
    return go_failed(&error);
}

obs_error *go_ingest_log(obs_rows **out, obs_client *client, const obs_ingest_log_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_ingest_log(out, client, options, &error);
    return go_failed(&error);
}

obs_error *go_unit_begin(obs_unit **out, obs_client *client, const obs_call *call)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_begin(out, client, call, &error);
    return go_failed(&error);
}

obs_error *go_unit_put(obs_unit *unit, const char *key, size_t key_size, const void *data, size_t size,
                       const obs_put_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_put(unit, key, key_size, data, size, options, &error);
    return go_failed(&error);
}

obs_error *go_unit_delete(obs_unit *unit, const char *key, size_t key_size, const obs_change_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_delete(unit, key, key_size, options, &error);
    return go_failed(&error);
}

obs_error *go_unit_publish(obs_unit *unit, const obs_event *event, const obs_publish_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_publish(unit, event, options, &error);
    return go_failed(&error);
}

obs_error *go_unit_label(obs_unit *unit, const char *key, size_t key_size, const obs_pair *labels, size_t count)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_label(unit, key, key_size, labels, count, &error);
    return go_failed(&error);
}

obs_error *go_unit_record(obs_unit *unit, const char *definition, const char *json, size_t size,
                          const obs_ingest_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_record(unit, definition, json, size, options, &error);
    return go_failed(&error);
}

obs_error *go_unit_acknowledge(obs_unit *unit, obs_subscription *subscription, uint64_t sequence)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_acknowledge(unit, subscription, sequence, &error);
    return go_failed(&error);
}

obs_error *go_unit_commit(obs_unit *unit)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_unit_commit(unit, &error);
    return go_failed(&error);
}

obs_error *go_event_encode(obs_buffer **out, const obs_event *event)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_event_encode(out, event, &error);
    return go_failed(&error);
}

obs_error *go_event_decode(obs_event **out, const char *json, size_t size)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_event_decode(out, json, size, &error);
    return go_failed(&error);
}

obs_error *go_bus_publish(obs_buffer **out_id, obs_bus *bus, const obs_event *event, const obs_publish_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_publish(out_id, bus, event, options, &error);
    return go_failed(&error);
}

obs_error *go_bus_subscribe(obs_subscription **out, obs_bus *bus, const char *consumer, const obs_subscribe_options *options)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_bus_subscribe(out, bus, consumer, options, &error);
    return go_failed(&error);
}

obs_error *go_subscription_next(const obs_delivery **out, obs_subscription *subscription, int64_t timeout_ms,
                                obs_cancel *cancel)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_next(out, subscription, timeout_ms, cancel, &error);
    return go_failed(&error);
}

obs_error *go_subscription_acknowledge(obs_subscription *subscription, uint64_t sequence)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    obs_subscription_acknowledge(subscription, sequence, &error);
    return go_failed(&error);
}
