package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// WaitForever as RelayOptions.Wait: until the context ends.
const WaitForever time.Duration = -1

// RelayOptions says how a relay runs; the zero value is all defaults.
type RelayOptions struct {
	Site     string        // what the source is called at the target; "": the site of its obs.yaml
	KeepBoth bool          // what is different at the target is put below sites/<site>/; else it is refused
	Limit    uint64        // at most so many bytes of objects a second; 0: no limit
	Wait     time.Duration // when all is there: waits so long for more; 0: returns
	Slice    time.Duration // returns after about so long although there is more; 0: does not
}

// Relayed is what a relay did.
type Relayed struct {
	Events    uint64 // carried; those that the target had are counted, too
	Objects   uint64
	Records   uint64
	Entries   uint64 // catalog entries of which only labels or values were sent
	Bytes     uint64 // of objects and records
	Lines     uint64 // refused lines of the ingestion log
	Conflicts uint64 // objects that differ at the target, each told once
	Dead      uint64 // events that became dead letters at the source
	More      bool   // the slice was over before all was there
	Audit     uint64 // records of the source's audit log that its checkpoint at the target vouches for; 0: none is there
}

var errRelayTime = &Error{Status: DeadlineExceeded, Message: "the time of the relay is over: the next one goes on", Retryable: true}

// Relay carries what the client's tenant has to another workspace that does not have it yet, until all is there or the context
// ends. What is different there is never overwritten. What was carried is told also when it failed. options may be nil.
func (client *Client) Relay(ctx context.Context, target *Client, options *RelayOptions) (Relayed, error) {
	if err := ctx.Err(); err != nil {
		return Relayed{}, err
	}
	counts := C.obs_relay_counts{size: C.sizeof_obs_relay_counts}
	// In C a deadline is that of each single call; here the context's is that of all.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	err := runLong(inner, func(made *call) error {
		return failure(C.go_relay_run(&counts, client.c, target.c, options.c(made)))
	})
	runtime.KeepAlive(client)
	runtime.KeepAlive(target)
	if errors.Is(err, Cancelled) && ctx.Err() == context.DeadlineExceeded {
		err = errRelayTime
	}
	return relayedOf(&counts), err
}

func (options *RelayOptions) c(made *call) *C.obs_relay_options {
	given := (*C.obs_relay_options)(made.alloc(1, C.sizeof_obs_relay_options))
	C.obs_relay_options_init(given, C.sizeof_obs_relay_options)
	given.call = made.c
	if options == nil {
		return given
	}
	given.site, given.limit = made.text(options.Site), C.uint64_t(options.Limit)
	if options.KeepBoth {
		given.conflict = C.OBS_RELAY_KEEP_BOTH
	}
	given.wait_ms, given.slice_ms = milliseconds(options.Wait), milliseconds(options.Slice)
	return given
}

// milliseconds rounds up: what is more than nothing stays so.
func milliseconds(duration time.Duration) C.int64_t {
	if duration < 0 {
		return -1
	}
	return C.int64_t((duration + time.Millisecond - 1) / time.Millisecond)
}

func relayedOf(counts *C.obs_relay_counts) Relayed {
	return Relayed{
		Events: uint64(counts.events), Objects: uint64(counts.objects), Records: uint64(counts.records),
		Entries: uint64(counts.entries), Bytes: uint64(counts.bytes), Lines: uint64(counts.lines),
		Conflicts: uint64(counts.conflicts), Dead: uint64(counts.dead), More: counts.more != 0, Audit: uint64(counts.audit),
	}
}
