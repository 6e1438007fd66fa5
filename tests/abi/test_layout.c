/* The layout of every published struct, on machines with 64-bit pointers. A field may be appended: add its line. A line that
 * must change is a break of the ABI. */
#include <obs/obs.h>

#include <assert.h>
#include <stddef.h>

#define FIELD(type, field, offset) static_assert(offsetof(type, field) == (offset), #type "." #field " has moved")
#define SIZE(type, size) static_assert(sizeof(type) == (size), #type " has another size")
#define SIZE_AT_LEAST(type, size) static_assert(sizeof(type) >= (size), #type " has shrunk")

#if UINTPTR_MAX == UINT64_MAX

/* audit.h */
SIZE_AT_LEAST(obs_audit_options, 80);
FIELD(obs_audit_options, size, 0);
FIELD(obs_audit_options, call, 8);
FIELD(obs_audit_options, subject, 16);
FIELD(obs_audit_options, object, 24);
FIELD(obs_audit_options, action, 32);
FIELD(obs_audit_options, trace, 40);
FIELD(obs_audit_options, since, 48);
FIELD(obs_audit_options, until, 56);
FIELD(obs_audit_options, after, 64);
FIELD(obs_audit_options, limit, 72);
SIZE_AT_LEAST(obs_audit_verify_options, 48);
FIELD(obs_audit_verify_options, size, 0);
FIELD(obs_audit_verify_options, call, 8);
FIELD(obs_audit_verify_options, checkpoint, 16);
FIELD(obs_audit_verify_options, checkpoint_size, 24);
FIELD(obs_audit_verify_options, key, 32);
FIELD(obs_audit_verify_options, unanchored, 40);

/* call.h */
SIZE(obs_pair, 16);
FIELD(obs_pair, name, 0);
FIELD(obs_pair, value, 8);
SIZE_AT_LEAST(obs_call, 48);
FIELD(obs_call, size, 0);
FIELD(obs_call, timeout_ms, 8);
FIELD(obs_call, cancel, 16);
FIELD(obs_call, traceparent, 24);
FIELD(obs_call, idempotency_key, 32);
FIELD(obs_call, subject, 40);

/* catalog.h */
SIZE_AT_LEAST(obs_search_options, 32);
FIELD(obs_search_options, size, 0);
FIELD(obs_search_options, call, 8);
FIELD(obs_search_options, after, 16);
FIELD(obs_search_options, limit, 24);
SIZE_AT_LEAST(obs_lineage_options, 32);
FIELD(obs_lineage_options, size, 0);
FIELD(obs_lineage_options, call, 8);
FIELD(obs_lineage_options, direction, 16);
FIELD(obs_lineage_options, depth, 20);
FIELD(obs_lineage_options, nodes, 24);

/* client.h */
SIZE_AT_LEAST(obs_open_options, 56);
FIELD(obs_open_options, size, 0);
FIELD(obs_open_options, call, 8);
FIELD(obs_open_options, workspace, 16);
FIELD(obs_open_options, tenant, 24);
FIELD(obs_open_options, program, 32);
FIELD(obs_open_options, read_only, 40);
FIELD(obs_open_options, token, 48);
SIZE_AT_LEAST(obs_as_options, 40);
FIELD(obs_as_options, size, 0);
FIELD(obs_as_options, call, 8);
FIELD(obs_as_options, subject, 16);
FIELD(obs_as_options, tenant, 24);
FIELD(obs_as_options, token, 32);

/* config.h */
SIZE_AT_LEAST(obs_setting_options, 40);
FIELD(obs_setting_options, size, 0);
FIELD(obs_setting_options, standard, 8);
FIELD(obs_setting_options, least, 16);
FIELD(obs_setting_options, most, 24);
FIELD(obs_setting_options, renamed, 32);
SIZE_AT_LEAST(obs_config_set_options, 40);
FIELD(obs_config_set_options, size, 0);
FIELD(obs_config_set_options, call, 8);
FIELD(obs_config_set_options, layer, 16);
FIELD(obs_config_set_options, if_match, 24);
FIELD(obs_config_set_options, dry_run, 32);

/* error.h */
SIZE_AT_LEAST(obs_error, 1184);
FIELD(obs_error, size, 0);
FIELD(obs_error, status, 8);
FIELD(obs_error, retryable, 12);
FIELD(obs_error, http_status, 16);
FIELD(obs_error, line, 20);
FIELD(obs_error, column, 24);
FIELD(obs_error, system, 28);
FIELD(obs_error, message, 32);
FIELD(obs_error, detail, 544);
FIELD(obs_error, request_id, 1056);

/* event.h */
SIZE_AT_LEAST(obs_event, 96);
FIELD(obs_event, size, 0);
FIELD(obs_event, id, 8);
FIELD(obs_event, source, 16);
FIELD(obs_event, type, 24);
FIELD(obs_event, subject, 32);
FIELD(obs_event, time, 40);
FIELD(obs_event, datacontenttype, 48);
FIELD(obs_event, dataschema, 56);
FIELD(obs_event, data, 64);
FIELD(obs_event, data_size, 72);
FIELD(obs_event, extensions, 80);
FIELD(obs_event, extension_count, 88);
SIZE_AT_LEAST(obs_event_message, 32);
FIELD(obs_event_message, headers, 0);
FIELD(obs_event_message, header_count, 8);
FIELD(obs_event_message, body, 16);
FIELD(obs_event_message, body_size, 24);
SIZE_AT_LEAST(obs_publish_options, 24);
FIELD(obs_publish_options, size, 0);
FIELD(obs_publish_options, call, 8);
FIELD(obs_publish_options, partition_key, 16);
FIELD(obs_publish_options, priority, 24);
SIZE_AT_LEAST(obs_subscribe_options, 48);
FIELD(obs_subscribe_options, size, 0);
FIELD(obs_subscribe_options, call, 8);
FIELD(obs_subscribe_options, type, 16);
FIELD(obs_subscribe_options, subject, 24);
FIELD(obs_subscribe_options, from_now, 32);
FIELD(obs_subscribe_options, filter, 40);
FIELD(obs_subscribe_options, exclusive, 48);
FIELD(obs_subscribe_options, attempts, 52);
FIELD(obs_subscribe_options, retry_ms, 56);
FIELD(obs_subscribe_options, retry_max_ms, 64);
SIZE_AT_LEAST(obs_reject_options, 32);
FIELD(obs_reject_options, size, 0);
FIELD(obs_reject_options, reason, 8);
FIELD(obs_reject_options, delay_ms, 16);
FIELD(obs_reject_options, dead, 24);
SIZE_AT_LEAST(obs_delivery, 24);
FIELD(obs_delivery, event, 0);
FIELD(obs_delivery, sequence, 8);
FIELD(obs_delivery, attempt, 16);

/* journal.h */
SIZE_AT_LEAST(obs_journal_options, 32);
FIELD(obs_journal_options, size, 0);
FIELD(obs_journal_options, call, 8);
FIELD(obs_journal_options, destination, 16);
FIELD(obs_journal_options, once, 24);
/* ingest.h */
SIZE_AT_LEAST(obs_ingest_options, 64);
FIELD(obs_ingest_options, size, 0);
FIELD(obs_ingest_options, call, 8);
FIELD(obs_ingest_options, labels, 16);
FIELD(obs_ingest_options, label_count, 24);
FIELD(obs_ingest_options, origin, 32);
FIELD(obs_ingest_options, content_type, 40);
FIELD(obs_ingest_options, reason, 48);
FIELD(obs_ingest_options, first_line, 56);
FIELD(obs_ingest_options, no_index, 64);
SIZE_AT_LEAST(obs_ingest_counts, 24);
FIELD(obs_ingest_counts, size, 0);
FIELD(obs_ingest_counts, accepted, 8);
FIELD(obs_ingest_counts, refused, 16);
SIZE_AT_LEAST(obs_ingest_log_options, 56);
FIELD(obs_ingest_log_options, size, 0);
FIELD(obs_ingest_log_options, call, 8);
FIELD(obs_ingest_log_options, table, 16);
FIELD(obs_ingest_log_options, result, 24);
FIELD(obs_ingest_log_options, after, 32);
FIELD(obs_ingest_log_options, limit, 40);
FIELD(obs_ingest_log_options, site, 48);

/* relay.h */
SIZE_AT_LEAST(obs_relay_options, 56);
FIELD(obs_relay_options, size, 0);
FIELD(obs_relay_options, call, 8);
FIELD(obs_relay_options, site, 16);
FIELD(obs_relay_options, conflict, 24);
FIELD(obs_relay_options, reserved, 28);
FIELD(obs_relay_options, limit, 32);
FIELD(obs_relay_options, wait_ms, 40);
FIELD(obs_relay_options, slice_ms, 48);
SIZE_AT_LEAST(obs_relay_counts, 88);
FIELD(obs_relay_counts, size, 0);
FIELD(obs_relay_counts, events, 8);
FIELD(obs_relay_counts, objects, 16);
FIELD(obs_relay_counts, records, 24);
FIELD(obs_relay_counts, entries, 32);
FIELD(obs_relay_counts, bytes, 40);
FIELD(obs_relay_counts, lines, 48);
FIELD(obs_relay_counts, conflicts, 56);
FIELD(obs_relay_counts, dead, 64);
FIELD(obs_relay_counts, more, 72);
FIELD(obs_relay_counts, audit, 80);

/* log.h */
SIZE_AT_LEAST(obs_log_record, 48);
FIELD(obs_log_record, size, 0);
FIELD(obs_log_record, time_ns, 8);
FIELD(obs_log_record, level, 16);
FIELD(obs_log_record, subject, 24);
FIELD(obs_log_record, message, 32);
FIELD(obs_log_record, trace_id, 40);
SIZE_AT_LEAST(obs_span_record, 64);
FIELD(obs_span_record, size, 0);
FIELD(obs_span_record, start_ns, 8);
FIELD(obs_span_record, end_ns, 16);
FIELD(obs_span_record, name, 24);
FIELD(obs_span_record, traceparent, 32);
FIELD(obs_span_record, parent_id, 40);
FIELD(obs_span_record, tenant, 48);
FIELD(obs_span_record, status, 56);

/* queue.h */
SIZE(obs_completion, 32);
FIELD(obs_completion, operation, 0);
FIELD(obs_completion, tag, 8);
FIELD(obs_completion, bytes, 16);
FIELD(obs_completion, status, 24);
FIELD(obs_completion, kind, 28);

/* store.h */
SIZE_AT_LEAST(obs_stat, 96);
FIELD(obs_stat, key, 0);
FIELD(obs_stat, key_size, 8);
FIELD(obs_stat, size, 16);
FIELD(obs_stat, modified_ns, 24);
FIELD(obs_stat, etag, 32);
FIELD(obs_stat, content_type, 40);
FIELD(obs_stat, sha256, 48);
FIELD(obs_stat, metadata, 56);
FIELD(obs_stat, metadata_count, 64);
FIELD(obs_stat, labels, 72);
FIELD(obs_stat, label_count, 80);
FIELD(obs_stat, changed_outside, 88);
FIELD(obs_stat, is_prefix, 92);
SIZE_AT_LEAST(obs_put_options, 112);
FIELD(obs_put_options, size, 0);
FIELD(obs_put_options, call, 8);
FIELD(obs_put_options, content_type, 16);
FIELD(obs_put_options, if_match, 24);
FIELD(obs_put_options, if_none_match, 32);
FIELD(obs_put_options, metadata, 40);
FIELD(obs_put_options, metadata_count, 48);
FIELD(obs_put_options, labels, 56);
FIELD(obs_put_options, label_count, 64);
FIELD(obs_put_options, values, 72);
FIELD(obs_put_options, made_from, 80);
FIELD(obs_put_options, made_from_count, 88);
FIELD(obs_put_options, sha256, 96);
FIELD(obs_put_options, progress, 104);
FIELD(obs_put_options, no_index, 108);
SIZE_AT_LEAST(obs_get_options, 56);
FIELD(obs_get_options, size, 0);
FIELD(obs_get_options, call, 8);
FIELD(obs_get_options, offset, 16);
FIELD(obs_get_options, length, 24);
FIELD(obs_get_options, if_match, 32);
FIELD(obs_get_options, if_none_match, 40);
FIELD(obs_get_options, progress, 48);
SIZE_AT_LEAST(obs_list_options, 40);
FIELD(obs_list_options, size, 0);
FIELD(obs_list_options, call, 8);
FIELD(obs_list_options, delimiter, 16);
FIELD(obs_list_options, after, 24);
FIELD(obs_list_options, limit, 32);
SIZE_AT_LEAST(obs_change_options, 32);
FIELD(obs_change_options, size, 0);
FIELD(obs_change_options, call, 8);
FIELD(obs_change_options, if_match, 16);
FIELD(obs_change_options, if_none_match, 24);

/* function.h */
SIZE_AT_LEAST(obs_function_run_options, 40);
FIELD(obs_function_run_options, size, 0);
FIELD(obs_function_run_options, call, 8);
FIELD(obs_function_run_options, names, 16);
FIELD(obs_function_run_options, name_count, 24);
FIELD(obs_function_run_options, once, 32);
SIZE_AT_LEAST(obs_reproduce_options, 24);
FIELD(obs_reproduce_options, size, 0);
FIELD(obs_reproduce_options, call, 8);
FIELD(obs_reproduce_options, present_code, 16);

/* token.h */
SIZE_AT_LEAST(obs_token_options, 56);
FIELD(obs_token_options, size, 0);
FIELD(obs_token_options, call, 8);
FIELD(obs_token_options, subject, 16);
FIELD(obs_token_options, tenant, 24);
FIELD(obs_token_options, scope, 32);
FIELD(obs_token_options, lifetime_s, 40);
FIELD(obs_token_options, audience, 48);
SIZE_AT_LEAST(obs_verify_options, 64);
FIELD(obs_verify_options, size, 0);
FIELD(obs_verify_options, call, 8);
FIELD(obs_verify_options, algorithms, 16);
FIELD(obs_verify_options, issuer, 24);
FIELD(obs_verify_options, audience, 32);
FIELD(obs_verify_options, keys, 40);
FIELD(obs_verify_options, keys_size, 48);
FIELD(obs_verify_options, leeway_s, 56);

/* workspace.h */
SIZE_AT_LEAST(obs_workspace_options, 40);
FIELD(obs_workspace_options, size, 0);
FIELD(obs_workspace_options, call, 8);
FIELD(obs_workspace_options, mode, 16);
FIELD(obs_workspace_options, account, 24);
FIELD(obs_workspace_options, group, 32);
SIZE_AT_LEAST(obs_tenant_options, 24);
FIELD(obs_tenant_options, size, 0);
FIELD(obs_tenant_options, call, 8);
FIELD(obs_tenant_options, group, 16);
FIELD(obs_tenant_options, most_bytes, 24);
FIELD(obs_tenant_options, most_objects, 32);
FIELD(obs_tenant_options, most_entries, 40);
FIELD(obs_tenant_options, events_per_day, 48);
FIELD(obs_tenant_options, events_per_minute, 56);
FIELD(obs_tenant_options, reason, 64);
FIELD(obs_tenant_options, confirm, 72);
FIELD(obs_tenant_options, refuse_reads, 80);
SIZE_AT_LEAST(obs_ingest_stats_options, 40);
FIELD(obs_ingest_stats_options, size, 0);
FIELD(obs_ingest_stats_options, call, 8);
FIELD(obs_ingest_stats_options, by, 16);
FIELD(obs_ingest_stats_options, since, 24);
FIELD(obs_ingest_stats_options, until, 32);
SIZE_AT_LEAST(obs_usage_options, 32);
FIELD(obs_usage_options, size, 0);
FIELD(obs_usage_options, call, 8);
FIELD(obs_usage_options, prefix, 16);
FIELD(obs_usage_options, depth, 24);

#endif

int main(void)
{
    return 0; /* it compiled */
}
