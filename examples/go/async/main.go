// Many objects at once: goroutines; the binding bounds the threads that wait for the disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"

	obs "github.com/libobs/libobs/bindings/go"
)

const frames = 8

// each runs do for all frames at once and gives the errors.
func each(do func(key string) error) error {
	var group sync.WaitGroup
	failed := make([]error, frames)
	for number := range frames {
		group.Add(1)
		go func() {
			defer group.Done()
			failed[number] = do(fmt.Sprintf("raw/%d.fits", number))
		}()
	}
	group.Wait()
	return errors.Join(failed...)
}

func run(ctx context.Context, client *obs.Client) error {
	store, frame := client.Store(), make([]byte, 1000)
	err := each(func(key string) error {
		_, err := store.Put(ctx, key, frame, nil)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Println("wrote", frames, "frames")
	var read atomic.Int64
	err = each(func(key string) error {
		frame, err := store.Get(ctx, key, nil)
		read.Add(int64(len(frame)))
		return err
	})
	fmt.Println("read", read.Load(), "bytes")
	return err
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
