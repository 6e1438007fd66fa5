// Weather-product is a function: of each series it makes days and months, of a collection of METARs what its stations said.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	obs "github.com/libobs/libobs/bindings/go"
)

const raw = "raw/weather/"

// A product is what becomes of one file.
type product struct {
	File    string   `json:"file"`
	Unit    string   `json:"unit,omitempty"` // of temperatures
	Days    []period `json:"days,omitempty"`
	Months  []period `json:"months,omitempty"`
	Reports []report `json:"reports,omitempty"`
}

func productOf(key string, content []byte) (*product, error) {
	made := &product{File: key}
	var err error
	switch name := filepath.Base(key); {
	case name == "seattle-temps.csv":
		made.Unit = "°F"
		made.Days, made.Months, err = hourly(content)
	case name == "seattle-weather.csv":
		made.Unit = "°C"
		made.Months, err = daily(content)
	default:
		made.Unit = "°C"
		made.Reports = metars(content)
	}
	if err != nil { // the same file will be no better next time
		return nil, fmt.Errorf("%s: %w: %w", key, err, obs.Refused)
	}
	return made, nil
}

// draw puts the picture of the months.
func draw(call *obs.FunctionCall, made *product, name string) error {
	folder, err := call.Folder()
	if err != nil || len(made.Months) == 0 {
		return err
	}
	file := filepath.Join(folder, url.PathEscape(name+".svg"))
	if err := os.WriteFile(file, []byte(plot(name, made.Months, made.Unit)), 0o600); err != nil {
		return err
	}
	labels := map[string]string{"product": "weather.picture"}
	return call.PutFile("products/weather/"+name+".svg", file, &obs.PutOptions{ContentType: "image/svg+xml", Labels: labels})
}

func onFile(call *obs.FunctionCall) error {
	key := call.Event().Subject
	content, err := call.Get(key)
	if err != nil {
		return err
	}
	made, err := productOf(key, content)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(key, raw)
	if err := draw(call, made, name); err != nil {
		return err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	out := "products/weather/" + name + ".json"
	labels := map[string]string{"product": "weather"}
	if err := call.Put(out, text, &obs.PutOptions{ContentType: "application/json", Labels: labels}); err != nil {
		return err
	}
	return call.Publish(obs.Event{Type: "org.example.weather.made", Subject: out}, nil)
}

func main() { obs.FunctionMain(onFile) }
