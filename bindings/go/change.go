package obs

/*
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// SetOptions says how a value is changed; the zero value is all defaults.
type SetOptions struct {
	Layer   string // URL of the layer as in obs.yaml; "": the highest one that can be written
	IfMatch string // entity tag that the document must still have, as Explain told; "": as it is read
	DryRun  bool   // only checks
}

// Set changes one value in the document of a layer: Aborted when another writer was faster, Refused when the whole that
// would result does not fit. The value is what encoding/json makes of it, a time.Duration with its unit, or a
// json.RawMessage as it is. options may be nil.
func (config *Config) Set(ctx context.Context, name string, value any, options *SetOptions) error {
	written, err := inYAML(value)
	if err != nil {
		return err
	}
	return config.change(ctx, name, options, func(made *call) *C.char { return made.always(written) })
}

// Unset removes one value from the document of a layer. options may be nil.
func (config *Config) Unset(ctx context.Context, name string, options *SetOptions) error {
	return config.change(ctx, name, options, func(*call) *C.char { return nil })
}

func (config *Config) change(ctx context.Context, name string, options *SetOptions, value func(made *call) *C.char) error {
	return withCall(ctx, config, func(made *call) error {
		given := (*C.obs_config_set_options)(made.alloc(1, C.sizeof_obs_config_set_options))
		C.obs_config_set_options_init(given, C.sizeof_obs_config_set_options)
		given.call = made.c
		if options != nil {
			given.layer, given.if_match = made.text(options.Layer), made.text(options.IfMatch)
			if options.DryRun {
				given.dry_run = 1
			}
		}
		named, size := text(name)
		return failure(C.go_config_set(config.c, named, size, value(made), given))
	})
}

// inYAML is a value as it is written in a document, on one line.
func inYAML(value any) (string, error) {
	switch value := value.(type) {
	case time.Duration:
		return durationText(value), nil
	case Secret, *Secret:
		return "", &Error{Status: InvalidArgument, Message: "a secret is never written: write ${secret:env:NAME} or ${secret:file:/path}"}
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", &Error{Status: InvalidArgument, Message: "no such value can be written: " + err.Error(), cause: err}
	}
	return strings.TrimSuffix(written.String(), "\n"), nil
}

// durationText is a time span in the largest unit of which it is a whole number.
func durationText(span time.Duration) string {
	units := [...]struct {
		name string
		span time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}}
	for _, unit := range units {
		if span != 0 && span%unit.span == 0 {
			return fmt.Sprintf("%d%s", span/unit.span, unit.name)
		}
	}
	return fmt.Sprintf("%dns", span)
}

// Origin is where a value comes from.
type Origin struct {
	Name      string          `json:"name"`
	Value     json.RawMessage `json:"value"` // of a secret {"secret":…}
	Layer     string          `json:"layer"`
	Place     string          `json:"place"` // as in config.yaml:7:9
	ETag      string          `json:"etag"`  // of the document, for SetOptions.IfMatch
	Overrides []struct {
		Layer string          `json:"layer"`
		Value json.RawMessage `json:"value"`
		Place string          `json:"place"`
	} `json:"overrides"`
}

// Explain tells where a value, or each value of a mapping, comes from; "" is all.
func (values *Values) Explain(ctx context.Context, name string) ([]Origin, error) {
	if err := values.enter(); err != nil {
		return nil, err
	}
	defer values.leave()
	return gather[Origin](askRows(ctx, values, func(out **C.obs_rows, made *call) *C.obs_error {
		named, size := text(name)
		return C.go_config_explain(out, values.c, named, size, made.c)
	}))
}

// Source is how a source of the configuration is.
type Source struct {
	Layer   string  `json:"layer"`
	State   string  `json:"state"` // ok, stale, last-known-good, refused, absent
	ETag    string  `json:"etag"`
	Checked string  `json:"checked"` // RFC 3339
	Changed string  `json:"changed"`
	LagMS   float64 `json:"lag_ms"`
	Version int64   `json:"version"` // of a signed document
	Message string  `json:"message"`
}

// Sources tells how the sources are.
func (config *Config) Sources(ctx context.Context) ([]Source, error) {
	return gather[Source](askRows(ctx, config, func(out **C.obs_rows, _ *call) *C.obs_error {
		return C.go_config_sources(out, config.c)
	}))
}

// gather reads rows to their end.
func gather[T any](rows *Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	var all []T
	for row, err := range rows.All() {
		var one T
		if err == nil {
			err = json.Unmarshal(row, &one)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Refresh asks all sources now and takes over what changed. Refused, with the place, when a change does not fit; Unavailable when a
// source does not answer and its last known good document stays.
func (config *Config) Refresh(ctx context.Context) error {
	return withCall(ctx, config, func(made *call) error { return failure(C.go_config_refresh(config.c, made.c)) })
}

// Validate checks a document, YAML or JSON, as if it were the whole configuration. file is its name in messages.
func (config *Config) Validate(document []byte, file string) error {
	var memory arena
	defer memory.free()
	return config.look(true, func() *C.obs_error {
		bytes, size := data(document)
		return C.go_config_validate(config.c, (*C.char)(bytes), size, memory.text(file))
	})
}

// Sign signs a document that has a version with the workspace's configuration key. A layer {url: …, key: <key>} in obs.yaml
// takes only documents signed so, whose version never goes back.
func (config *Config) Sign(ctx context.Context, document []byte) (signed []byte, key string, err error) {
	err = withCall(ctx, config, func(made *call) error {
		var out, line *C.obs_buffer
		bytes, size := data(document)
		failed := C.go_config_sign(&out, config.c, (*C.char)(bytes), size, &line, made.c)
		signed, key = bytesOf(out), string(bytesOf(line))
		return failure(failed)
	})
	return signed, key, err
}
