// Catalogue is a function, the second step of a workflow: of what photometry measured on a frame it makes a table of stars
// with instrumental magnitudes, the brightest first.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	obs "github.com/libobs/libobs/bindings/go"
)

const (
	from = "products/photometry/"
	zero = 25.0 // the magnitude of a star of one unit of flux: instrumental, no calibration
)

type measured struct {
	Frame string `json:"frame"`
	Stars []struct {
		X, Y, Flux float64
	} `json:"stars"`
}

// table also says how many stars have a magnitude: one with no flux above the background has none.
func table(stars *measured) ([]byte, int) {
	var out bytes.Buffer
	count := 0
	out.WriteString("star,x,y,flux,magnitude\n")
	for _, star := range stars.Stars {
		if star.Flux <= 0 {
			continue
		}
		count++
		fmt.Fprintf(&out, "%d,%.3f,%.3f,%.3f,%.4f\n", count, star.X, star.Y, star.Flux, zero-2.5*math.Log10(star.Flux))
	}
	return out.Bytes(), count
}

func onPhotometry(call *obs.FunctionCall) error {
	key := call.Event().Subject
	content, err := call.Get(key)
	if err != nil {
		return err
	}
	var stars measured
	if err := json.Unmarshal(content, &stars); err != nil {
		return fmt.Errorf("%s is no product of photometry: %w: %w", key, err, obs.Refused)
	}
	folder, err := call.Folder()
	if err != nil {
		return err
	}
	text, count := table(&stars)
	name := strings.TrimSuffix(strings.TrimPrefix(key, from), ".json") + ".csv"
	file := filepath.Join(folder, url.PathEscape(name))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	made := "products/catalogue/" + name
	err = call.PutFile(made, file, &obs.PutOptions{
		ContentType: "text/csv",
		Labels:      map[string]string{"product": "catalogue"},
		Values:      map[string]any{"stars": count},
	})
	if err != nil {
		return err
	}
	return call.Publish(obs.Event{Type: "org.example.catalogue.made", Subject: made}, nil)
}

func main() { obs.FunctionMain(onPhotometry) }
