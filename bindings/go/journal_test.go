package obs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

// A hook is a web server that keeps what it takes.
type hook struct {
	*httptest.Server
	came   chan string
	lock   sync.Mutex
	status int
}

func newHook(t *testing.T) *hook {
	made := &hook{came: make(chan string, 100), status: http.StatusOK}
	made.Server = httptest.NewServer(made)
	t.Cleanup(made.Close)
	return made
}

func (h *hook) answer(status int) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.status = status
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WebHook-Allowed-Origin", r.Header.Get("WebHook-Request-Origin"))
	if r.Method != http.MethodPost {
		return
	}
	h.lock.Lock()
	status := h.status
	h.lock.Unlock()
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(status)
	if status < 300 {
		h.came <- r.Header.Get("ce-id") + " " + string(body)
	}
}

func led(t *testing.T, to *hook) *obs.Client {
	folder := workspace(t)
	appendTo(t, filepath.Join(folder, "obs.yaml"), "destinations: [{name: hook, url: '"+to.URL+"', allow: [plain, private]}]\n")
	client := must(obs.Open(ctx, &obs.OpenOptions{Workspace: folder}))(t)
	t.Cleanup(func() { client.Close() })
	return client
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file := must(os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0))(t)
	must(file.WriteString(text))(t)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDeliver(t *testing.T) {
	to := newHook(t)
	client := led(t, to)
	once := &obs.DeliverOptions{Once: true}
	must(client.Bus().Publish(ctx, obs.Event{Type: "t", ID: "1", Data: []byte("{}")}, nil))(t)
	if count := must(client.Deliver(ctx, once))(t); count != 1 || <-to.came != "1 {}" {
		t.Error(count)
	}
	found := row(t, must(client.Destinations(ctx))(t))
	if found["destination"] != "hook" || found["state"] != "ok" {
		t.Error(found)
	}
	to.answer(http.StatusUnprocessableEntity)
	must(client.Bus().Publish(ctx, obs.Event{Type: "t", ID: "2"}, nil))(t)
	if count := must(client.Deliver(ctx, once))(t); count != 0 {
		t.Error(count)
	}
	if found := row(t, must(client.Destinations(ctx))(t)); found["dead"] != 1.0 {
		t.Error(found)
	}
	if _, err := client.Deliver(ctx, &obs.DeliverOptions{Destination: "absent", Once: true}); !errors.Is(err, obs.NotFound) {
		t.Error(err)
	}
}

func TestDeliverUntilTheContextEnds(t *testing.T) {
	to := newHook(t)
	client := led(t, to)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var count uint64
	ended := make(chan error)
	go func() {
		var err error
		count, err = client.Deliver(inner, nil)
		ended <- err
	}()
	for _, id := range []string{"1", "2", "3"} {
		must(client.Bus().Publish(ctx, obs.Event{Type: "t", ID: id}, nil))(t)
		if came := <-to.came; came != id+" " {
			t.Errorf("%q came", came)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", count, err)
	}
	short, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if _, err := client.Deliver(short, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
