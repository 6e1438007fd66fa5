package obs_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func row(t *testing.T, rows *obs.Rows) (fields map[string]any) {
	t.Helper()
	defer rows.Close()
	if err := json.Unmarshal(must(rows.Next())(t), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestConsumersShareEvents(t *testing.T) {
	bus := open(t).Bus()
	for _, id := range []string{"k1", "k2", "other"} {
		options := &obs.PublishOptions{}
		if id != "other" {
			options.PartitionKey = "k"
		}
		must(bus.Publish(ctx, obs.Event{Type: "t", ID: id}, options))(t)
	}
	one, two := must(bus.Subscribe(ctx, "g", nil))(t), must(bus.Subscribe(ctx, "g", nil))(t)
	defer one.Close()
	defer two.Close()
	if id := must(one.Next(ctx))(t).Event.ID; id != "k1" {
		t.Errorf("the first one got %s", id)
	}
	other := must(two.Next(ctx))(t)
	if other.Event.ID != "other" {
		t.Errorf("a key went to two: %s", other.Event.ID)
	}
	if err := two.Acknowledge(other); err != nil {
		t.Error(err)
	}
	if err := one.AcknowledgeAll(must(one.Next(ctx))(t)); err != nil {
		t.Error(err)
	}
	if _, err := bus.Subscribe(ctx, "g", &obs.SubscribeOptions{Exclusive: true}); !errors.Is(err, obs.Aborted) {
		t.Errorf("a second one that wants to be alone gives %v", err)
	}
	if behind := row(t, must(bus.Consumers(ctx))(t))["behind"]; behind != 0.0 {
		t.Errorf("%v are left", behind)
	}
}

func TestRejectedEventsComeAgainOrAreDead(t *testing.T) {
	bus := open(t).Bus()
	must(bus.Publish(ctx, obs.Event{Type: "t", ID: "bad"}, &obs.PublishOptions{Priority: 1}))(t)
	subscription := must(bus.Subscribe(ctx, "g", &obs.SubscribeOptions{Attempts: 2, Retry: time.Hour}))(t)
	defer subscription.Close()
	for attempt := 1; attempt <= 2; attempt++ {
		delivery := must(subscription.Next(ctx))(t)
		if delivery.Attempt != attempt {
			t.Errorf("attempt %d is %d", attempt, delivery.Attempt)
		}
		if err := subscription.Reject(delivery, obs.RejectOptions{Reason: "no link", Delay: -1}); err != nil {
			t.Error(err)
		}
	}
	letter := row(t, must(bus.DeadLetters(ctx, "g"))(t))
	if letter["reason"] != "no link" || letter["attempts"] != 2.0 {
		t.Errorf("the dead letter is %v", letter)
	}
	if count := must(bus.Replay(ctx, "g", 0))(t); count != 1 {
		t.Errorf("%d replayed", count)
	}
	if err := subscription.Reject(must(subscription.Next(ctx))(t), obs.RejectOptions{Dead: true}); err != nil {
		t.Error(err)
	}
	if count := must(bus.Discard(ctx, "g", uint64(letter["sequence"].(float64))))(t); count != 1 {
		t.Errorf("%d discarded", count)
	}
	if _, err := bus.Replay(ctx, "g", 0); !errors.Is(err, obs.NotFound) {
		t.Errorf("nothing to replay gives %v", err)
	}
}

func TestAPauseEnds(t *testing.T) {
	bus := open(t).Bus()
	must(bus.Publish(ctx, obs.Event{Type: "t"}, nil))(t)
	subscription := must(bus.Subscribe(ctx, "g", nil))(t)
	defer subscription.Close()
	if err := bus.Pause(ctx, "g", time.Now().Add(time.Hour), "maintenance"); err != nil {
		t.Fatal(err)
	}
	if state := row(t, must(bus.Consumers(ctx))(t))["state"]; state != "paused" {
		t.Errorf("the state is %v", state)
	}
	if err := bus.Resume(ctx, "g"); err != nil {
		t.Fatal(err)
	}
	must(subscription.Next(ctx))(t)
	if err := bus.Remove(ctx, "g"); err != nil {
		t.Fatal(err)
	}
	if _, err := subscription.Next(ctx); !errors.Is(err, obs.Aborted) {
		t.Errorf("a removed consumer gives %v", err)
	}
}

func TestSeveralEventsAtOnce(t *testing.T) {
	bus := open(t).Bus()
	for _, id := range []string{"0", "1", "2", "3", "4"} {
		must(bus.Publish(ctx, obs.Event{Type: "t", ID: id}, nil))(t)
	}
	subscription := must(bus.Subscribe(ctx, "g", nil))(t)
	batch := must(subscription.NextMany(ctx, 3))(t)
	if len(batch) != 3 || batch[0].Event.ID != "0" || batch[2].Event.ID != "2" || batch[2].Attempt != 1 {
		t.Fatalf("the first three are %+v", batch)
	}
	if done := must(subscription.AcknowledgeMany(batch[:2]))(t); done != 2 {
		t.Errorf("%d are done", done)
	}
	if done := must(subscription.AcknowledgeMany(nil))(t); done != 0 {
		t.Errorf("%d of none are done", done)
	}
	if _, err := subscription.AcknowledgeMany([]obs.Delivery{{Sequence: 99}}); !errors.Is(err, obs.InvalidArgument) {
		t.Errorf("what was never delivered gives %v", err)
	}
	for _, most := range []int{-1, 0, 4097} {
		if _, err := subscription.NextMany(ctx, most); !errors.Is(err, obs.InvalidArgument) {
			t.Errorf("%d at once give %v", most, err)
		}
	}
	subscription.Close()
	if _, err := subscription.NextMany(ctx, 1); err == nil {
		t.Error("a closed subscription gives events")
	}
	if _, err := subscription.AcknowledgeMany(batch); err == nil {
		t.Error("a closed subscription acknowledges")
	}
	subscription = must(bus.Subscribe(ctx, "g", nil))(t)
	defer subscription.Close()
	limited, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	var ids string
	for batch, err := range subscription.Batches(limited, 64) {
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			break
		}
		for _, delivery := range batch {
			ids += delivery.Event.ID
		}
		must(subscription.AcknowledgeMany(batch))(t)
	}
	if ids != "234" {
		t.Errorf("what was left is %q", ids)
	}
}

// One goroutine asks, others say what is done.
func TestGoroutinesShareASubscription(t *testing.T) {
	bus := open(t).Bus()
	const count = 40
	for range count {
		must(bus.Publish(ctx, obs.Event{Type: "t"}, nil))(t)
	}
	subscription := must(bus.Subscribe(ctx, "g", nil))(t)
	defer subscription.Close()
	work, failed := make(chan obs.Delivery), make(chan error, 4)
	for range 4 {
		go func() {
			var err error
			for delivery := range work {
				err = errors.Join(err, subscription.Acknowledge(delivery))
			}
			failed <- err
		}()
	}
	for range count {
		work <- must(subscription.Next(ctx))(t)
	}
	close(work)
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if behind := row(t, must(bus.Consumers(ctx))(t))["behind"]; behind != 0.0 {
		t.Errorf("%v are left", behind)
	}
}
