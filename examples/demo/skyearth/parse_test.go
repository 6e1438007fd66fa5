package main

import (
	"os"
	"path/filepath"
	"testing"
)

// What the parsers find in the files of the demonstration, when these are there.
func TestParsersNeverFailOnRealFiles(t *testing.T) {
	folder := os.Getenv("OBS_DEMO_DATA")
	if folder == "" {
		folder = "../../../build/data"
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*", "*"))
	records := 0
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if _, _, parse := kind(filepath.Base(path), content); parse != nil {
			for _, one := range parse(filepath.Base(path), content) {
				if (one.record == nil) == (one.reason == "") {
					t.Errorf("%s: neither record nor reason", one.place)
				}
				records++
			}
		}
	}
	t.Logf("%d records", records)
}

func TestShortAndRandomInputIsRefused(t *testing.T) {
	for size := range 200 {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 37)
		}
		for _, parse := range []func(string, []byte) []item{fitsItems, miniSEEDItems} {
			for _, one := range parse("x", content) {
				if one.reason == "" {
					t.Fatalf("%d random bytes were taken for a record: %v", size, one.record)
				}
			}
		}
	}
}
