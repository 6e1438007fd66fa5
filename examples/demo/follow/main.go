// follow TENANT SETTING VALUE: prints the setting now and when it changes, until it is VALUE.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	obs "github.com/libobs/libobs/bindings/go"
)

func show(ctx context.Context, client *obs.Client, name string) (float64, uint64, error) {
	now, err := client.Config().Snapshot(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer now.Close()
	value, err := now.Float(name)
	if err == nil {
		fmt.Printf("Go     sees %s = %g\n", name, value)
	}
	return value, now.Version(), err
}

func follow(ctx context.Context, client *obs.Client, name string, wanted float64) error {
	value, version, err := show(ctx, client, name)
	for err == nil && value != wanted {
		if _, err = client.Config().Wait(ctx, version); err == nil {
			value, version, err = show(ctx, client, name)
		}
	}
	return err
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	wanted, err := strconv.ParseFloat(os.Args[3], 64)
	if err != nil {
		log.Fatal(err)
	}
	client, err := obs.Open(ctx, &obs.OpenOptions{Tenant: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := follow(ctx, client, os.Args[2], wanted); err != nil {
		log.Fatal(err)
	}
}
