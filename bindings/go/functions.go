package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
)

// Functions is what the functions of a workspace are, printed, and made. Safe for concurrent use. `obsctl function run` runs
// them; what a function itself uses is FunctionMain.
type Functions struct{ client *Client }

// Functions are the functions of the workspace.
func (client *Client) Functions() *Functions { return &Functions{client} }

// List has a row for each: its digest, the events it is for, whether its manifest is right.
func (functions *Functions) List(ctx context.Context) (*Rows, error) {
	return askRows(ctx, functions.client, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_function_list(out, functions.client.c)
	})
}

// Logs is what a function printed, and why its events failed; trace is a trace id or the id of an event, or "" for all.
func (functions *Functions) Logs(ctx context.Context, name, trace string) (*Rows, error) {
	return askRows(ctx, functions.client, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_function_logs(out, functions.client.c, made.always(name), made.text(trace))
	})
}

// Replay tells what functions would make now of an event on the bus, and whether it is there already. Nothing of it happens.
// name "" is all functions that want the event.
func (functions *Functions) Replay(ctx context.Context, event, name string) (*Rows, error) {
	var out *C.obs_rows
	err := runLong(ctx, func(made *call) error {
		return failure(C.go_function_replay(&out, functions.client.c, made.always(event), made.text(name), made.c))
	})
	runtime.KeepAlive(functions)
	if err != nil {
		return nil, err
	}
	rows := &Rows{c: out, owner: functions.client}
	runtime.SetFinalizer(rows, (*Rows).Close)
	return rows, nil
}

// Verdict is whether a product that is made again is the same.
type Verdict string

// The verdicts of a Reproduction.
const (
	Identical  Verdict = "identical"
	Differs    Verdict = "differs"
	Impossible Verdict = "impossible" // the reason says why
)

// Bytes of a product: how many, and their SHA-256.
type Bytes struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Place is where two products begin to differ: a byte, counted from 0, and of two JSON documents the first member.
type Place struct {
	Byte   int64   `json:"byte"`
	Member *string `json:"member"`
	Before any     `json:"before"`
	Now    any     `json:"now"`
}

// SettingDifference is a setting that differs between two configurations.
type SettingDifference struct {
	Name   string `json:"name"`
	Before any    `json:"before"`
	Now    any    `json:"now"`
}

// Departure is one thing that is not as it was when a product was made: What is `code`, `configuration` or `input`.
type Departure struct {
	What     string              `json:"what"`
	Name     string              `json:"name"`
	Before   string              `json:"before"` // SHA-256; "": none
	Now      string              `json:"now"`
	Settings []SettingDifference `json:"settings"` // of a configuration; nil: not known any more
}

// Reproduction is how a product was made again.
type Reproduction struct {
	Key      string  `json:"key"`
	Verdict  Verdict `json:"verdict"`
	Reason   string  `json:"reason"`
	Function string  `json:"function"`
	Digest   string  `json:"digest"`
	Event    struct {
		Source string `json:"source"`
		ID     string `json:"id"`
	} `json:"event"`
	Made    Bytes       `json:"made"`
	Now     *Bytes      `json:"now"` // nil: it is not made any more
	Differs []Departure `json:"differs"`
	First   *Place      `json:"first"`
}

// ReproduceOptions says how a product is made again.
type ReproduceOptions struct {
	PresentCode bool // with the code that is there now, although it is not that which made the product
}

// Reproduce makes a product of a function again, without any effect, and compares. options may be nil.
func (functions *Functions) Reproduce(ctx context.Context, key string, options *ReproduceOptions) (*Reproduction, error) {
	var out *C.obs_buffer
	err := runLong(ctx, func(made *call) error {
		given := (*C.obs_reproduce_options)(made.alloc(1, C.sizeof_obs_reproduce_options))
		C.obs_reproduce_options_init(given, C.sizeof_obs_reproduce_options)
		given.call = made.c
		if options != nil {
			given.present_code = number(options.PresentCode)
		}
		name, size := text(key)
		return failure(C.go_function_reproduce(&out, functions.client.c, name, size, given))
	})
	runtime.KeepAlive(functions)
	if err != nil {
		return nil, err
	}
	var found Reproduction
	if err := json.Unmarshal(bytesOf(out), &found); err != nil {
		return nil, err
	}
	return &found, nil
}

// Configuration is a configuration that products were made with, by their label "configuration", as JSON. The last 1,000 are
// kept.
func (functions *Functions) Configuration(ctx context.Context, sha256 string) (json.RawMessage, error) {
	var out *C.obs_buffer
	err := withCall(ctx, functions.client, func(made *call) error {
		return failure(C.go_function_configuration(&out, functions.client.c, made.always(sha256), made.c))
	})
	if err != nil {
		return nil, err
	}
	return bytesOf(out), nil
}
