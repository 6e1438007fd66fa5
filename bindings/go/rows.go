package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"iter"
	"runtime"
	"unsafe"
)

// Rows are the rows of a result, each a JSON object, read as they are asked for. For one goroutine at a time.
type Rows struct {
	c     *C.obs_rows
	owner any // keeps the client alive
}

// askRows makes a call that gives rows.
func askRows(ctx context.Context, owner any, ask func(out **C.obs_rows, made *call) *C.obs_error) (*Rows, error) {
	var out *C.obs_rows
	err := withCall(ctx, owner, func(made *call) error { return failure(ask(&out, made)) })
	if err != nil {
		return nil, err
	}
	rows := &Rows{c: out, owner: owner}
	runtime.SetFinalizer(rows, (*Rows).Close)
	return rows, nil
}

// Next gives the next row, or nil after the last.
func (rows *Rows) Next() (json.RawMessage, error) {
	if rows.c == nil {
		return nil, nil
	}
	slots.take()
	defer slots.leave()
	var row *C.char
	var size C.size_t
	if err := failure(C.go_rows_next(rows.c, &row, &size)); err != nil || row == nil {
		return nil, err
	}
	return C.GoBytes(unsafe.Pointer(row), C.int(size)), nil
}

// All gives the rows one after the other and closes them; an error is the last thing given.
func (rows *Rows) All() iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		defer rows.Close()
		for {
			row, err := rows.Next()
			if row == nil && err == nil {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// Position continues the same question later, as its After.
func (rows *Rows) Position() string {
	if rows.c == nil {
		return ""
	}
	return C.GoString(C.obs_rows_position(rows.c))
}

// Close frees the rows.
func (rows *Rows) Close() error {
	if rows.c != nil {
		runtime.SetFinalizer(rows, nil)
		C.obs_rows_free(rows.c)
		rows.c = nil
	}
	return nil
}
