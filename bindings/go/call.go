package obs

/*
#cgo pkg-config: obs
#cgo noescape obs_cancel_set
#cgo nocallback obs_cancel_set
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"bytes"
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// WithTrace gives calls made with the context a W3C traceparent.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceparent)
}

// WithIdempotencyKey makes a change with this key happen once, however often it is repeated.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// WithSubject makes calls act for this subject.
func WithSubject(ctx context.Context, subject string) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject)
}

type (
	traceKey       struct{}
	idempotencyKey struct{}
	subjectKey     struct{}
)

// A callState is what a context becomes in C: an obs_call and its cancel token. States are reused, so that a call with a
// context costs no allocation in C; one whose token was set is not.
type callState struct {
	c       *C.obs_call
	cancel  *token
	set     func() // sets the token
	strings [3]*C.char
}

// A token lives as long as somebody may set it, which a context that ended does in its own time.
type token struct{ c *C.obs_cancel }

var callStates = sync.Pool{New: func() any {
	state := &callState{c: (*C.obs_call)(C.calloc(1, C.sizeof_obs_call)), cancel: &token{}}
	if state.c == nil {
		return state
	}
	C.obs_call_init(state.c, C.sizeof_obs_call)
	cancel := state.cancel
	C.obs_cancel_new(&cancel.c, nil) // without a token a call still has its deadline
	state.set = func() {
		C.obs_cancel_set(cancel.c)
		runtime.KeepAlive(cancel)
	}
	runtime.SetFinalizer(cancel, func(cancel *token) { C.obs_cancel_free(cancel.c) })
	runtime.SetFinalizer(state, (*callState).free)
	return state
}}

func tokenIsSet(state *callState) int { return int(C.obs_cancel_is_set(state.cancel.c)) }

func (state *callState) free() {
	state.forget()
	C.free(unsafe.Pointer(state.c))
}

// values copies what the context says beside its end.
func (state *callState) values(ctx context.Context) {
	for i, key := range [...]any{traceKey{}, idempotencyKey{}, subjectKey{}} {
		if text, ok := ctx.Value(key).(string); ok {
			state.strings[i] = C.CString(text)
		}
	}
	state.c.traceparent, state.c.idempotency_key, state.c.subject = state.strings[0], state.strings[1], state.strings[2]
}

func (state *callState) forget() {
	for i, text := range state.strings {
		if text != nil {
			C.free(unsafe.Pointer(text))
			state.strings[i] = nil
		}
	}
}

// A call is one call of the library, or several under one context, with memory for their arguments. release() when it is over.
type call struct {
	arena
	c     *C.obs_call // NULL for a context that asks for nothing
	state *callState
	stop  func() bool
	slot  bool
}

// plain says that a context asks for nothing: no deadline, no cancellation, no values of ours. Only the context's own two
// constants are known to hold no values.
func plain(ctx context.Context) bool {
	return ctx == context.Background() || ctx == context.TODO()
}

// begin is for what waits for long or lasts: it takes no slot.
func (made *call) begin(ctx context.Context) error {
	if plain(ctx) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	state := callStates.Get().(*callState)
	if state.c == nil {
		return errNoMemory
	}
	made.c, made.state = state.c, state
	state.c.timeout_ms = -1
	set := state.set
	if deadline, ok := ctx.Deadline(); ok {
		state.c.timeout_ms = C.int64_t(max(1, time.Until(deadline).Milliseconds()))
		set = func() { // at the deadline the library ends the call itself, and calls it that
			if ctx.Err() != context.DeadlineExceeded {
				state.set()
			}
		}
	}
	state.values(ctx)
	state.c.cancel = nil
	if ctx.Done() != nil {
		state.c.cancel = state.cancel.c
		made.stop = context.AfterFunc(ctx, set)
	}
	return nil
}

// enter is begin with one of the slots for calls that use the disk.
func (made *call) enter(ctx context.Context) error {
	if err := slots.enter(ctx); err != nil {
		return err
	}
	made.slot = true
	err := made.begin(ctx)
	if err != nil {
		made.release()
	}
	return err
}

func (made *call) release() {
	made.free()
	if made.slot {
		made.slot = false
		slots.leave()
	}
	state := made.state
	if state == nil {
		return
	}
	made.state, made.c = nil, nil
	state.forget()
	if made.stop == nil || made.stop() {
		callStates.Put(state)
	}
	// Else the context ended, and the token is set or soon will be: it goes with the garbage.
}

// withCall runs one call with what the context says. What it is made on lives until it is over.
func withCall(ctx context.Context, on any, run func(made *call) error) error {
	var made call
	if err := made.enter(ctx); err != nil {
		return err
	}
	defer runtime.KeepAlive(on)
	defer made.release()
	return run(&made)
}

// A gate lets so many in at the same time; the others wait in Go, where it costs no thread.
type gate struct {
	most  int64
	count atomic.Int64 // inside and waiting
	wake  chan struct{}
}

// 64 threads that wait for a disk are enough for every disk, and few enough for a small machine.
var slots = gate{most: 64, wake: make(chan struct{}, 64)}

func (g *gate) enter(ctx context.Context) error {
	if g.count.Add(1) <= g.most {
		return nil
	}
	select {
	case <-g.wake:
		return nil
	case <-ctx.Done():
		return g.giveUp(ctx)
	}
}

func (g *gate) giveUp(ctx context.Context) error {
	for {
		count := g.count.Load()
		if count <= g.most { // who left let this one in at the same moment
			<-g.wake
			g.leave()
			return ctx.Err()
		}
		if g.count.CompareAndSwap(count, count-1) {
			return ctx.Err()
		}
	}
}

// take is enter for calls without a context.
func (g *gate) take() { _ = g.enter(context.Background()) }

func (g *gate) leave() {
	if g.count.Add(-1) >= g.most {
		g.wake <- struct{}{} // never full: at most as many as may be inside
	}
}

// text gives C the bytes of a Go string for the time of the call.
func text(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

func data(b []byte) (unsafe.Pointer, C.size_t) {
	return unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b))
}

// An arena holds C copies of strings for the time of one call.
type arena struct{ memory []unsafe.Pointer }

func (a *arena) text(s string) *C.char {
	if s == "" {
		return nil
	}
	copied := C.CString(s)
	a.memory = append(a.memory, unsafe.Pointer(copied))
	return copied
}

func (a *arena) alloc(count int, size uintptr) unsafe.Pointer {
	memory := C.calloc(C.size_t(max(count, 1)), C.size_t(size))
	if memory == nil {
		panic("obs: not enough memory")
	}
	a.memory = append(a.memory, memory)
	return memory
}

func (a *arena) pairs(values map[string]string) (*C.obs_pair, C.size_t) {
	if len(values) == 0 {
		return nil, 0
	}
	memory := (*C.obs_pair)(a.alloc(len(values), unsafe.Sizeof(C.obs_pair{})))
	pairs := unsafe.Slice(memory, len(values))
	i := 0
	for name, value := range values {
		pairs[i].name = a.always(name)
		pairs[i].value = a.always(value)
		i++
	}
	return memory, C.size_t(len(values))
}

// always copies the empty string too.
func (a *arena) always(s string) *C.char {
	copied := C.CString(s)
	a.memory = append(a.memory, unsafe.Pointer(copied))
	return copied
}

func (a *arena) texts(values []string) **C.char {
	if len(values) == 0 {
		return nil
	}
	memory := (**C.char)(a.alloc(len(values), unsafe.Sizeof((*C.char)(nil))))
	for i, value := range values {
		unsafe.Slice(memory, len(values))[i] = a.always(value)
	}
	return memory
}

func (a *arena) free() {
	for _, memory := range a.memory {
		C.free(memory)
	}
	a.memory = nil
}

func pairsOf(pairs *C.obs_pair, count C.size_t) map[string]string {
	values := make(map[string]string, int(count))
	for _, pair := range unsafe.Slice(pairs, int(count)) {
		values[C.GoString(pair.name)] = C.GoString(pair.value)
	}
	return values
}

// bytesOf copies a buffer of the library into Go memory and frees it.
func bytesOf(buffer *C.obs_buffer) []byte {
	if buffer == nil {
		return nil
	}
	defer C.obs_buffer_free(buffer)
	return bytes.Clone(unsafe.Slice((*byte)(C.obs_buffer_data(buffer)), int(C.obs_buffer_size(buffer))))
}
