package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"runtime"
)

// DeliverOptions says what Deliver does; the zero value is all destinations, until the context ends.
type DeliverOptions struct {
	Destination string // only this one
	Once        bool   // what is due now, then it returns
}

// Deliver delivers events to the destinations of obs.yaml that are for the client's tenant, until the context ends, and says how
// many. A destination is served by one run at a time, in whatever process; others stand by. Each is the consumer to.NAME of the
// bus: Pause, DeadLetters and Replay are for them, too. options may be nil.
func (client *Client) Deliver(ctx context.Context, options *DeliverOptions) (uint64, error) {
	var delivered C.uint64_t
	err := runLong(ctx, func(made *call) error {
		given := (*C.obs_journal_options)(made.alloc(1, C.sizeof_obs_journal_options))
		C.obs_journal_options_init(given, C.sizeof_obs_journal_options)
		given.call = made.c
		if options != nil {
			given.destination, given.once = made.text(options.Destination), number(options.Once)
		}
		return failure(C.go_journal_run(&delivered, client.c, given))
	})
	runtime.KeepAlive(client)
	return uint64(delivered), err
}

// Destinations tells of each destination its state, what waits, the last error and the next try.
func (client *Client) Destinations(ctx context.Context) (*Rows, error) {
	return askRows(ctx, client, func(out **C.obs_rows, made *call) *C.obs_error { return C.go_journal_list(out, client.c, made.c) })
}

// runLong makes a call that runs until the context ends: it takes no slot from those that do not.
func runLong(ctx context.Context, run func(made *call) error) error {
	var made call
	if err := made.begin(ctx); err != nil {
		return err
	}
	defer made.release()
	return run(&made)
}
