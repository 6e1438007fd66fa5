package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

var ctx = context.Background()

func workspace(t testing.TB) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "night")
	if err := obs.Init(ctx, folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

func open(t testing.TB) *obs.Client {
	t.Helper()
	client, err := obs.Open(ctx, &obs.OpenOptions{Workspace: workspace(t), Program: "obs_test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestPutAndGet(t *testing.T) {
	store := open(t).Store()
	options := &obs.PutOptions{ContentType: "text/plain", Labels: map[string]string{"night": "1"}, Values: map[string]any{"mag": 17.3}}
	stat := must(store.Put(ctx, "a/b.txt", []byte("hello"), options))(t)
	if stat.Size != 5 || len(stat.SHA256) != 64 || stat.ETag == "" {
		t.Errorf("stat is %+v", stat)
	}
	if got := must(store.Get(ctx, "a/b.txt", nil))(t); string(got) != "hello" {
		t.Errorf("got %q", got)
	}
	if got := must(store.Get(ctx, "a/b.txt", &obs.GetOptions{Offset: 1, Length: 3}))(t); string(got) != "ell" {
		t.Errorf("range is %q", got)
	}
	room := make([]byte, 16)
	if n := must(store.GetInto(ctx, "a/b.txt", room))(t); string(room[:n]) != "hello" {
		t.Errorf("into %q", room[:n])
	}
	if n, err := store.GetInto(ctx, "a/b.txt", room[:2]); !errors.Is(err, obs.OutOfRange) || n != 5 {
		t.Errorf("too small gives %d, %v", n, err)
	}
	if head := must(store.Head(ctx, "a/b.txt"))(t); head.Labels["night"] != "1" || head.ContentType != "text/plain" {
		t.Errorf("head is %+v", head)
	}
}

func TestView(t *testing.T) {
	store := open(t).Store()
	must(store.Put(ctx, "key", []byte("some bytes"), nil))(t)
	view := func(options *obs.GetOptions) (seen string, err error) {
		err = store.View(ctx, "key", options, func(content []byte) error {
			seen = string(content)
			return nil
		})
		return seen, err
	}
	if seen := must(view(nil))(t); seen != "some bytes" {
		t.Errorf("seen: %q", seen)
	}
	if seen := must(view(&obs.GetOptions{Offset: 5, Length: 3}))(t); seen != "byt" {
		t.Errorf("of a range is seen: %q", seen)
	}
	if _, err := view(&obs.GetOptions{IfMatch: "other"}); !errors.Is(err, obs.FailedPrecondition) {
		t.Errorf("another entity tag gives %v", err)
	}
	told := errors.New("told")
	if err := store.View(ctx, "key", nil, func([]byte) error { return told }); err != told {
		t.Errorf("an error of the function gives %v", err)
	}
	if err := store.View(ctx, "none", nil, func([]byte) error { t.Error("called"); return nil }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no object gives %v", err)
	}
}

func TestReadingAllocatesNothingButWhatItGives(t *testing.T) {
	store := must(open(t).OpenStore(ctx, "mem:allocations"))(t)
	must(store.Put(ctx, "key", make([]byte, 4096), nil))(t)
	content := make([]byte, 4096)
	look := func([]byte) error { return nil }
	for name, one := range map[string]struct {
		most float64
		call func() error
	}{
		"GetInto": {0, func() error { _, err := store.GetInto(ctx, "key", content); return err }},
		"View":    {0, func() error { return store.View(ctx, "key", nil, look) }},
		"Get":     {1, func() error { _, err := store.Get(ctx, "key", nil); return err }},
	} {
		got := testing.AllocsPerRun(100, func() {
			if err := one.call(); err != nil {
				t.Error(err)
			}
		})
		if got > one.most {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

func TestErrorsAreThoseOfTheStandardLibrary(t *testing.T) {
	store := open(t).Store()
	_, err := store.Get(ctx, "nothing", nil)
	var failed *obs.Error
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, obs.NotFound) || !errors.As(err, &failed) || failed.Status != obs.NotFound {
		t.Errorf("a missing object gives %v", err)
	}
	must(store.Put(ctx, "k", nil, nil))(t)
	if _, err := store.Put(ctx, "k", nil, &obs.PutOptions{IfNoneMatch: "*"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second create gives %v", err)
	}
	if _, err := store.Put(ctx, "", nil, nil); !errors.Is(err, obs.InvalidArgument) {
		t.Errorf("an empty key gives %v", err)
	}
}

func TestContexts(t *testing.T) {
	client := open(t)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := client.Store().Get(ended, "k", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
	subscription := must(client.Bus().Subscribe(ctx, "tests", nil))(t)
	defer subscription.Close()
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := subscription.Next(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline gives %v", err)
	}
	waiting, cancel := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	started := time.Now()
	if _, err := subscription.Next(waiting); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait gives %v", err)
	}
	if time.Since(started) > time.Minute {
		t.Error("cancelling took long")
	}
}

func TestADeadlineIsNoCancellation(t *testing.T) {
	subscription := must(open(t).Bus().Subscribe(ctx, "tests", nil))(t)
	defer subscription.Close()
	for i := range 100 { // the library's clock and that of the context end the wait at the same moment
		soon, cancel := context.WithTimeout(ctx, 2*time.Millisecond+time.Duration(i)*10*time.Microsecond)
		_, err := subscription.Next(soon)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("deadline %d gives %v", i, err)
		}
	}
}

func TestStreams(t *testing.T) {
	store := open(t).Store()
	content := bytes.Repeat([]byte("0123456789"), 150_000)
	writer := must(store.Create(ctx, "big", nil))(t)
	must(io.Copy(writer, bytes.NewReader(content)))(t)
	if err := writer.Close(); err != nil || writer.Stat().Size != int64(len(content)) {
		t.Fatalf("close gives %v, %+v", err, writer.Stat())
	}
	reader := must(store.Open(ctx, "big"))(t)
	defer reader.Close()
	var back bytes.Buffer
	if _, err := io.Copy(&back, reader); err != nil || !bytes.Equal(back.Bytes(), content) {
		t.Errorf("read back %d bytes, %v", back.Len(), err)
	}
	dropped := must(store.Create(ctx, "never", nil))(t)
	must(dropped.Write([]byte("half")))(t)
	dropped.Abort()
	if _, err := store.Head(ctx, "never"); !errors.Is(err, obs.NotFound) {
		t.Errorf("an aborted object gives %v", err)
	}
}

func TestReaderIsAReader(t *testing.T) {
	store := open(t).Store()
	content := []byte("the reader must behave as every other reader does")
	must(store.Put(ctx, "k", content, nil))(t)
	reader := must(store.Open(ctx, "k"))(t)
	defer reader.Close()
	if err := iotest.TestReader(reader, content); err != nil {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	store := open(t).Store()
	for i := range 25 {
		must(store.Put(ctx, fmt.Sprintf("p/%02d/x", i), nil, nil))(t)
	}
	var keys []string
	for stat, err := range store.List(ctx, "p/", &obs.ListOptions{Delimiter: "/"}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, stat.Key)
	}
	if len(keys) != 25 || keys[3] != "p/03/" {
		t.Errorf("listed %v", keys)
	}
}

func TestUnit(t *testing.T) {
	client := open(t)
	err := client.Unit(ctx, func(unit *obs.Unit) error {
		if err := unit.Put("u/1", []byte("1"), &obs.PutOptions{Labels: map[string]string{"night": "x"}}); err != nil {
			return err
		}
		return unit.Publish(obs.Event{Type: "org.example.made", Subject: "u/1", Data: []byte(`{"mag":17.3}`)}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err = client.Unit(ctx, func(unit *obs.Unit) error {
		if err := unit.Put("u/2", nil, nil); err != nil {
			return err
		}
		return broken
	})
	if _, missing := client.Store().Head(ctx, "u/2"); err != broken || !errors.Is(missing, obs.NotFound) {
		t.Errorf("a broken unit gives %v and leaves %v", err, missing)
	}
	subscription := must(client.Bus().Subscribe(ctx, "tests", &obs.SubscribeOptions{Type: "org.example.*"}))(t)
	defer subscription.Close()
	delivery := must(subscription.Next(ctx))(t)
	if delivery.Event.Subject != "u/1" || string(delivery.Event.Data) != `{"mag":17.3}` {
		t.Errorf("delivered %+v", delivery)
	}
	if err := client.Unit(ctx, func(unit *obs.Unit) error { return unit.Acknowledge(subscription, delivery) }); err != nil {
		t.Error(err)
	}
}

func TestIngestSearchAndAudit(t *testing.T) {
	client := open(t)
	schema := []byte(`{"type":"object","required":["mag"],"properties":{"mag":{"type":"number","maximum":30}}}`)
	if err := client.Define(ctx, "test.star", schema); err != nil {
		t.Fatal(err)
	}
	key := must(client.IngestRecord(ctx, "test.star", []byte(`{"mag":17.3}`), &obs.IngestOptions{Origin: "f:1"}))(t)
	if !strings.HasPrefix(key, "records/test.star/") {
		t.Errorf("key is %q", key)
	}
	if _, err := client.IngestRecord(ctx, "test.star", []byte(`{"mag":99}`), nil); !errors.Is(err, obs.Refused) || !strings.Contains(err.Error(), "mag") {
		t.Errorf("a bad record gives %v", err)
	}
	accepted, refused, err := client.IngestRecords(ctx, "test.star", []byte("{\"mag\":1}\n{\"mag\":99}\n"), nil)
	if accepted != 1 || refused != 1 || err != nil {
		t.Errorf("records give %d, %d, %v", accepted, refused, err)
	}
	rows := 0
	for row, err := range must(client.IngestLog(ctx, obs.IngestLogQuery{Result: "refused"}))(t).All() {
		if err != nil || !json.Valid(row) {
			t.Errorf("row %s, %v", row, err)
		}
		rows++
	}
	if rows != 2 {
		t.Errorf("%d refusals in the log", rows)
	}
	var found obs.Entry
	for row, err := range must(client.Catalog().Search(ctx, "mag>17 kind=record", nil))(t).All() {
		if err == nil {
			err = json.Unmarshal(row, &found)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if found.Key != key {
		t.Errorf("found %+v", found)
	}
	audited := must(client.Audit().Query(ctx, obs.AuditQuery{Subject: client.Subject(), Action: "ingest.*"}))(t)
	defer audited.Close()
	if row := must(audited.Next())(t); row == nil {
		t.Error("nothing was audited")
	}
}

func TestManyGoroutines(t *testing.T) {
	store := open(t).Store()
	before := threads(t)
	var group sync.WaitGroup
	for i := range 500 {
		group.Add(1)
		go func() {
			defer group.Done()
			key := fmt.Sprintf("g/%d", i)
			if _, err := store.Put(ctx, key, []byte(key), nil); err != nil {
				t.Error(err)
				return
			}
			if got, err := store.Get(ctx, key, nil); err != nil || string(got) != key {
				t.Errorf("%s gives %q, %v", key, got, err)
			}
		}()
	}
	group.Wait()
	if grown := threads(t) - before; grown > 120 {
		t.Errorf("%d threads more than before", grown)
	}
}

func threads(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestCloseOrderDoesNotMatter(t *testing.T) {
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: workspace(t)}))(t)
	must(client.Store().Put(ctx, "k", []byte("v"), nil))(t)
	reader := must(client.Store().Open(ctx, "k"))(t)
	unit := must(client.Begin(ctx))(t)
	client.Close()
	client.Close()
	if got, err := io.ReadAll(reader); err != nil || string(got) != "v" {
		t.Errorf("after close: %q, %v", got, err)
	}
	reader.Close()
	unit.Close()
	runtime.GC()
}

func TestEventJSON(t *testing.T) {
	event := obs.Event{ID: "1", Source: "/s", Type: "t", Data: []byte(`{"a":1}`), Extensions: map[string]string{"ext": "e"}}
	text := must(json.Marshal(event))(t)
	var back obs.Event
	if err := json.Unmarshal(text, &back); err != nil || back.Extensions["ext"] != "e" || string(back.Data) != `{"a":1}` {
		t.Errorf("%s gives %+v, %v", text, back, err)
	}
	if err := json.Unmarshal([]byte(`{"specversion":"0.3"}`), &back); err == nil {
		t.Error("an old event was accepted")
	}
}

func TestSharedWorkspaces(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "night")
	refused(t, obs.InitShared(ctx, folder, obs.SharedOptions{Account: "nobody-of-this-name"}), obs.NotFound, "nobody-of-this-name")
	refused(t, obs.InitShared(ctx, folder, obs.SharedOptions{Group: "no-group-of-this-name"}), obs.NotFound, "no-group-of-this-name")
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was made: %v", err)
	}
	refused(t, open(t).CreateSharedTenant(ctx, "earth", "root"), obs.InvalidArgument, "personal")
	err := obs.InitShared(ctx, folder, obs.SharedOptions{Group: fmt.Sprint(os.Getgid())})
	if errors.Is(err, obs.FailedPrecondition) || errors.Is(err, obs.Untrusted) { // a file system without access lists, a folder of others
		t.Logf("there is no place for one here: %v", err)
		return
	}
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	defer client.Close()
	if who := must(client.WhoAmI())(t); who.Mode != "shared" || who.Boundary != "unix" {
		t.Errorf("a shared workspace is %+v", who)
	}
	if err := client.CreateSharedTenant(ctx, "earth", fmt.Sprint(os.Getgid())); err != nil {
		t.Error(err)
	}
}

func TestStatusesMatchTheLibrary(t *testing.T) {
	names := map[obs.Status]string{obs.NotFound: "NOT_FOUND", obs.NoSpace: "NO_SPACE", obs.Refused: "REFUSED", obs.DataLoss: "DATA_LOSS"}
	for status, name := range names {
		if status.String() != name || status.Error() == "" {
			t.Errorf("%d is %s", int(status), status)
		}
	}
}

// openFiles is how many files below the folder this process has open.
func openFiles(t *testing.T, folder string) int {
	t.Helper()
	count := 0
	for _, entry := range must(os.ReadDir("/proc/self/fd"))(t) {
		// One that was closed meanwhile has no link any more.
		if name, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(name, folder+"/") {
			count++
		}
	}
	return count
}

// spawn is group.Go of newer versions of Go.
func spawn(group *sync.WaitGroup, run func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		run()
	}()
}

func TestFiltersChooseEvents(t *testing.T) {
	client := open(t)
	must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.a", Extensions: map[string]string{"site": "roof"}}, nil))(t)
	must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.a"}, nil))(t)
	id := must(client.Bus().Publish(ctx, obs.Event{Type: "org.example.b", Extensions: map[string]string{"site": "roof"}}, nil))(t)
	options := &obs.SubscribeOptions{Type: "org.example.b", Filter: "site LIKE 'r%'"}
	subscription := must(client.Bus().Subscribe(ctx, "filtered", options))(t)
	defer subscription.Close()
	if delivery := must(subscription.Next(ctx))(t); delivery.Event.ID != id {
		t.Errorf("the filter lets %+v pass", delivery.Event)
	}
	var failed *obs.Error
	_, err := client.Bus().Subscribe(ctx, "wrong", &obs.SubscribeOptions{Filter: "site ="})
	if !errors.As(err, &failed) || failed.Column != 7 {
		t.Errorf("a wrong filter gives %v", err)
	}
}
