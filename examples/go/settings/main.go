// Settings: read in a loop, changed in one place, told where they come from.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, config *obs.Config) error {
	gain, err := config.FloatSetting("ccd.gain", obs.SettingOptions{Default: 1.5, Min: 0.1, Max: 10})
	if err != nil {
		return err
	}
	defer gain.Close()
	fmt.Printf("gain %.1f\n", gain.Value())
	if err := config.Set(ctx, "ccd.gain", 1.7, nil); err != nil {
		return err
	}
	fmt.Printf("gain %.1f\n", gain.Value()) // other processes see it within a second
	if err := config.Set(ctx, "ccd.gain", 70, nil); errors.Is(err, obs.Refused) {
		fmt.Printf("refused, still %.1f\n", gain.Value())
	}
	snapshot, err := config.Snapshot(ctx) // all of it, as it is at this moment
	if err != nil {
		return err
	}
	defer snapshot.Close()
	return explain(obs.WithConfig(ctx, snapshot))
}

// explain is told the configuration by its context, as all that is done for one task can be.
func explain(ctx context.Context) error {
	ccd, err := obs.ConfigFrom(ctx).JSON("ccd")
	if err == nil {
		fmt.Printf("ccd is %s\n", ccd)
	}
	return err
}

func main() {
	ctx := context.Background()
	client, err := obs.Open(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := run(ctx, client.Config()); err != nil {
		log.Fatal(err)
	}
}
