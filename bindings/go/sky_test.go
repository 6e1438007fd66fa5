package obs_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	obs "github.com/libobs/libobs/bindings/go"
)

// frame is the smallest FITS file with a position and a time.
func frame() []byte {
	var header strings.Builder
	for _, card := range []string{
		"SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0", "OBJECT  = 'M 51    '",
		"RA      =             202.4696", "DEC     =              47.1952", "DATE-OBS= '2026-11-20T21:15:03'", "END",
	} {
		fmt.Fprintf(&header, "%-80s", card)
	}
	return []byte(fmt.Sprintf("%-2880s", header.String()))
}

func TestSky(t *testing.T) {
	client := open(t)
	must(client.Store().Put(ctx, "on", frame(), nil))(t)
	must(client.Store().Put(ctx, "off", frame(), &obs.PutOptions{NoIndex: true}))(t)
	if err := client.IngestFile(ctx, "raw/off", frame(), &obs.IngestOptions{NoIndex: true}); err != nil {
		t.Fatal(err)
	}
	var found []obs.Entry
	for row, err := range must(client.Catalog().Search(ctx, "cone=13h29m52s,+47d11m43s,0.5d during=2026-11-20", nil))(t).All() {
		var entry obs.Entry
		if err == nil {
			err = json.Unmarshal(row, &entry)
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, entry)
	}
	if len(found) != 1 || found[0].Key != "on" || found[0].Values["object"] != "M 51" || math.Abs(found[0].Distance-0.002) > 0.001 {
		t.Errorf("found %+v", found)
	}
	if off := must(client.Catalog().Get(ctx, "off"))(t); len(off.Values) != 0 {
		t.Errorf("not to be looked into: %v", off.Values)
	}
}
