package obs

/*
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
	"unsafe"
)

// FunctionCall is one event that a function handles. Nothing that it makes is visible before the handler has returned nil.
// For one goroutine at a time, until the handler returns.
type FunctionCall struct {
	c     *C.obs_function_call
	event Event
}

// with adds something to what is made.
func (function *FunctionCall) with(add func(made *call) *C.obs_error) error {
	if function.c == nil {
		return errClosed
	}
	var made call
	defer made.release()
	return failure(add(&made))
}

// Event is the event.
func (function *FunctionCall) Event() Event { return function.event }

// Attempt is how often it was tried, this time included.
func (function *FunctionCall) Attempt() int { return int(C.obs_function_attempt(function.c)) }

// Remaining is how long until this process is killed; negative: it is not.
func (function *FunctionCall) Remaining() time.Duration {
	return time.Duration(C.obs_function_remaining_ms(function.c)) * time.Millisecond
}

// Folder is a folder for what is needed while the event is handled. It is removed afterwards, and kept when the handler fails.
func (function *FunctionCall) Folder() (string, error) {
	var path *C.char
	err := function.with(func(*call) *C.obs_error { return C.go_function_folder(&path, function.c) })
	return C.GoString(path), err
}

// Config is the configuration for this event: one snapshot for the whole call, taken when it is asked for the first time. From
// then on it is part of the lineage of all that this call puts, as the label "configuration". A call that never asks claims none.
func (function *FunctionCall) Config() (*Snapshot, error) {
	var out *C.obs_config
	err := function.with(func(*call) *C.obs_error { return C.go_function_config(&out, function.c) })
	if err != nil {
		return nil, err
	}
	return newSnapshot(out), nil
}

// Get reads an object, which counts as an input of all that this call puts.
func (function *FunctionCall) Get(key string) ([]byte, error) {
	var out *C.obs_buffer
	err := function.with(func(*call) *C.obs_error {
		name, size := text(key)
		return C.go_function_get(&out, function.c, name, size)
	})
	if err != nil {
		return nil, err
	}
	return bytesOf(out), nil
}

// Put adds an object to what is made. options may be nil.
func (function *FunctionCall) Put(key string, content []byte, options *PutOptions) error {
	values, err := options.values()
	if err != nil {
		return err
	}
	return function.with(func(made *call) *C.obs_error {
		name, nameSize := text(key)
		bytes, size := data(content)
		return C.go_function_put(function.c, name, nameSize, bytes, size, options.c(made, values))
	})
}

// PutFile adds a file of Folder: its path there, or one that leads there.
func (function *FunctionCall) PutFile(key, path string, options *PutOptions) error {
	values, err := options.values()
	if err != nil {
		return err
	}
	if filepath.IsAbs(path) {
		folder, err := function.Folder()
		if err != nil {
			return err
		}
		if path, err = filepath.Rel(folder, path); err != nil {
			return err
		}
	}
	return function.with(func(made *call) *C.obs_error {
		name, nameSize := text(key)
		return C.go_function_put_file(function.c, name, nameSize, made.always(path), options.c(made, values))
	})
}

// Publish adds an event. Its id follows from the event that is handled, so that a repeated call publishes the same one.
func (function *FunctionCall) Publish(event Event, options *PublishOptions) error {
	return function.with(func(made *call) *C.obs_error {
		return C.go_function_publish(function.c, event.c(&made.arena), options.c(made))
	})
}

// Label adds labels of an entry; the value "" removes one.
func (function *FunctionCall) Label(key string, labels map[string]string) error {
	return function.with(func(made *call) *C.obs_error {
		name, size := text(key)
		pairs, count := made.pairs(labels)
		return C.go_function_label(function.c, name, size, pairs, count)
	})
}

// Record adds a record; one that does not fit its definition goes into the ingestion log with the reason.
func (function *FunctionCall) Record(definition string, record []byte) error {
	return function.with(func(made *call) *C.obs_error {
		bytes, size := data(record)
		return C.go_function_record(function.c, made.always(definition), (*C.char)(bytes), size)
	})
}

const functionHelp = `This program is a function of libobs: it handles events that the runner gives it.

  --event FILE   handle the event in FILE (JSON) alone, and print what would be made; nothing is made
  --help         this text

'obsctl function run' starts it; 'obsctl help function run' says more.
`

// attempt calls the handler; a panic is a failure with its text.
func attempt(handler func(*FunctionCall) error, function *FunctionCall) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			debug.PrintStack()
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return handler(function)
}

// finish hands over what was made, or why nothing was.
func (function *FunctionCall) finish(outcome error) ([]byte, error) {
	var made arena
	defer made.free()
	var out *C.obs_buffer
	status, reason := C.obs_status(C.OBS_OK), (*C.char)(nil)
	if outcome != nil {
		status = C.OBS_UNKNOWN
		var failed *Error
		var code Status
		if errors.As(outcome, &failed) {
			status = C.obs_status(failed.Status)
		} else if errors.As(outcome, &code) && code != 0 {
			status = C.obs_status(code)
		}
		reason = made.text(outcome.Error())
	}
	c := function.c
	function.c = nil
	if err := failure(C.go_function_finish(&out, c, status, reason)); err != nil {
		return nil, err
	}
	return bytesOf(out), nil
}

func serveFunction(handler func(*FunctionCall) error, event []byte) error {
	var c *C.obs_function
	bytes, size := data(event)
	opened := func() *C.obs_error { return C.go_function_serve(&c) }
	if event != nil {
		opened = func() *C.obs_error { return C.go_function_try(&c, (*C.char)(unsafe.Pointer(bytes)), size) }
	}
	if err := failure(opened()); err != nil {
		return err
	}
	defer C.obs_function_free(c)
	for {
		var next *C.obs_function_call
		if err := failure(C.go_function_next(&next, c)); err != nil || next == nil {
			return err
		}
		function := &FunctionCall{c: next, event: eventOf(C.obs_function_event(next))}
		outcome := attempt(handler, function)
		made, err := function.finish(outcome)
		if err == nil && event != nil {
			os.Stdout.Write(made)
			err = outcome
		}
		if err != nil {
			return err
		}
	}
}

// FunctionMain is the whole of a function's main(): it answers the runner until there is no more to do, and ends the program.
// An error that Is(Refused) says that repeating cannot help; with any other one the event comes again.
func FunctionMain(handler func(*FunctionCall) error) {
	arguments := os.Args[1:]
	var event []byte
	var err error
	switch {
	case len(arguments) == 0:
	case len(arguments) == 1 && arguments[0] == "--help":
		fmt.Print(functionHelp)
		os.Exit(0)
	case len(arguments) == 2 && arguments[0] == "--event":
		if event, err = os.ReadFile(arguments[1]); err == nil && event == nil {
			event = []byte{}
		}
	default:
		fmt.Fprint(os.Stderr, functionHelp)
		os.Exit(2)
	}
	if err == nil {
		err = serveFunction(handler, event)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
