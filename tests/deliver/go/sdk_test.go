// Package sdk has nothing but tests: the CloudEvents SDK of Go reads what libobs sends, and libobs reads what it writes.
package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	obs "github.com/libobs/libobs/bindings/go"
)

var ctx = context.Background()

const (
	unicode = `Größe "α" 100 % 観測 🔭 <b>`
	trace   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" // an event without one is given one
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cases are events as libobs has them; every second one has all attributes there are.
func cases() []obs.Event {
	random := rand.New(rand.NewSource(20261121))
	noise := func(size int) []byte {
		made := make([]byte, size)
		random.Read(made)
		made[0] = 0xFF
		return made
	}
	text := func(value any) []byte {
		made, _ := json.Marshal(value)
		return made
	}
	made := []obs.Event{
		{},
		{DataContentType: "application/json", Data: text(map[string]any{"mag": 17.25, "tags": []any{unicode, nil, true}})},
		{DataContentType: "application/json", Data: []byte(`"a text"`)},
		{DataContentType: "application/json", Data: []byte("42")},
		{DataContentType: "application/json; charset=utf-8", Data: text([]string{unicode})},
		{DataContentType: "text/plain", Data: []byte("zweite Zeile\nдругая строка\r\n\t\\ \" ' 🔭")},
		{DataContentType: "text/csv", Data: []byte("a,b\n1,2\n")},
		{DataContentType: "application/xml", Data: []byte("<a b='1'>観測</a>")},
		{DataContentType: "application/octet-stream", Data: []byte{0}},
		{DataContentType: "image/fits", Data: []byte{0xFF, 0, 0xFE, 0x80}},
		{DataContentType: "application/octet-stream", Data: noise(65536)},
		{DataContentType: "application/fits", Data: noise(600_000)},
		{DataContentType: "text/plain", Data: []byte(strings.Repeat(unicode, 9000))},
	}
	for i := range made {
		event := &made[i]
		event.ID, event.Source, event.Type = fmt.Sprintf("e %d", i), "/roof/ccd", "org.example.made"
		event.Time, event.Extensions = "2026-11-20T22:00:00.5Z", map[string]string{"traceparent": trace}
		if i%2 == 0 {
			event.Subject, event.DataSchema = fmt.Sprintf("a b/%s/%d", unicode, i), "https://example.org/schema?a=1#b"
			maps.Copy(event.Extensions, map[string]string{"site": "roof", "note": unicode, "number1": "7"})
		}
	}
	return made
}

// same compares attribute by attribute; JSON may be written with other blanks. This SDK leaves the percent-encoding of the binary
// mode as it is (3.1.3.2 of the HTTP binding): there a text is the same when it says the same.
func same(t *testing.T, what string, event obs.Event, theirs cloudevents.Event) {
	t.Helper()
	equal := func(name, our, their string) {
		t.Helper()
		if what == "binary" {
			their = plain(their)
		}
		if our != their {
			t.Errorf("%s %s: %s is %q here and %q there", what, event.ID, name, our, their)
		}
	}
	equal("id", event.ID, theirs.ID())
	equal("source", event.Source, theirs.Source())
	equal("type", event.Type, theirs.Type())
	equal("subject", event.Subject, theirs.Subject())
	equal("datacontenttype", event.DataContentType, theirs.DataContentType())
	equal("dataschema", event.DataSchema, theirs.DataSchema())
	equal("specversion", "1.0", theirs.SpecVersion())
	if at, err := time.Parse(time.RFC3339Nano, event.Time); err != nil || !at.Equal(theirs.Time()) {
		t.Errorf("%s %s: time is %s here and %s there", what, event.ID, event.Time, theirs.Time())
	}
	if len(event.Extensions) != len(theirs.Extensions()) {
		t.Errorf("%s %s: %v here and %v there", what, event.ID, event.Extensions, theirs.Extensions())
	}
	for name, value := range theirs.Extensions() {
		equal(name, event.Extensions[name], fmt.Sprint(value))
	}
	ours, data := event.Data, theirs.Data()
	if json.Valid(ours) && json.Valid(data) {
		ours, data = compact(t, ours), compact(t, data)
	}
	if !bytes.Equal(ours, data) {
		t.Errorf("%s %s: %d bytes of data here and %d others there: %.80q %.80q", what, event.ID, len(ours), len(data), ours, data)
	}
}

func plain(text string) string {
	if made, err := url.PathUnescape(text); err == nil {
		return made
	}
	return text
}

func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var value any
	check(t, json.Unmarshal(text, &value))
	made, err := json.Marshal(value)
	check(t, err)
	return made
}

// A receiver takes events with the SDK and keeps them.
type receiver struct {
	lock  sync.Mutex
	taken map[string][]cloudevents.Event
}

func (r *receiver) take(mode string, events ...cloudevents.Event) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.taken[mode] = append(r.taken[mode], events...)
}

// serve is a receiver of the SDK for one mode, with its own answer to the handshake. It gives the address.
func (r *receiver) serve(t *testing.T, mode string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	allow := cehttp.WithDefaultOptionsHandlerFunc([]string{http.MethodPost}, 1000, []string{"*"}, false)
	protocol, err := cehttp.New(cehttp.WithListener(listener), allow)
	check(t, err)
	client, err := cloudevents.NewClient(protocol)
	check(t, err)
	inner, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- client.StartReceiver(inner, func(event cloudevents.Event) { r.take(mode, event) })
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return "http://" + listener.Addr().String()
}

// serveBatches takes batches, which the receivers of the SDK do not, but its reader of requests does.
func (r *receiver) serveBatches(t *testing.T) string {
	allow := cehttp.WithDefaultOptionsHandlerFunc([]string{http.MethodPost}, 1000, []string{"*"}, false)
	protocol, err := cehttp.New(allow)
	check(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodOptions {
			protocol.OptionsHandler(w, request)
			return
		}
		events, err := cehttp.NewEventsFromHTTPRequest(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.take("batch", events...)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func workspace(t *testing.T, destinations string) *obs.Client {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	folder := filepath.Join(t.TempDir(), "night")
	check(t, obs.Init(ctx, folder))
	file, err := os.OpenFile(filepath.Join(folder, "obs.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = file.WriteString(destinations)
	check(t, err)
	check(t, file.Close())
	client, err := obs.Open(ctx, &obs.OpenOptions{Workspace: folder})
	check(t, err)
	t.Cleanup(func() { client.Close() })
	return client
}

// tell says what became of the others.
func tell(t *testing.T, client *obs.Client) {
	t.Helper()
	rows, err := client.Destinations(ctx)
	check(t, err)
	for row, err := range rows.All() {
		check(t, err)
		t.Logf("%s", row)
	}
}

func TestTheyReadOurDeliveries(t *testing.T) {
	r := receiver{taken: map[string][]cloudevents.Event{}}
	lines := "destinations:\n"
	for mode, url := range map[string]string{
		"binary": r.serve(t, "binary"), "structured": r.serve(t, "structured"), "batch": r.serveBatches(t),
	} {
		lines += fmt.Sprintf("  - {name: %s, url: '%s', mode: %s, batch: 5, allow: [plain, private]}\n", mode, url, mode)
	}
	client := workspace(t, lines)
	for _, event := range cases() {
		_, err := client.Bus().Publish(ctx, event, nil)
		check(t, err)
	}
	count, err := client.Deliver(ctx, &obs.DeliverOptions{Once: true})
	check(t, err)
	if count != uint64(3*len(cases())) {
		t.Errorf("%d were delivered", count)
		tell(t, client)
	}
	for _, mode := range []string{"binary", "structured", "batch"} {
		got := map[string]cloudevents.Event{}
		for _, event := range r.taken[mode] {
			got[plain(event.ID())] = event
		}
		if len(got) != len(cases()) || len(r.taken[mode]) != len(cases()) {
			t.Errorf("%s: %d of %d came", mode, len(got), len(cases()))
		}
		for _, event := range cases() {
			same(t, mode, event, got[event.ID])
		}
	}
}

// theirs is an event as the SDK makes it.
func theirs(t *testing.T, event obs.Event) cloudevents.Event {
	t.Helper()
	made := cloudevents.NewEvent()
	made.SetID(event.ID)
	made.SetSource(event.Source)
	made.SetType(event.Type)
	made.SetSubject(event.Subject)
	made.SetDataSchema(event.DataSchema)
	at, err := time.Parse(time.RFC3339Nano, event.Time)
	check(t, err)
	made.SetTime(at)
	for name, value := range event.Extensions {
		made.SetExtension(name, value)
	}
	if event.Data != nil {
		check(t, made.SetData(event.DataContentType, event.Data))
	}
	check(t, made.Validate())
	return made
}

// unescaped has no '%' in texts: this SDK writes it into headers as it is, and so there is no telling what it stands for.
func unescaped(event obs.Event) obs.Event {
	event.Subject = strings.ReplaceAll(event.Subject, "%", "")
	if note, ok := event.Extensions["note"]; ok {
		event.Extensions["note"] = strings.ReplaceAll(note, "%", "")
	}
	return event
}

// What this SDK does not do as the specification has it, and what comes of it. Where it has learned, the cases above can have it.
func TestWhatTheirsDoesOtherwise(t *testing.T) {
	event := cases()[0]
	request, err := cehttp.NewHTTPRequestFromEvent(cloudevents.WithEncodingBinary(ctx), "http://localhost", theirs(t, event))
	check(t, err)
	if _, err := obs.EventFromHTTP(request.Header, nil); !errors.Is(err, obs.InvalidArgument) {
		t.Errorf("a bare %% in a header gives %v", err)
	}
	event.DataContentType, event.Data = "application/vnd.example+json", []byte(`{"a":1}`)
	text, err := json.Marshal(event)
	check(t, err)
	var read cloudevents.Event
	if json.Unmarshal(text, &read) == nil {
		t.Error("it reads the JSON of a media type that ends with +json")
	}
	headers, data, err := event.HTTP()
	check(t, err)
	same(t, "binary", event, ofMessage(t, headers, data))
}

func ofMessage(t *testing.T, headers http.Header, data []byte) cloudevents.Event {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://localhost", bytes.NewReader(data))
	check(t, err)
	request.Header = headers
	read, err := cehttp.NewEventFromHTTPRequest(request)
	check(t, err)
	return *read
}

func body(t *testing.T, request *http.Request) []byte {
	t.Helper()
	if request.Body == nil {
		return nil
	}
	made, err := io.ReadAll(request.Body)
	check(t, err)
	return made
}

func TestWeReadTheirEvents(t *testing.T) {
	for _, event := range cases() {
		event = unescaped(event)
		made := theirs(t, event)
		text, err := json.Marshal(made)
		check(t, err)
		var read obs.Event
		check(t, json.Unmarshal(text, &read))
		same(t, "JSON", read, made)
		for mode, encoded := range map[string]context.Context{
			"binary": cloudevents.WithEncodingBinary(ctx), "structured": cloudevents.WithEncodingStructured(ctx),
		} {
			request, err := cehttp.NewHTTPRequestFromEvent(encoded, "http://localhost", made)
			check(t, err)
			read, err := obs.EventFromHTTP(request.Header, body(t, request))
			check(t, err)
			same(t, "their "+mode, read, made)
		}
	}
}

func TestWeReadTheirBatch(t *testing.T) {
	var made []cloudevents.Event
	for _, event := range cases() {
		made = append(made, theirs(t, event))
	}
	request, err := cehttp.NewHTTPRequestFromEvents(ctx, "http://localhost", made)
	check(t, err)
	var read []obs.Event
	check(t, json.Unmarshal(body(t, request), &read))
	if len(read) != len(made) {
		t.Fatalf("%d of %d", len(read), len(made))
	}
	for i := range read {
		same(t, "batch", read[i], made[i])
	}
}

func TestTheyReadOurMessages(t *testing.T) {
	for _, event := range cases() {
		headers, data, err := event.HTTP()
		check(t, err)
		same(t, "binary", event, ofMessage(t, headers, data))
	}
	text, err := json.Marshal(cases())
	check(t, err)
	var read []cloudevents.Event
	check(t, json.Unmarshal(text, &read))
	for i, event := range cases() {
		same(t, "batch", event, read[i])
	}
}
