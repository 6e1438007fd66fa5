// The same event as bench/bench_event.c and bench_cesql.c, encoded, decoded and filtered by the CloudEvents SDK for Go.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/cloudevents/sdk-go/sql/v2/parser"
	cloudevents "github.com/cloudevents/sdk-go/v2"
)

const (
	rounds = 2000
	calls  = 100
)

const payload = `{"mag":17.3125,"filter":"Sloan r","frame":"light-4210","exposure":120,"airmass":1.25}`

const filter = `type = 'org.example.frame.stored' AND subject LIKE 'raw/%.fits' AND ` +
	`(source = '/obs/day' OR EXISTS traceparent)`

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func sample() cloudevents.Event {
	at, err := time.Parse(time.RFC3339Nano, "2026-11-20T21:15:03.123456Z")
	check(err)
	event := cloudevents.NewEvent()
	event.SetID("01936f5c-1f5e-7a3c-9b1e-5d0c2f6a8e47")
	event.SetSource("/obs/night")
	event.SetType("org.example.frame.stored")
	event.SetSubject("raw/2026-11-20/ccd-0421.fits")
	event.SetTime(at)
	event.SetExtension("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	check(event.SetData("application/json", json.RawMessage(payload)))
	return event
}

func measure(name string, size int, call func()) {
	times := make([]float64, rounds)
	for i := range times {
		start := time.Now()
		for j := 0; j < calls; j++ {
			call()
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / calls
	}
	sort.Float64s(times)
	fmt.Printf("{\"figure\":%q,\"by\":\"cloudevents/sdk-go v2.16.2\",\"bytes\":%d,\"p50_ns\":%.0f,\"p99_ns\":%.0f}\n",
		name, size, times[rounds/2], times[rounds*99/100])
}

func main() {
	event := sample()
	text, err := json.Marshal(event)
	check(err)
	measure("event encode", len(text), func() {
		_, err := json.Marshal(event)
		check(err)
	})
	measure("event decode", len(text), func() {
		var back cloudevents.Event
		check(json.Unmarshal(text, &back))
	})
	expression, err := parser.Parse(filter)
	check(err)
	measure("filter event", len(text), func() {
		if matches, err := expression.Evaluate(event); err != nil || matches != true {
			check(fmt.Errorf("the filter gives %v, %v", matches, err))
		}
	})
}
