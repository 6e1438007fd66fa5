package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"time"
)

// Consumers tells of each consumer how far it is, and what waits for it.
func (bus *Bus) Consumers(ctx context.Context) (*Rows, error) {
	return askRows(ctx, bus, func(out **C.obs_rows, made *call) *C.obs_error { return C.go_bus_consumers(out, bus.c, made.c) })
}

// Pause hands out no events to a consumer, until a time or, with the zero time, until it is resumed.
func (bus *Bus) Pause(ctx context.Context, consumer string, until time.Time, reason string) error {
	var milliseconds C.int64_t
	if !until.IsZero() {
		milliseconds = C.int64_t(until.UnixMilli())
	}
	return withCall(ctx, bus, func(made *call) error {
		return failure(C.go_bus_pause(bus.c, made.always(consumer), milliseconds, made.text(reason), made.c))
	})
}

// Resume goes on with a paused consumer.
func (bus *Bus) Resume(ctx context.Context, consumer string) error {
	return withCall(ctx, bus, func(made *call) error {
		return failure(C.go_bus_resume(bus.c, made.always(consumer), made.c))
	})
}

// Remove removes a consumer with its position and its dead letters.
func (bus *Bus) Remove(ctx context.Context, consumer string) error {
	return withCall(ctx, bus, func(made *call) error {
		return failure(C.go_bus_remove(bus.c, made.always(consumer), made.c))
	})
}

// DeadLetters gives the events that a consumer, or with "" any, could not do, with the reason.
func (bus *Bus) DeadLetters(ctx context.Context, consumer string) (*Rows, error) {
	return askRows(ctx, bus, func(out **C.obs_rows, made *call) *C.obs_error {
		return C.go_bus_dead_letters(out, bus.c, made.text(consumer), made.c)
	})
}

// Replay lets a dead letter, or with 0 all of a consumer, come again, and says how many.
func (bus *Bus) Replay(ctx context.Context, consumer string, sequence uint64) (uint64, error) {
	var count C.uint64_t
	err := withCall(ctx, bus, func(made *call) error {
		return failure(C.go_bus_replay(&count, bus.c, made.always(consumer), C.uint64_t(sequence), made.c))
	})
	return uint64(count), err
}

// Discard gives a dead letter, or with 0 all of a consumer, up, and says how many.
func (bus *Bus) Discard(ctx context.Context, consumer string, sequence uint64) (uint64, error) {
	var count C.uint64_t
	err := withCall(ctx, bus, func(made *call) error {
		return failure(C.go_bus_discard(&count, bus.c, made.always(consumer), C.uint64_t(sequence), made.c))
	})
	return uint64(count), err
}
