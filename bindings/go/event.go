package obs

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"iter"
	"runtime"
	"time"
	"unsafe"
)

// Event is one CloudEvent 1.0; "" means that an optional attribute is absent.
type Event struct {
	ID              string
	Source          string
	Type            string
	Subject         string
	Time            string // RFC 3339
	DataContentType string
	DataSchema      string
	Data            []byte
	Extensions      map[string]string
}

func (event *Event) c(memory *arena) *C.obs_event {
	given := (*C.obs_event)(memory.alloc(1, C.sizeof_obs_event))
	C.obs_event_init(given, C.sizeof_obs_event)
	given.id, given.source, given._type = memory.text(event.ID), memory.text(event.Source), memory.text(event.Type)
	given.subject, given.time = memory.text(event.Subject), memory.text(event.Time)
	given.datacontenttype, given.dataschema = memory.text(event.DataContentType), memory.text(event.DataSchema)
	if event.Data != nil {
		copied := C.CBytes(event.Data)
		memory.memory = append(memory.memory, copied)
		given.data, given.data_size = copied, C.size_t(len(event.Data))
	}
	given.extensions, given.extension_count = memory.pairs(event.Extensions)
	return given
}

func eventOf(event *C.obs_event) Event {
	made := Event{
		ID: C.GoString(event.id), Source: C.GoString(event.source), Type: C.GoString(event._type),
		Subject: C.GoString(event.subject), Time: C.GoString(event.time),
		DataContentType: C.GoString(event.datacontenttype), DataSchema: C.GoString(event.dataschema),
		Extensions: pairsOf(event.extensions, event.extension_count),
	}
	if event.data != nil {
		made.Data = append([]byte{}, unsafe.Slice((*byte)(event.data), int(event.data_size))...)
	}
	return made
}

// MarshalJSON is the event in structured mode.
func (event Event) MarshalJSON() ([]byte, error) {
	var memory arena
	defer memory.free()
	var out *C.obs_buffer
	if err := failure(C.go_event_encode(&out, event.c(&memory))); err != nil {
		return nil, err
	}
	return bytesOf(out), nil
}

// UnmarshalJSON reads an event in structured mode.
func (event *Event) UnmarshalJSON(json []byte) error {
	var out *C.obs_event
	bytes, size := data(json)
	if err := failure(C.go_event_decode(&out, (*C.char)(bytes), size)); err != nil {
		return err
	}
	defer C.obs_event_free(out)
	*event = eventOf(out)
	return nil
}

// HTTP is the event in binary mode: the headers, as an http.Header has them, and the body of an HTTP message.
func (event Event) HTTP() (headers map[string][]string, body []byte, err error) {
	var memory arena
	defer memory.free()
	var out *C.obs_event_message
	if err := failure(C.go_event_to_http(&out, event.c(&memory))); err != nil {
		return nil, nil, err
	}
	defer C.obs_event_message_free(out)
	headers = make(map[string][]string, int(out.header_count))
	for name, value := range pairsOf(out.headers, out.header_count) {
		headers[canonical(name)] = []string{value}
	}
	return headers, C.GoBytes(out.body, C.int(out.body_size)), nil
}

// canonical writes the name of a header as net/http does.
func canonical(name string) string {
	upper, letters := true, []byte(name)
	for i, letter := range letters {
		if upper && 'a' <= letter && letter <= 'z' {
			letters[i] -= 'a' - 'A'
		}
		upper = letter == '-'
	}
	return string(letters)
}

// EventFromHTTP reads an event that came as an HTTP message, in binary or structured mode. All its headers may be given. A batch
// is read by json.Unmarshal as []Event.
func EventFromHTTP(headers map[string][]string, body []byte) (Event, error) {
	var memory arena
	defer memory.free()
	flat := make(map[string]string, len(headers))
	for name, values := range headers {
		if len(values) > 0 {
			flat[name] = values[0]
		}
	}
	message := (*C.obs_event_message)(memory.alloc(1, C.sizeof_obs_event_message))
	message.headers, message.header_count = memory.pairs(flat)
	message.body, message.body_size = C.CBytes(body), C.size_t(len(body))
	memory.memory = append(memory.memory, unsafe.Pointer(message.body))
	var out *C.obs_event
	if err := failure(C.go_event_from_http(&out, message)); err != nil {
		return Event{}, err
	}
	defer C.obs_event_free(out)
	return eventOf(out), nil
}

// Bus is a log of events. Safe for concurrent use.
type Bus struct {
	c     *C.obs_bus
	owner *Client
}

// PublishOptions says how an event is published; the zero value is all defaults.
type PublishOptions struct {
	PartitionKey string // events with one key stay in order; "": the subject
	Priority     int    // 1: before ordinary events (0) that wait for the same consumer; -1: behind them
}

func (options *PublishOptions) c(made *call) *C.obs_publish_options {
	given := (*C.obs_publish_options)(made.alloc(1, C.sizeof_obs_publish_options))
	C.obs_publish_options_init(given, C.sizeof_obs_publish_options)
	given.call = made.c
	if options != nil {
		given.partition_key, given.priority = made.text(options.PartitionKey), C.int32_t(options.Priority)
	}
	return given
}

// Publish publishes an event and returns its id. It is durable when Publish returns. options may be nil.
func (bus *Bus) Publish(ctx context.Context, event Event, options *PublishOptions) (string, error) {
	var id string
	err := withCall(ctx, bus, func(made *call) error {
		var out *C.obs_buffer
		failed := C.go_bus_publish(&out, bus.c, event.c(&made.arena), options.c(made))
		id = string(bytesOf(out))
		return failure(failed)
	})
	return id, err
}

// SubscribeOptions says how a consumer is made; the zero value is all defaults.
type SubscribeOptions struct {
	Type      string        // a final * means any ending
	Subject   string        // how the subject begins
	FromNow   bool          // a new consumer begins with what comes from now on
	Filter    string        // an expression of CloudEvents SQL 1.0 that must be true, as in source LIKE '%/roof'
	Exclusive bool          // only when no other subscription of this name is there; else they share the events
	Attempts  int           // an event that was handed out so often becomes a dead letter; 0: 10, -1: never
	Retry     time.Duration // how long a rejected event waits, doubled each time; 0: a second
	RetryMax  time.Duration // it never waits longer; 0: five minutes
}

// Subscription is a named consumer. One goroutine at a time asks for events, others acknowledge and reject meanwhile; Close it when
// nobody uses it any more.
type Subscription struct {
	c     *C.obs_subscription
	owner *Bus
}

// Delivery is one delivered event.
type Delivery struct {
	Event    Event
	Sequence uint64
	Attempt  int
}

// Subscribe opens a consumer; its position is kept under its name. options may be nil.
func (bus *Bus) Subscribe(ctx context.Context, consumer string, options *SubscribeOptions) (*Subscription, error) {
	var out *C.obs_subscription
	err := withCall(ctx, bus, func(made *call) error {
		given := (*C.obs_subscribe_options)(made.alloc(1, C.sizeof_obs_subscribe_options))
		C.obs_subscribe_options_init(given, C.sizeof_obs_subscribe_options)
		given.call = made.c
		if options != nil {
			given._type, given.subject = made.text(options.Type), made.text(options.Subject)
			given.filter = made.text(options.Filter)
			given.from_now, given.exclusive = number(options.FromNow), number(options.Exclusive)
			given.attempts = C.int32_t(options.Attempts)
			given.retry_ms, given.retry_max_ms = C.int64_t(options.Retry.Milliseconds()), C.int64_t(options.RetryMax.Milliseconds())
		}
		return failure(C.go_bus_subscribe(&out, bus.c, made.always(consumer), given))
	})
	if err != nil {
		return nil, err
	}
	subscription := &Subscription{c: out, owner: bus}
	runtime.SetFinalizer(subscription, (*Subscription).Close)
	return subscription, nil
}

// wait asks for events until the context ends.
func (subscription *Subscription) wait(ctx context.Context, ask func(timeout C.int64_t, cancel *C.obs_cancel) *C.obs_error) error {
	var made call
	if err := made.begin(ctx); err != nil {
		return err
	}
	defer made.release()
	defer runtime.KeepAlive(subscription)
	if subscription.c == nil {
		return errClosed
	}
	timeout, cancel := C.int64_t(-1), (*C.obs_cancel)(nil)
	if made.c != nil {
		timeout, cancel = made.c.timeout_ms, made.c.cancel
	}
	return failure(ask(timeout, cancel))
}

func deliveryOf(delivery *C.obs_delivery) Delivery {
	return Delivery{Event: eventOf(delivery.event), Sequence: uint64(delivery.sequence), Attempt: int(delivery.attempt)}
}

// Next waits for the next event until the context ends.
func (subscription *Subscription) Next(ctx context.Context) (Delivery, error) {
	var out *C.obs_delivery
	err := subscription.wait(ctx, func(timeout C.int64_t, cancel *C.obs_cancel) *C.obs_error {
		return C.go_subscription_next(&out, subscription.c, timeout, cancel)
	})
	if err != nil {
		return Delivery{}, err
	}
	if out == nil {
		return Delivery{}, context.DeadlineExceeded
	}
	return deliveryOf(out), nil
}

// NextMany waits for the next event until the context ends, and takes those with it that are there at once: up to most, which is
// 1 to 4096, and about 16 MiB.
func (subscription *Subscription) NextMany(ctx context.Context, most int) ([]Delivery, error) {
	var out *C.obs_deliveries
	err := subscription.wait(ctx, func(timeout C.int64_t, cancel *C.obs_cancel) *C.obs_error {
		return C.go_subscription_next_many(&out, subscription.c, C.size_t(max(most, 0)), timeout, cancel)
	})
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, context.DeadlineExceeded
	}
	defer C.obs_deliveries_free(out)
	deliveries := make([]Delivery, C.obs_deliveries_count(out))
	for i := range deliveries {
		deliveries[i] = deliveryOf(C.obs_deliveries_at(out, C.size_t(i)))
	}
	return deliveries, nil
}

// All gives events as they come, until the context ends; an error is the last thing given.
func (subscription *Subscription) All(ctx context.Context) iter.Seq2[Delivery, error] {
	return func(yield func(Delivery, error) bool) {
		for {
			delivery, err := subscription.Next(ctx)
			if !yield(delivery, err) || err != nil {
				return
			}
		}
	}
}

// Batches gives events as they come, those that are there at the same time together, until the context ends; an error is the
// last thing given.
func (subscription *Subscription) Batches(ctx context.Context, most int) iter.Seq2[[]Delivery, error] {
	return func(yield func([]Delivery, error) bool) {
		for {
			deliveries, err := subscription.NextMany(ctx, most)
			if !yield(deliveries, err) || err != nil {
				return
			}
		}
	}
}

// Acknowledge says that an event is done. What is not acknowledged comes again.
func (subscription *Subscription) Acknowledge(delivery Delivery) error {
	defer runtime.KeepAlive(subscription)
	if subscription.c == nil {
		return errClosed
	}
	return failure(C.go_subscription_acknowledge(subscription.c, C.uint64_t(delivery.Sequence)))
}

// AcknowledgeAll says that an event and all of lower sequence that were delivered here are done, in one commit.
func (subscription *Subscription) AcknowledgeAll(delivery Delivery) error {
	defer runtime.KeepAlive(subscription)
	if subscription.c == nil {
		return errClosed
	}
	return failure(C.go_subscription_acknowledge_all(subscription.c, C.uint64_t(delivery.Sequence)))
}

// AcknowledgeMany says that these events are done, in one commit, and how many are: those that were taken back meanwhile come
// again.
func (subscription *Subscription) AcknowledgeMany(deliveries []Delivery) (int, error) {
	defer runtime.KeepAlive(subscription)
	if subscription.c == nil {
		return 0, errClosed
	}
	sequences := make([]C.uint64_t, len(deliveries))
	for i, delivery := range deliveries {
		sequences[i] = C.uint64_t(delivery.Sequence)
	}
	var done C.size_t
	err := failure(C.go_subscription_acknowledge_many(&done, subscription.c, unsafe.SliceData(sequences), C.size_t(len(sequences))))
	return int(done), err
}

// RejectOptions says how an event is given back; the zero value is all defaults.
type RejectOptions struct {
	Reason string        // for the dead letter and for people
	Delay  time.Duration // it comes again after so long; 0: as the subscription says; negative: at once
	Dead   bool          // a dead letter at once
}

// Reject gives an event back that could not be done. What was handed out behind it with its partition key is taken back, too.
func (subscription *Subscription) Reject(delivery Delivery, options RejectOptions) error {
	defer runtime.KeepAlive(subscription)
	if subscription.c == nil {
		return errClosed
	}
	var memory arena
	defer memory.free()
	given := (*C.obs_reject_options)(memory.alloc(1, C.sizeof_obs_reject_options))
	C.obs_reject_options_init(given, C.sizeof_obs_reject_options)
	given.reason, given.dead = memory.text(options.Reason), number(options.Dead)
	given.delay_ms = C.int64_t(options.Delay.Milliseconds())
	if options.Delay < 0 {
		given.delay_ms = -1
	}
	return failure(C.go_subscription_reject(subscription.c, C.uint64_t(delivery.Sequence), given))
}

// Close frees the subscription; its position stays.
func (subscription *Subscription) Close() error {
	if subscription.c != nil {
		runtime.SetFinalizer(subscription, nil)
		C.obs_subscription_free(subscription.c)
		subscription.c = nil
	}
	return nil
}

func number(is bool) C.int32_t {
	if is {
		return 1
	}
	return 0
}
