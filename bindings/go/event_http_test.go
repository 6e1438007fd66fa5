package obs_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

func TestEventsAsHTTPMessages(t *testing.T) {
	event := obs.Event{
		ID: "e 1", Source: "/roof", Type: "org.example.made", Subject: `a "b" 100 % ü 🔭`, Time: "2026-11-20T22:00:00.5Z",
		DataContentType: "image/fits", DataSchema: "https://example.org/s", Data: []byte{0, 255},
		Extensions: map[string]string{"site": "roof"},
	}
	headers, body, err := event.HTTP()
	if err != nil {
		t.Fatal(err)
	}
	if got := http.Header(headers); got.Get("ce-id") != "e%201" || got.Get("content-type") != "image/fits" || string(body) != "\x00\xff" {
		t.Errorf("%v %q", got, body)
	}
	if read := must(obs.EventFromHTTP(headers, body))(t); !reflect.DeepEqual(read, event) {
		t.Errorf("%+v", read)
	}
	text := must(json.Marshal(event))(t)
	headers["Content-Type"] = []string{"application/cloudevents+json; charset=utf-8"}
	if read := must(obs.EventFromHTTP(headers, text))(t); !reflect.DeepEqual(read, event) {
		t.Errorf("%+v", read)
	}
	bare := obs.Event{ID: "1", Source: "/s", Type: "t", Extensions: map[string]string{}}
	if headers, body, err = bare.HTTP(); err != nil || len(body) != 0 || len(headers) != 4 {
		t.Errorf("%v %q %v", headers, body, err)
	}
	if read := must(obs.EventFromHTTP(headers, nil))(t); !reflect.DeepEqual(read, bare) {
		t.Errorf("%+v", read)
	}
	delete(headers, "Ce-Source")
	if _, err := obs.EventFromHTTP(headers, nil); !errors.Is(err, obs.InvalidArgument) {
		t.Error(err)
	}
	if _, _, err := (obs.Event{Type: "t"}).HTTP(); !errors.Is(err, obs.InvalidArgument) {
		t.Error(err)
	}
	var batch []obs.Event
	if err := json.Unmarshal(must(json.Marshal([]obs.Event{event, bare}))(t), &batch); err != nil || !reflect.DeepEqual(batch, []obs.Event{event, bare}) {
		t.Errorf("%+v %v", batch, err)
	}
}
