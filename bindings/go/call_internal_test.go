package obs

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestGateLetsSoManyIn(t *testing.T) {
	g := gate{most: 4, wake: make(chan struct{}, 4)}
	var inside, refused atomic.Int64
	var group sync.WaitGroup
	for range 1000 {
		spawn(&group, func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(3000))*time.Microsecond)
			defer cancel()
			if g.enter(ctx) != nil {
				refused.Add(1)
				return
			}
			defer g.leave()
			if now := inside.Add(1); now > g.most {
				t.Errorf("%d are inside", now)
			}
			time.Sleep(20 * time.Microsecond)
			inside.Add(-1)
		})
	}
	group.Wait()
	if g.count.Load() != 0 || len(g.wake) != 0 {
		t.Errorf("afterwards %d are inside and %d are called", g.count.Load(), len(g.wake))
	}
	for range g.most { // nobody is forgotten: all places are free again
		g.take()
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.enter(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("a full gate gives %v", err)
	}
	t.Logf("%d gave up", refused.Load())
}

func TestStatesAreUsedAgainUnlessTheirTokenWasSet(t *testing.T) {
	waiting, cancel := context.WithCancel(context.Background())
	var made call
	err := made.begin(waiting)
	if err != nil || made.c.cancel == nil || made.c.timeout_ms != -1 {
		t.Fatalf("a call is %+v, %v", made, err)
	}
	state := made.state
	cancel()
	for tokenIsSet(state) == 0 {
		time.Sleep(time.Millisecond)
	}
	made.release()
	for range 100 { // as often as there could be places in the pool
		var taken call
		err := taken.begin(WithSubject(context.Background(), "user:ada"))
		if err != nil || taken.state == state || taken.c.cancel != nil || taken.c.subject == nil {
			t.Fatalf("afterwards a call is %+v, %v", taken, err)
		}
		defer taken.release()
	}
}

func TestWhatAContextSaysIsForgotten(t *testing.T) {
	ctx := WithTrace(WithIdempotencyKey(context.Background(), "key"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	var made call
	err := made.begin(ctx)
	if err != nil || made.c.idempotency_key == nil || made.c.traceparent == nil || made.c.subject != nil {
		t.Fatalf("a call is %+v, %v", made, err)
	}
	made.release()
	made.release() // twice does no harm
	type other struct{}
	var again call
	err = again.begin(context.WithValue(context.Background(), other{}, 1))
	if err != nil || again.c.idempotency_key != nil || again.c.traceparent != nil {
		t.Fatalf("the next call is %+v, %v", again, err)
	}
	again.release()
}

// spawn is group.Go of newer versions of Go.
func spawn(group *sync.WaitGroup, run func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		run()
	}()
}
