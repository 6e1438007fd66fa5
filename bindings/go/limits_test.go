package obs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func TestEveryStatusIsKnown(t *testing.T) {
	same := map[obs.Status]error{
		obs.NotFound: fs.ErrNotExist, obs.NoWorkspace: fs.ErrNotExist, obs.AlreadyExists: fs.ErrExist,
		obs.PermissionDenied: fs.ErrPermission, obs.Untrusted: fs.ErrPermission, obs.Unauthenticated: fs.ErrPermission,
		obs.Cancelled: context.Canceled, obs.DeadlineExceeded: context.DeadlineExceeded,
		obs.InvalidArgument: fs.ErrInvalid, obs.Unimplemented: errors.ErrUnsupported,
	}
	known := 0
	for number := range 200 {
		status := obs.Status(number)
		if status.String() == "UNKNOWN" && status != obs.Unknown {
			continue
		}
		known++
		failed := fmt.Errorf("wrapped: %w", &obs.Error{Status: status, Message: "m"})
		if !errors.Is(failed, status) || errors.Is(failed, obs.Status(number+1)) || status.Error() == "" {
			t.Errorf("%s is not itself", status)
		}
		for other, err := range same {
			if want := same[status] == err; errors.Is(failed, err) != want {
				t.Errorf("%s is %v (of %s): %v", status, err, other, !want)
			}
		}
	}
	if known != 21 { // as many as errors.go names
		t.Errorf("the library knows %d statuses", known)
	}
}

func TestKeysAndBytesOfEveryKind(t *testing.T) {
	store := open(t).Store()
	for _, key := range []string{"nul\x00inside", "../x", "/lead", "dou//ble", "trail/", "tab\tnew\nline", "é🔭", strings.Repeat("x", 1024)} {
		must(store.Put(ctx, key, []byte(key), &obs.PutOptions{Metadata: map[string]string{"empty": ""}}))(t)
		if got := must(store.Get(ctx, key, nil))(t); string(got) != key {
			t.Errorf("%q gives %q", key, got)
		}
		if stat := must(store.Head(ctx, key))(t); stat.Key != key || len(stat.Metadata) != 1 {
			t.Errorf("%q is known as %+v", key, stat)
		}
	}
	for _, key := range []string{"", strings.Repeat("x", 1025), "\xff"} {
		if _, err := store.Put(ctx, key, nil, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("the key %.10q gives %v", key, err)
		}
	}
	must(store.Put(ctx, "empty", nil, nil))(t)
	if got := must(store.Get(ctx, "empty", nil))(t); got == nil || len(got) != 0 {
		t.Errorf("nothing came back as %v", got)
	}
	if n, err := store.GetInto(ctx, "empty", nil); n != 0 || err != nil {
		t.Errorf("nothing into nothing gives %d, %v", n, err)
	}
}

func TestContextsThatEnd(t *testing.T) {
	store := open(t).Store()
	must(store.Put(ctx, "k", []byte("v"), nil))(t)
	for range 200 { // ended before, during or after: each call gives its result or Canceled, and none disturbs the next
		soon, cancel := context.WithCancel(ctx)
		go cancel()
		if _, err := store.Get(soon, "k", nil); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("a context that ends gives %v", err)
		}
		later, cancelLater := context.WithCancel(ctx)
		if _, err := store.Get(later, "k", nil); err != nil {
			t.Fatalf("the next call gives %v", err)
		}
		cancelLater()
		cancel()
	}
	past, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	if _, err := store.Put(past, "k2", nil, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline that is over gives %v", err)
	}
	if _, err := store.Head(ctx, "k2"); !errors.Is(err, obs.NotFound) {
		t.Errorf("it was written nevertheless: %v", err)
	}
}

func TestAThousandGoroutines(t *testing.T) {
	store := open(t).Store()
	content := bytes.Repeat([]byte("x"), 100_000)
	must(store.Put(ctx, "k", content, nil))(t)
	before := threads(t)
	var group sync.WaitGroup
	for i := range 1000 {
		spawn(&group, func() {
			limited, cancel := context.WithTimeout(ctx, 10*time.Minute)
			defer cancel()
			if i%10 == 0 {
				if _, err := store.Put(limited, fmt.Sprintf("p/%d", i), content[:i], nil); err != nil {
					t.Error(err)
				}
			}
			if got, err := store.Get(limited, "k", nil); err != nil || len(got) != len(content) {
				t.Errorf("%d gives %d bytes, %v", i, len(got), err)
			}
		})
	}
	group.Wait()
	if grown := threads(t) - before; grown > 80 {
		t.Errorf("%d threads more than before", grown)
	}
}

func TestReadAtBesideOthers(t *testing.T) {
	store := open(t).Store()
	content := bytes.Repeat([]byte("0123456789abcdef"), 4096)
	must(store.Put(ctx, "k", content, nil))(t)
	reader := must(store.Open(ctx, "k"))(t)
	defer reader.Close()
	var group sync.WaitGroup
	for i := range 16 {
		spawn(&group, func() {
			piece := make([]byte, 1000)
			for at := i * 100; at < 60_000; at += 7777 {
				if n, err := reader.ReadAt(piece, int64(at)); n != len(piece) || err != nil || !bytes.Equal(piece, content[at:at+n]) {
					t.Errorf("at %d: %d, %v", at, n, err)
				}
			}
		})
	}
	group.Wait()
	section := io.NewSectionReader(reader, 16, 32)
	if got := must(io.ReadAll(section))(t); !bytes.Equal(got, content[16:48]) {
		t.Errorf("the section is %q", got)
	}
}

func TestEventsAreCopied(t *testing.T) {
	client := open(t)
	want := obs.Event{Type: "org.example.a", Subject: "s", DataContentType: "application/octet-stream", Data: []byte{0, 1, 2}}
	must(client.Bus().Publish(ctx, want, nil))(t)
	must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.b", Data: []byte("{}")}, nil))(t)
	subscription := must(client.Bus().Subscribe(ctx, "copies", nil))(t)
	first := must(subscription.Next(ctx))(t)
	must(subscription.Next(ctx))(t) // what C said about the first is gone now
	subscription.Close()
	if first.Event.Type != want.Type || !bytes.Equal(first.Event.Data, want.Data) || first.Event.Subject != "s" {
		t.Errorf("the first event is %+v", first.Event)
	}
	if err := subscription.Acknowledge(first); err == nil {
		t.Error("a closed subscription acknowledges")
	}
}

func TestFinalizersGiveBackWhatNobodyClosed(t *testing.T) {
	folder := workspace(t)
	leave := func() {
		client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
		must(client.Store().Put(ctx, "k", []byte("v"), nil))(t)
		must(client.Store().Open(ctx, "k"))(t)
		writer := must(client.Store().Create(ctx, "never", nil))(t)
		must(writer.Write([]byte("half")))(t)
		must(client.Catalog().Search(ctx, "", nil))(t)
		must(client.Begin(ctx))(t)
	}
	for range 20 {
		leave()
	}
	for range 6000 {
		runtime.GC()
		if openFiles(t, folder) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if now := openFiles(t, folder); now != 0 {
		t.Errorf("%d files of the workspace are still open", now)
	}
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	defer client.Close()
	if _, err := client.Store().Head(ctx, "never"); !errors.Is(err, obs.NotFound) {
		t.Errorf("what nobody closed gives %v", err)
	}
}
