// Waiting for changes of the configuration, reading beside them, and what reading costs.

package obs_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func TestWait(t *testing.T) {
	client, folder := configured(t, "", "gain: 1\n")
	config := client.Config()
	must(config.Int("gain"))(t)
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := config.Wait(soon, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline gives %v", err)
	}
	waiting, cancelled := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancelled)
	if _, err := config.Wait(waiting, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait gives %v", err)
	}
	if version := must(config.Wait(ctx, 99))(t); version != 1 {
		t.Errorf("one that is known already gives %d", version)
	}
	time.AfterFunc(20*time.Millisecond, func() { write(t, filepath.Join(folder, "config.yaml"), "gain: 2\n") })
	if version := must(config.Wait(ctx, 1))(t); version != 2 || must(config.Int("gain"))(t) != 2 {
		t.Errorf("a change from outside gives version %d", version)
	}
}

// begins tells when the first call asks for the end of its context: then it knows what is there already.
type begins struct {
	context.Context
	once  sync.Once
	asked chan struct{}
}

func (b *begins) Done() <-chan struct{} {
	b.once.Do(func() { close(b.asked) })
	return b.Context.Done()
}

func TestChanges(t *testing.T) {
	client, _ := configured(t, "", "gain: 0\n")
	config := client.Config()
	must(config.Int("gain"))(t)
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	next := int64(1)
	change := func() {
		if err := config.Set(ctx, "gain", next, nil); err != nil {
			t.Error(err)
		}
	}
	begun, changed := &begins{Context: limited, asked: make(chan struct{})}, make(chan struct{})
	go func() {
		<-begun.asked // what changes before is none of the changes
		change()
		close(changed)
	}()
	for version, err := range config.Changes(begun) {
		<-changed
		if err != nil || version != uint64(next)+1 || must(config.Int("gain"))(t) != next {
			t.Fatalf("change %d gives version %d, %v", next, version, err)
		}
		if next++; next > 3 {
			break
		}
		change()
	}
	cancel()
	for version, err := range config.Changes(limited) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("an ended context gives %d, %v", version, err)
		}
	}
}

func TestReadersBesideAWriter(t *testing.T) {
	client, _ := configured(t, "", "one: 0\ntwo: 0\ntext: '0'\npair: {a: 0, b: 0}\n")
	config := client.Config()
	one := closing(config.IntSetting("one", obs.SettingOptions{}))(t)
	word := closing(config.StringSetting("text", obs.SettingOptions{}))(t)
	shared := closing(config.Snapshot(ctx))(t)
	var done atomic.Bool
	var reads atomic.Int64
	var group sync.WaitGroup
	for range 16 {
		spawn(&group, func() {
			for last := int64(0); !done.Load(); reads.Add(1) {
				now := one.Value()
				if now < last {
					t.Errorf("a setting went from %d to %d", last, now)
				}
				last = now
				if _, err := config.Int("two"); err != nil {
					t.Error(err)
				}
				var pair struct{ A, B int }
				if err := config.Unmarshal("pair", &pair); err != nil || pair.A != pair.B {
					t.Errorf("half a change is seen: %+v, %v", pair, err)
				}
				if len(word.Value()) == 0 {
					t.Error("a text is empty")
				}
				snapshot, err := config.Snapshot(ctx)
				if err != nil {
					t.Error(err)
					continue
				}
				if a, _ := snapshot.Int("pair.a"); a != must(snapshot.Int("pair.b"))(t) {
					t.Error("a snapshot has half a change")
				}
				snapshot.Close()
				if _, err := shared.Int("one"); err != nil && !errors.Is(err, obs.FailedPrecondition) {
					t.Error(err)
				}
			}
		})
	}
	for i := 1; i <= 20; i++ {
		for name, value := range map[string]any{"one": i, "two": i, "text": fmt.Sprint(i), "pair": map[string]int{"a": i, "b": i}} {
			if err := config.Set(ctx, name, value, nil); err != nil {
				t.Error(err)
			}
		}
		if i == 10 {
			shared.Close() // beside its readers
		}
	}
	done.Store(true)
	group.Wait()
	if one.Value() != 20 || word.Value() != "20" {
		t.Errorf("in the end they are %d and %q", one.Value(), word.Value())
	}
	t.Logf("%d rounds were read beside 80 changes", reads.Load())
}

func BenchmarkConfigByName(b *testing.B) {
	client, _ := configured(b, "", ccd)
	config := client.Config()
	for b.Loop() {
		_, _ = config.Float("ccd.gain")
	}
}

func BenchmarkSnapshotByName(b *testing.B) {
	client, _ := configured(b, "", ccd)
	snapshot := closing(client.Config().Snapshot(ctx))(b)
	for b.Loop() {
		_, _ = snapshot.Float("ccd.gain")
	}
}

func BenchmarkSetting(b *testing.B) {
	client, _ := configured(b, "", ccd)
	gain := must(client.Config().FloatSetting("ccd.gain", obs.SettingOptions{}))(b)
	for b.Loop() {
		_ = gain.Value()
	}
}
