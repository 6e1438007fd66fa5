// Units: several changes that become durable together, or not at all.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, client *obs.Client) error {
	err := client.Unit(ctx, func(unit *obs.Unit) error {
		options := &obs.PutOptions{Values: map[string]any{"mag": 5.8}}
		if err := unit.Put("products/m13.json", []byte(`{"mag":5.8}`), options); err != nil {
			return err
		}
		return unit.Publish(obs.Event{Type: "org.example.product.created", Subject: "products/m13.json"}, nil)
	})
	if err != nil {
		return err
	}
	if _, err := client.Store().Head(ctx, "products/m13.json"); err != nil {
		return err
	}
	fmt.Println("both became visible together")

	failed := errors.New("the measurement failed")
	err = client.Unit(ctx, func(unit *obs.Unit) error {
		if err := unit.Put("products/m92.json", []byte(`{"mag":6.4}`), nil); err != nil {
			return err
		}
		return failed
	})
	_, missing := client.Store().Head(ctx, "products/m92.json")
	if errors.Is(err, failed) && errors.Is(missing, obs.NotFound) {
		fmt.Println("nothing of the second unit happened")
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
