// Deliveries: obs.yaml names a web server. What it does not take now is kept, in its order, and tried again.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, client *obs.Client) error {
	event := obs.Event{Type: "org.example.frame.stored", Subject: "raw/1.fits", Data: []byte(`{"exposure":30}`)}
	if _, err := client.Bus().Publish(ctx, event, nil); err != nil {
		return err
	}
	count, err := client.Deliver(ctx, &obs.DeliverOptions{Once: true}) // a service leaves Once out: it goes on until ctx ends
	if err != nil {
		return err
	}
	fmt.Println("delivered", count)
	rows, err := client.Destinations(ctx)
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		var to struct {
			Destination, State string
			Waiting            int
		}
		if err == nil {
			err = json.Unmarshal(row, &to)
		}
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s, %d waiting\n", to.Destination, to.State, to.Waiting)
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
