package main

import (
	"context"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func main() {
	ctx := context.Background()
	client, err := obs.Open(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	frame, err := client.Store().Get(ctx, "raw/ccd-0421.fits", nil)
	if err != nil {
		log.Fatal(err)
	}
	err = client.Unit(ctx, func(unit *obs.Unit) error { // durable together, or not at all
		options := &obs.PutOptions{Labels: map[string]string{"night": "2026-11-20"}, Values: map[string]any{"mag": 17.3}}
		if err := unit.Put("products/0421.json", []byte(`{"mag":17.3}`), options); err != nil {
			return err
		}
		return unit.Publish(obs.Event{Type: "org.example.product.created", Subject: "products/0421.json"}, nil)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("measured", len(frame), "bytes")
}
