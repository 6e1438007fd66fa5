package obs

/*
#include "shim.h"
*/
import "C"

import "context"

// IngestOptions says how something is ingested; the zero value is all defaults.
type IngestOptions struct {
	Labels      map[string]string
	Origin      string // where it came from, as in mpc_obs.dat:17
	ContentType string
	NoIndex     bool // only of IngestFile: as in PutOptions
	reason      string
}

func (options *IngestOptions) c(made *call) *C.obs_ingest_options {
	given := (*C.obs_ingest_options)(made.alloc(1, C.sizeof_obs_ingest_options))
	C.obs_ingest_options_init(given, C.sizeof_obs_ingest_options)
	given.call = made.c
	if options != nil {
		given.labels, given.label_count = made.pairs(options.Labels)
		given.origin, given.content_type = made.text(options.Origin), made.text(options.ContentType)
		given.reason = made.text(options.reason)
		if options.NoIndex {
			given.no_index = 1
		}
	}
	return given
}

// Define stores a data definition: a JSON Schema 2020-12.
func (client *Client) Define(ctx context.Context, name string, schema []byte) error {
	return withCall(ctx, client, func(made *call) error {
		bytes, size := data(schema)
		return failure(C.go_ingest_definition(client.c, made.always(name), (*C.char)(bytes), size, made.c))
	})
}

// Definitions are the data definitions of the tenant.
func (client *Client) Definitions(ctx context.Context) (*Rows, error) {
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_ingest_definitions(out, client.c, made.c)
	})
}

// IngestRecord ingests one record and returns its key. An error that Is(Refused) says why it does not fit.
func (client *Client) IngestRecord(ctx context.Context, definition string, record []byte, options *IngestOptions) (string, error) {
	var key string
	err := withCall(ctx, client, func(made *call) error {
		var out *C.obs_buffer
		bytes, size := data(record)
		failed := C.go_ingest_record(&out, client.c, made.always(definition), (*C.char)(bytes), size, options.c(made))
		key = string(bytesOf(out))
		return failure(failed)
	})
	return key, err
}

// IngestRecords ingests records, one JSON object a line, in one commit; each is accepted or refused by itself.
func (client *Client) IngestRecords(ctx context.Context, definition string, lines []byte, options *IngestOptions) (accepted, refused int, err error) {
	err = withCall(ctx, client, func(made *call) error {
		var counts C.obs_ingest_counts
		counts.size = C.sizeof_obs_ingest_counts
		bytes, size := data(lines)
		failed := C.go_ingest_records(&counts, client.c, made.always(definition), (*C.char)(bytes), size, options.c(made))
		accepted, refused = int(counts.accepted), int(counts.refused)
		return failure(failed)
	})
	return accepted, refused, err
}

// IngestFile ingests a whole file as an object.
func (client *Client) IngestFile(ctx context.Context, key string, content []byte, options *IngestOptions) error {
	return withCall(ctx, client, func(made *call) error {
		name, nameSize := text(key)
		bytes, size := data(content)
		return failure(C.go_ingest_file(client.c, name, nameSize, bytes, size, options.c(made)))
	})
}

// IngestRefuse logs something that could not even be made a record, with the reason.
func (client *Client) IngestRefuse(ctx context.Context, definition string, input []byte, reason string, options *IngestOptions) error {
	given := IngestOptions{}
	if options != nil {
		given = *options
	}
	given.reason = reason
	return withCall(ctx, client, func(made *call) error {
		bytes, size := data(input)
		return failure(C.go_ingest_refuse(client.c, made.always(definition), (*C.char)(bytes), size, given.c(made)))
	})
}

// IngestLogQuery says what part of the ingestion log is wanted.
type IngestLogQuery struct {
	Table  string // a definition, or "objects"
	Result string // "accepted" or "refused"
	After  string
	Limit  int
}

// IngestLog is the tenant's ingestion log, oldest first.
func (client *Client) IngestLog(ctx context.Context, query IngestLogQuery) (*Rows, error) {
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error {
		given := (*C.obs_ingest_log_options)(made.alloc(1, C.sizeof_obs_ingest_log_options))
		C.obs_ingest_log_options_init(given, C.sizeof_obs_ingest_log_options)
		given.call = made.c
		given.table, given.result = made.text(query.Table), made.text(query.Result)
		given.after, given.limit = made.text(query.After), C.size_t(query.Limit)
		return C.go_ingest_log(out, client.c, given)
	})
}
