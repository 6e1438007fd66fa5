// The catalog: what is stored is found by its labels and values.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

func run(ctx context.Context, client *obs.Client) error {
	clusters := []struct {
		name string
		mag  float64
	}{{"m13", 5.8}, {"m92", 6.4}, {"ngc6229", 9.4}}
	for _, one := range clusters {
		options := &obs.PutOptions{Labels: map[string]string{"class": "globular"}, Values: map[string]any{"mag": one.mag}}
		if _, err := client.Store().Put(ctx, "products/"+one.name+".json", []byte("{}"), options); err != nil {
			return err
		}
	}

	rows, err := client.Catalog().Search(ctx, "class=globular mag<7", nil)
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		var entry obs.Entry
		if err == nil {
			err = json.Unmarshal(row, &entry)
		}
		if err != nil {
			return err
		}
		fmt.Println(entry.Key)
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
