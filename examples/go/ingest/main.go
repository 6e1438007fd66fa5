// Ingestion: records are checked against their definition, and each leaves a line in the log.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	obs "github.com/libobs/libobs/bindings/go"
)

const star = `{"type": "object", "required": ["name", "mag"],
	"properties": {"name": {"type": "string"}, "mag": {"type": "number", "maximum": 30}}}`

const stars = `{"name":"Vega","mag":0.03}
{"name":"Deneb"}
{"name":"Altair","mag":0.76}
`

func run(ctx context.Context, client *obs.Client) error {
	if err := client.Define(ctx, "example.star", []byte(star)); err != nil {
		return err
	}
	options := &obs.IngestOptions{Origin: "stars.txt"} // the lines are counted
	accepted, refused, err := client.IngestRecords(ctx, "example.star", []byte(stars), options)
	if err != nil {
		return err
	}
	fmt.Printf("%d accepted, %d refused\n", accepted, refused)

	rows, err := client.IngestLog(ctx, obs.IngestLogQuery{Result: "refused"})
	if err != nil {
		return err
	}
	for row, err := range rows.All() {
		var line struct{ Origin, Reason string }
		if err == nil {
			err = json.Unmarshal(row, &line)
		}
		if err != nil {
			return err
		}
		fmt.Println(line.Origin, "was refused") // line.Reason says why
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
