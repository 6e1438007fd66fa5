package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
)

// Unit is several changes that become durable together, or not at all. For one goroutine at a time.
type Unit struct {
	c     *C.obs_unit
	owner *Client
	call  call
}

// Begin begins a unit. Without a Commit nothing of it happens.
func (client *Client) Begin(ctx context.Context) (*Unit, error) {
	var made call
	if err := made.begin(ctx); err != nil {
		return nil, err
	}
	var out *C.obs_unit
	if err := failure(C.go_unit_begin(&out, client.c, made.c)); err != nil {
		made.release()
		return nil, err
	}
	unit := &Unit{c: out, owner: client, call: made}
	runtime.SetFinalizer(unit, (*Unit).Close)
	return unit, nil
}

// Unit runs a function and commits what it added; an error of the function drops it.
func (client *Client) Unit(ctx context.Context, fill func(unit *Unit) error) error {
	unit, err := client.Begin(ctx)
	if err != nil {
		return err
	}
	defer unit.Close()
	if err := fill(unit); err != nil {
		return err
	}
	return unit.Commit()
}

// with adds something to the unit. The call is the unit's own already: this one is memory for arguments only.
func (unit *Unit) with(add func(made *call) *C.obs_error) error {
	if unit.c == nil {
		return errClosed
	}
	slots.take()
	defer slots.leave()
	var made call
	defer made.release()
	return failure(add(&made))
}

// Put adds an object.
func (unit *Unit) Put(key string, content []byte, options *PutOptions) error {
	values, err := options.values()
	if err != nil {
		return err
	}
	return unit.with(func(made *call) *C.obs_error {
		name, nameSize := text(key)
		bytes, size := data(content)
		return C.go_unit_put(unit.c, name, nameSize, bytes, size, options.c(made, values))
	})
}

// Delete adds the deletion of an object.
func (unit *Unit) Delete(key string, options *ChangeOptions) error {
	return unit.with(func(made *call) *C.obs_error {
		name, size := text(key)
		return C.go_unit_delete(unit.c, name, size, options.c(made))
	})
}

// Publish adds an event. options may be nil.
func (unit *Unit) Publish(event Event, options *PublishOptions) error {
	return unit.with(func(made *call) *C.obs_error {
		return C.go_unit_publish(unit.c, event.c(&made.arena), options.c(made))
	})
}

// Label adds labels of an entry; the value "" removes one.
func (unit *Unit) Label(key string, labels map[string]string) error {
	return unit.with(func(made *call) *C.obs_error {
		name, size := text(key)
		pairs, count := made.pairs(labels)
		return C.go_unit_label(unit.c, name, size, pairs, count)
	})
}

// Record adds a record. An error that Is(Refused) leaves its refusal in the unit, which can still be committed.
func (unit *Unit) Record(definition string, record []byte, options *IngestOptions) error {
	return unit.with(func(made *call) *C.obs_error {
		bytes, size := data(record)
		return C.go_unit_record(unit.c, made.always(definition), (*C.char)(bytes), size, options.c(made))
	})
}

// Acknowledge adds the acknowledgement of an event, so that it is done exactly when the unit is.
func (unit *Unit) Acknowledge(subscription *Subscription, delivery Delivery) error {
	return unit.with(func(*call) *C.obs_error {
		return C.go_unit_acknowledge(unit.c, subscription.c, C.uint64_t(delivery.Sequence))
	})
}

// Commit makes all of it durable and visible.
func (unit *Unit) Commit() error {
	if unit.c == nil {
		return errClosed
	}
	slots.take()
	defer slots.leave()
	defer unit.Close()
	return failure(C.go_unit_commit(unit.c))
}

// Close drops what was not committed.
func (unit *Unit) Close() error {
	if unit.c != nil {
		runtime.SetFinalizer(unit, nil)
		C.obs_unit_free(unit.c)
		unit.c = nil
		unit.call.release()
	}
	return nil
}
