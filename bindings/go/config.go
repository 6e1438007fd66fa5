package obs

/*
#cgo noescape go_config_number
#cgo nocallback go_config_number
#cgo noescape go_config_text
#cgo nocallback go_config_text
#cgo noescape go_config_json
#cgo nocallback go_config_json
#include "shim.h"
*/
import "C"

import (
	"context"
	"encoding/json"
	"iter"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// Values are values of the configuration by name: the path with points, as in ccd.gain or sites.3.name. What is not there
// gives NotFound with the nearest name there is; what is of another type gives InvalidArgument with file, line and column.
type Values struct {
	c    *C.obs_config
	hold *hold       // of a snapshot; nil: the client's own, which lives as long as the client
	read atomic.Bool // the client's own was read before: now it is in memory
}

// Config is the configuration of a workspace as it is now. Safe for concurrent use.
type Config struct{ Values }

// Snapshot is the configuration as it was at one moment, for values that belong together. Safe for concurrent use, also
// beside Close.
type Snapshot struct{ Values }

// Config is the configuration of the workspace.
func (client *Client) Config() *Config { return &client.config }

var errNoConfig = &Error{Status: FailedPrecondition, Message: "there is no configuration in this context: put one there with obs.WithConfig"}

// enter makes sure that the configuration stays while it is asked; leave afterwards.
func (values *Values) enter() error {
	if values.c == nil {
		return errNoConfig
	}
	if values.hold != nil && !values.hold.enter() {
		return errClosed
	}
	return nil
}

func (values *Values) leave() {
	if values.hold != nil {
		values.hold.leave()
	}
	runtime.KeepAlive(values)
}

// look asks something that takes no context, with a slot when it may use the disk.
func (values *Values) look(disk bool, ask func() *C.obs_error) error {
	if err := values.enter(); err != nil {
		return err
	}
	defer values.leave()
	if !disk && (values.hold != nil || values.read.Load()) {
		return failure(ask())
	}
	slots.take()
	defer slots.leave()
	failed := ask()
	values.read.Store(C.obs_config_version(values.c) != 0)
	return failure(failed)
}

func (values *Values) number(name string, kind C.obs_setting_type) (got C.go_number, err error) {
	err = values.look(false, func() *C.obs_error {
		named, size := text(name)
		got = C.go_config_number(values.c, named, size, kind)
		return got.failed
	})
	return got, err
}

// Bool is true or false.
func (values *Values) Bool(name string) (bool, error) {
	got, err := values.number(name, C.OBS_SETTING_BOOL)
	return got.integer != 0, err
}

// Int is an integer.
func (values *Values) Int(name string) (int64, error) {
	got, err := values.number(name, C.OBS_SETTING_INT)
	return int64(got.integer), err
}

// Float is a number.
func (values *Values) Float(name string) (float64, error) {
	got, err := values.number(name, C.OBS_SETTING_FLOAT)
	return float64(got.real), err
}

// Duration is a time span, written with its units as in 250ms or 1h30m (ns us ms s m h d).
func (values *Values) Duration(name string) (time.Duration, error) {
	got, err := values.number(name, C.OBS_SETTING_DURATION)
	return time.Duration(got.integer), err
}

// Bytes is a size in bytes, written as in 64MiB, 10kB or 4096.
func (values *Values) Bytes(name string) (uint64, error) {
	got, err := values.number(name, C.OBS_SETTING_BYTES)
	return uint64(got.integer), err
}

// String is a text.
func (values *Values) String(name string) (string, error) {
	return values.text(func() C.go_bytes {
		named, size := text(name)
		return C.go_config_text(values.c, named, size)
	})
}

// JSON is any value, also a list or a mapping; "" is the whole. A secret in it is {"secret":"env:NAME"}.
func (values *Values) JSON(name string) (json.RawMessage, error) {
	content, err := values.text(func() C.go_bytes {
		named, size := text(name)
		return C.go_config_json(values.c, named, size)
	})
	return json.RawMessage(content), err
}

func (values *Values) text(ask func() C.go_bytes) (content string, err error) {
	err = values.look(false, func() *C.obs_error {
		got := ask()
		content = C.GoStringN(got.data, C.int(got.size))
		C.obs_buffer_free(got.buffer)
		return got.failed
	})
	return content, err
}

// Unmarshal reads any value into a variable, as encoding/json does it; "" is the whole.
func (values *Values) Unmarshal(name string, into any) error {
	content, err := values.JSON(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return &Error{Status: InvalidArgument, Message: "'" + name + "' does not fit: " + err.Error(), cause: err}
	}
	return nil
}

// Secret is what stands behind ${secret:env:NAME} or ${secret:file:/path}, as it is now. PermissionDenied when obs.yaml does
// not name the secret; Unavailable when it cannot be read.
func (values *Values) Secret(name string) (*Secret, error) {
	var out *C.obs_secret
	err := values.look(true, func() *C.obs_error {
		named, size := text(name)
		return C.go_config_secret(&out, values.c, named, size)
	})
	if err != nil {
		return nil, err
	}
	values.dropVariable(name)
	return newSecret(out), nil
}

// dropVariable removes the variable that holds a secret from Go's own copy of the environment, as the library took it out of
// the process's: else children of os/exec would inherit it.
func (values *Values) dropVariable(name string) {
	var reference struct {
		Secret string `json:"secret"`
	}
	if values.Unmarshal(name, &reference) == nil {
		if variable, ok := strings.CutPrefix(reference.Secret, "env:"); ok {
			os.Unsetenv(variable)
		}
	}
}

// Version says which whole this is: 0 before the first was read, 1 for the first, one more for each that replaced it in
// this process.
func (values *Values) Version() uint64 {
	if values.enter() != nil {
		return 0
	}
	defer values.leave()
	return uint64(C.obs_config_version(values.c))
}

// Snapshot is the configuration at this moment: its values never change. Unavailable when no source ever answered.
func (config *Config) Snapshot(ctx context.Context) (*Snapshot, error) {
	var out *C.obs_config
	err := withCall(ctx, config, func(made *call) error {
		return failure(C.go_config_snapshot(&out, config.c, made.c))
	})
	if err != nil {
		return nil, err
	}
	return newSnapshot(out), nil
}

func newSnapshot(c *C.obs_config) *Snapshot {
	snapshot := &Snapshot{Values{c: c, hold: newHold(func() { C.obs_config_free(c) })}}
	runtime.SetFinalizer(snapshot, (*Snapshot).Close)
	return snapshot
}

// Close gives the snapshot back. What asks it later gets FailedPrecondition.
func (snapshot *Snapshot) Close() error {
	if snapshot.hold != nil {
		runtime.SetFinalizer(snapshot, nil)
		snapshot.hold.close()
	}
	return nil
}

type configKey struct{}

// WithConfig puts a snapshot into a context, so that all that is done for one task sees one configuration.
func WithConfig(ctx context.Context, snapshot *Snapshot) context.Context {
	return context.WithValue(ctx, configKey{}, snapshot)
}

// ConfigFrom is the snapshot that WithConfig put there, never nil: without one, what asks it gets FailedPrecondition.
func ConfigFrom(ctx context.Context) *Snapshot {
	if snapshot, ok := ctx.Value(configKey{}).(*Snapshot); ok && snapshot != nil {
		return snapshot
	}
	return &Snapshot{}
}

// Wait waits until the configuration is another one than version, which is what Version or an earlier Wait gave, and gives
// the new one. It keeps a thread: let one goroutine wait for many.
func (config *Config) Wait(ctx context.Context, version uint64) (uint64, error) {
	var made call
	if err := made.begin(ctx); err != nil {
		return 0, err
	}
	defer runtime.KeepAlive(config)
	defer made.release()
	if made.c == nil { // C would give up after its usual time
		made.c = (*C.obs_call)(made.alloc(1, C.sizeof_obs_call))
		C.obs_call_init(made.c, C.sizeof_obs_call)
		made.c.timeout_ms = -1
	}
	var out C.uint64_t
	err := failure(C.go_config_wait(&out, config.c, C.uint64_t(version), made.c))
	return uint64(out), err
}

// Changes gives the version of each configuration that replaces the one before, from now until the context ends; an error is
// the last thing given.
func (config *Config) Changes(ctx context.Context) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		for known := config.Version(); ; {
			version, err := config.Wait(ctx, known)
			if !yield(version, err) || err != nil {
				return
			}
			known = version
		}
	}
}
