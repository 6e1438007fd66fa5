// Skyearth is the loader of the tenant `earth`, in Go: images of the sky (FITS) and of the ground's motion (miniSEED), and
// whatever other files it is given.
//
//	skyearth [-from NAME] DEFINITIONS FILE...
//
// NAME tells files of several origins with the same names from each other.
// Each file goes in whole, as an object (batch). Of a FITS file the primary header becomes a record, of a miniSEED file the
// fixed header of each of its records (stream). Prints one JSON object for each file.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	obs "github.com/libobs/libobs/bindings/go"
)

const goroutines = 16

// An item is a record, or input that could not become one and why.
type item struct {
	place  string
	record any
	input  []byte
	reason string
}

type result struct {
	Tenant   string `json:"tenant"`
	File     string `json:"file"`
	Table    string `json:"table"`
	Accepted int    `json:"accepted"`
	Refused  int    `json:"refused"`
}

// kind tells the data definition of a file and what its object is; a file nothing is known about is an object only.
func kind(name string, content []byte) (table, contentType string, parse func(string, []byte) []item) {
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".fits"):
		return "fits.header", "image/fits", fitsItems
	case strings.Contains(lower, "mseed") || strings.Contains(lower, "record") || looksLikeMiniSEED(content):
		return "mseed.record", "application/vnd.fdsn.mseed", miniSEEDItems
	case strings.HasSuffix(lower, ".tif"):
		return "objects", "image/tiff", nil
	case strings.HasSuffix(lower, ".jpg"):
		return "objects", "image/jpeg", nil
	case strings.HasSuffix(lower, ".264") || strings.HasSuffix(lower, ".jsv"):
		return "objects", "video/H264", nil
	}
	return "objects", "application/octet-stream", nil
}

func load(ctx context.Context, client *obs.Client, from, path string) (result, error) {
	name := from + filepath.Base(path)
	content, err := os.ReadFile(path)
	if err != nil {
		return result{}, err
	}
	table, contentType, parse := kind(name, content)
	options := &obs.IngestOptions{Origin: name, ContentType: contentType, Labels: map[string]string{"family": table}}
	if err := client.IngestFile(ctx, "raw/"+strings.TrimSuffix(table, ".header")+"/"+name, content, options); err != nil {
		return result{}, err
	}
	done := result{Tenant: client.Tenant(), File: name, Table: table}
	if parse == nil {
		done.Accepted = 1
		return done, nil
	}
	err = send(ctx, client, &done, parse(name, content))
	return done, err
}

// send ingests the items on several goroutines, so that their commits share their syncs.
func send(ctx context.Context, client *obs.Client, done *result, items []item) error {
	var lock sync.Mutex
	var first error
	var group sync.WaitGroup
	work := make(chan item)
	for range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			for one := range work {
				accepted, err := sendOne(ctx, client, done.Table, one)
				lock.Lock()
				switch {
				case err != nil:
					first = errors.Join(first, err)
				case accepted:
					done.Accepted++
				default:
					done.Refused++
				}
				lock.Unlock()
			}
		}()
	}
	for _, one := range items {
		work <- one
	}
	close(work)
	group.Wait()
	return first
}

func sendOne(ctx context.Context, client *obs.Client, table string, one item) (accepted bool, err error) {
	options := &obs.IngestOptions{Origin: one.place, Labels: map[string]string{"family": table}}
	if one.reason != "" {
		return false, client.IngestRefuse(ctx, table, one.input, one.reason, options)
	}
	record, err := json.Marshal(one.record)
	if err != nil {
		return false, err
	}
	_, err = client.IngestRecord(ctx, table, record, options)
	if errors.Is(err, obs.Refused) {
		return false, nil
	}
	return err == nil, err
}

func define(ctx context.Context, client *obs.Client, folder string) error {
	for _, name := range []string{"fits.header", "mseed.record", "usgs.earthquake"} {
		schema, err := os.ReadFile(filepath.Join(folder, name+".json"))
		if err != nil {
			return err
		}
		if err := client.Define(ctx, name, schema); err != nil {
			return err
		}
	}
	return nil
}

func run() error {
	from := flag.String("from", "", "where the files are from")
	flag.Parse()
	if flag.NArg() < 2 {
		return errors.New("usage: skyearth [-from NAME] DEFINITIONS FILE...")
	}
	if *from != "" {
		*from += "/"
	}
	ctx := context.Background()
	client, err := obs.Open(ctx, &obs.OpenOptions{Tenant: "earth", Program: "skyearth/1.0"})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := define(ctx, client, flag.Arg(0)); err != nil {
		return err
	}
	for _, path := range flag.Args()[1:] {
		done, err := load(ctx, client, *from, path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		line, _ := json.Marshal(done)
		fmt.Println(string(line))
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "skyearth:", err)
		os.Exit(1)
	}
}
