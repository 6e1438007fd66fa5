package obs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func site(t *testing.T, name string) *obs.Client {
	t.Helper()
	folder := workspace(t)
	appendTo(t, filepath.Join(folder, "obs.yaml"), "site: "+name+"\n")
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	t.Cleanup(func() { client.Close() })
	return client
}

func observe(t *testing.T, client *obs.Client, number int) {
	t.Helper()
	key := fmt.Sprintf("raw/%d", number)
	must(client.Store().Put(ctx, key, []byte("frame"), nil))(t)
	must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.stored", ID: fmt.Sprint(number), Subject: key}, nil))(t)
}

// arrived waits until the target has an object.
func arrived(t *testing.T, client *obs.Client, number int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := client.Store().Head(ctx, fmt.Sprintf("raw/%d", number)); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("raw/%d does not come", number)
		}
	}
}

func TestRelay(t *testing.T) {
	roof, centre := site(t, "roof"), site(t, "centre")
	for number := range 5 {
		observe(t, roof, number)
	}
	done := must(roof.Relay(ctx, centre, nil))(t)
	if done.Events != 5 || done.Objects != 5 || done.Bytes != 25 || done.Conflicts != 0 || done.More || done.Audit == 0 {
		t.Errorf("%+v", done)
	}
	again := must(roof.Relay(ctx, centre, nil))(t)
	again.Audit = 0
	if (again != obs.Relayed{}) {
		t.Errorf("again it did %+v", again)
	}
	subscription := must(centre.Bus().Subscribe(ctx, "tests", nil))(t)
	defer subscription.Close()
	for number := range 5 {
		if event := must(subscription.Next(ctx))(t).Event; event.ID != fmt.Sprint(number) || event.Extensions["site"] != "roof" {
			t.Errorf("%+v", event)
		}
	}
}

func TestRelayOfWhatDiffers(t *testing.T) {
	roof, centre := site(t, "roof"), site(t, "centre")
	observe(t, roof, 1)
	must(centre.Store().Put(ctx, "raw/1", []byte("another"), nil))(t)
	if done := must(roof.Relay(ctx, centre, nil))(t); done.Conflicts != 1 || done.Dead != 1 || done.Objects != 0 {
		t.Errorf("%+v", done)
	}
	letter := row(t, must(roof.Bus().DeadLetters(ctx, ""))(t))
	must(roof.Bus().Replay(ctx, letter["consumer"].(string), 0))(t)
	if done := must(roof.Relay(ctx, centre, &obs.RelayOptions{KeepBoth: true}))(t); done.Objects != 1 || done.Events != 1 {
		t.Errorf("%+v", done)
	}
	if got := must(centre.Store().Get(ctx, "raw/1", nil))(t); string(got) != "another" {
		t.Errorf("%q", got)
	}
	if got := must(centre.Store().Get(ctx, "sites/roof/raw/1", nil))(t); string(got) != "frame" {
		t.Errorf("%q", got)
	}
}

func TestRelayInSlices(t *testing.T) {
	roof, centre := site(t, "roof"), site(t, "centre")
	for number := range 150 {
		observe(t, roof, number)
	}
	var objects uint64
	turns := 0
	for more := true; more; turns++ {
		done := must(roof.Relay(ctx, centre, &obs.RelayOptions{Slice: time.Nanosecond}))(t)
		objects, more = objects+done.Objects, done.More
	}
	if objects != 150 || turns < 2 {
		t.Error(objects, turns)
	}
}

func TestRelayUntilTheContextEnds(t *testing.T) {
	roof, centre := site(t, "roof"), site(t, "centre")
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	observe(t, roof, 1)
	ended := make(chan error)
	var done obs.Relayed
	go func() {
		var err error
		done, err = roof.Relay(inner, centre, &obs.RelayOptions{Wait: obs.WaitForever})
		ended <- err
	}()
	arrived(t, centre, 1)
	observe(t, roof, 2)
	arrived(t, centre, 2)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || done.Objects != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := roof.Relay(inner, centre, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if _, err := roof.Relay(short, centre, &obs.RelayOptions{Wait: obs.WaitForever}); !errors.Is(err, obs.DeadlineExceeded) {
		t.Error(err)
	}
	must(roof.Relay(ctx, centre, nil))(t) // what that left half done
	if done := must(roof.Relay(ctx, centre, nil))(t); done.Objects+done.Events != 0 {
		t.Errorf("%+v", done)
	}
}

func TestRelayWhoMay(t *testing.T) {
	roof, centre := site(t, "roof"), site(t, "centre")
	observe(t, roof, 1)
	narrow := func(owner *obs.Client, scope ...string) *obs.Client {
		token := must(owner.IssueToken(ctx, obs.TokenOptions{Subject: "function:relay", Scope: scope}))(t)
		client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: owner.Workspace(), Token: token}))(t)
		t.Cleanup(func() { client.Close() })
		return client
	}
	if _, err := narrow(roof, "storage.read:/raw", "event.subscribe").Relay(ctx, centre, nil); !errors.Is(err, obs.PermissionDenied) {
		t.Error(err)
	}
	if _, err := roof.Relay(ctx, narrow(centre, "storage.read:/", "event.publish:/"), nil); !errors.Is(err, obs.PermissionDenied) {
		t.Error(err)
	}
	if _, err := roof.Relay(ctx, roof, nil); !errors.Is(err, obs.InvalidArgument) {
		t.Error(err)
	}
}
