// The relay: an edge site with a workspace of its own, and the observatory around us. Cut off or killed, it goes on where it was.
package main

import (
	"context"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func observe(ctx context.Context, roof *obs.Client) error {
	if _, err := roof.Store().Put(ctx, "raw/1.fits", []byte("frame"), nil); err != nil {
		return err
	}
	_, err := roof.Bus().Publish(ctx, obs.Event{Type: "org.example.frame.stored", Subject: "raw/1.fits"}, nil)
	return err
}

func run(ctx context.Context, roof, observatory *obs.Client) error {
	if err := observe(ctx, roof); err != nil {
		return err
	}
	for range 2 { // the second time there is nothing to do
		done, err := roof.Relay(ctx, observatory, &obs.RelayOptions{Site: "roof"})
		if err != nil {
			return err
		}
		fmt.Printf("%d objects, %d events\n", done.Objects, done.Events)
	}
	stat, err := observatory.Store().Head(ctx, "raw/1.fits")
	if err != nil {
		return err
	}
	for name, value := range stat.Labels {
		fmt.Printf("%s: %s=%s\n", stat.Key, name, value)
	}
	return nil
}

func main() {
	ctx := context.Background()
	observatory, err := obs.Open(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer observatory.Close()
	if err := obs.Init(ctx, "roof"); err != nil {
		log.Fatal(err)
	}
	roof, err := obs.Open(ctx, &obs.OpenOptions{Workspace: "roof"})
	if err != nil {
		log.Fatal(err)
	}
	defer roof.Close()
	if err := run(ctx, roof, observatory); err != nil {
		log.Fatal(err)
	}
}
