// Objects: write once, read back, read a part, list.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, client *obs.Client) error {
	store := client.Store()
	options := &obs.PutOptions{ContentType: "text/plain", Labels: map[string]string{"night": "2026-11-20"}}
	stat, err := store.Put(ctx, "raw/m13.txt", []byte("globular cluster\n"), options)
	if err != nil {
		return err
	}
	fmt.Println("stored", stat.Size, "bytes")

	word, err := store.Get(ctx, "raw/m13.txt", &obs.GetOptions{Length: 8}) // any part of it, checked
	if err != nil {
		return err
	}
	fmt.Println("the first word is", string(word))

	_, err = store.Put(ctx, "raw/m13.txt", []byte("something else"), &obs.PutOptions{IfNoneMatch: "*"})
	if errors.Is(err, fs.ErrExist) {
		fmt.Println("it is there already")
	}

	for stat, err := range store.List(ctx, "raw/", nil) {
		if err == nil {
			stat, err = store.Head(ctx, stat.Key)
		}
		if err != nil {
			return err
		}
		fmt.Printf("%s night=%s\n", stat.Key, stat.Labels["night"])
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
