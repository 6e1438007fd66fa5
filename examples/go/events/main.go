// Events: published durably, delivered until they are acknowledged.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, client *obs.Client) error {
	for _, subject := range []string{"raw/1.fits", "raw/2.fits"} {
		event := obs.Event{Type: "org.example.frame.stored", Subject: subject, Data: []byte(`{"exposure":30}`)}
		if _, err := client.Bus().Publish(ctx, event, nil); err != nil {
			return err
		}
	}
	options := &obs.SubscribeOptions{Type: "org.example.*"}
	subscription, err := client.Bus().Subscribe(ctx, "watcher", options) // its place is kept under its name
	if err != nil {
		return err
	}
	defer subscription.Close()

	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	for delivery, err := range subscription.All(soon) {
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("no more")
			return nil
		}
		if err == nil {
			fmt.Println(delivery.Event.Type, delivery.Event.Subject)
			err = subscription.Acknowledge(delivery)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func main() {
	ctx := context.Background()
	client, err := obs.Open(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := run(ctx, client); err != nil {
		log.Fatal(err)
	}
}
