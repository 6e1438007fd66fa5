package obs

/*
#include "shim.h"
*/
import "C"

import "context"

// Quotas of a tenant: 0 leaves one as it is, NoQuota removes it.
type Quotas struct {
	Bytes           int64 // of all objects and records
	Objects         int64
	Entries         int64 // of the catalog: objects and records
	EventsPerDay    int64 // UTC, those about ingestion included
	EventsPerMinute int64 // a bucket of so many, which fills evenly within a minute
}

// NoQuota stands for no limit.
const NoQuota = -1

// changeTenant makes a call with the options of a tenant.
func changeTenant(ctx context.Context, client *Client, name string, fill func(*C.obs_tenant_options, *call),
	change func(*C.char, *C.obs_tenant_options) *C.obs_error) error {
	return withCall(ctx, client, func(made *call) error {
		given := (*C.obs_tenant_options)(made.alloc(1, C.sizeof_obs_tenant_options))
		C.obs_tenant_options_init(given, C.sizeof_obs_tenant_options)
		given.call = made.c
		fill(given, made)
		return failure(change(made.always(name), given))
	})
}

// ModifyTenant sets quotas of a tenant.
func (client *Client) ModifyTenant(ctx context.Context, name string, quotas Quotas) error {
	return changeTenant(ctx, client, name, func(given *C.obs_tenant_options, _ *call) {
		given.most_bytes, given.most_objects = C.int64_t(quotas.Bytes), C.int64_t(quotas.Objects)
		given.most_entries, given.events_per_day = C.int64_t(quotas.Entries), C.int64_t(quotas.EventsPerDay)
		given.events_per_minute = C.int64_t(quotas.EventsPerMinute)
	}, func(name *C.char, given *C.obs_tenant_options) *C.obs_error {
		return C.go_tenant_modify(client.c, name, given)
	})
}

// Suspension says how a tenant is suspended.
type Suspension struct {
	Reason      string // for those who are refused
	RefuseReads bool
}

// SuspendTenant refuses all changes to a tenant's data from now on, for all processes.
func (client *Client) SuspendTenant(ctx context.Context, name string, suspension Suspension) error {
	return changeTenant(ctx, client, name, func(given *C.obs_tenant_options, made *call) {
		given.reason = made.text(suspension.Reason)
		if suspension.RefuseReads {
			given.refuse_reads = 1
		}
	}, func(name *C.char, given *C.obs_tenant_options) *C.obs_error {
		return C.go_tenant_suspend(client.c, name, given)
	})
}

// ResumeTenant ends the suspension of a tenant.
func (client *Client) ResumeTenant(ctx context.Context, name string) error {
	return changeTenant(ctx, client, name, func(*C.obs_tenant_options, *call) {},
		func(name *C.char, given *C.obs_tenant_options) *C.obs_error {
			return C.go_tenant_resume(client.c, name, given)
		})
}

// ExportTenant writes all that a tenant has into a new folder, which appears when all of it is there.
func (client *Client) ExportTenant(ctx context.Context, name, path string) error {
	var folder *C.char
	return changeTenant(ctx, client, name, func(_ *C.obs_tenant_options, made *call) { folder = made.always(path) },
		func(name *C.char, given *C.obs_tenant_options) *C.obs_error {
			return C.go_tenant_export(client.c, name, folder, given)
		})
}

// DeleteTenant deletes a tenant for ever, but its audit trail and its name. confirm is the name once more.
func (client *Client) DeleteTenant(ctx context.Context, name, confirm, reason string) error {
	return changeTenant(ctx, client, name, func(given *C.obs_tenant_options, made *call) {
		given.confirm, given.reason = made.text(confirm), made.text(reason)
	}, func(name *C.char, given *C.obs_tenant_options) *C.obs_error {
		return C.go_tenant_delete(client.c, name, given)
	})
}

// IngestStatsQuery says how the ingestion log is counted.
type IngestStatsQuery struct {
	By    string // a row for each of tenant, table, reason and hour or day, with commas
	Since string // RFC 3339 or a date
	Until string
}

// IngestStats is the ingestion log, counted.
func (client *Client) IngestStats(ctx context.Context, query IngestStatsQuery) (*Rows, error) {
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_ingest_stats_options)(made.alloc(1, C.sizeof_obs_ingest_stats_options))
		C.obs_ingest_stats_options_init(given, C.sizeof_obs_ingest_stats_options)
		given.call, given.by = made.c, made.text(query.By)
		given.since, given.until = made.text(query.Since), made.text(query.Until)
		return C.go_ingest_stats(out, client.c, given)
	})
}

// Usage is how much there is below a prefix, folder by folder, as quotas count it; the last row has "total".
func (catalog *Catalog) Usage(ctx context.Context, prefix string, depth int) (*Rows, error) {
	return askRows(ctx, catalog, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_usage_options)(made.alloc(1, C.sizeof_obs_usage_options))
		C.obs_usage_options_init(given, C.sizeof_obs_usage_options)
		given.call, given.prefix, given.depth = made.c, made.text(prefix), C.int32_t(depth)
		return C.go_catalog_usage(out, catalog.c, given)
	})
}
