package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

const fitsBlock = 2880

// fitsItems reads the primary header of a FITS file (FITS Standard 4.0, section 4): cards of 80 columns up to END.
func fitsItems(name string, content []byte) []item {
	header, err := fitsHeader(content)
	if err != nil {
		return []item{{place: name, input: content[:min(len(content), 80)], reason: err.Error()}}
	}
	header["file"] = name
	header["bytes"] = len(content)
	header["extensions"] = bytes.Count(content, []byte("XTENSION= "))
	return []item{{place: name, record: header}}
}

func fitsHeader(content []byte) (map[string]any, error) {
	if len(content) < fitsBlock || !bytes.HasPrefix(content, []byte("SIMPLE  =")) {
		return nil, fmt.Errorf("no FITS file: it does not begin with SIMPLE")
	}
	header := map[string]any{"naxis": []int{}}
	texts := map[string]string{"OBJECT": "object", "DATE-OBS": "date", "TELESCOP": "telescope", "INSTRUME": "instrument"}
	for at, cards := 0, 1; at+80 <= len(content); at, cards = at+80, cards+1 {
		card := string(content[at : at+80])
		keyword, value := strings.TrimRight(card[:8], " "), cardValue(card)
		switch {
		case keyword == "END":
			header["cards"] = cards
			return header, nil
		case keyword == "BITPIX":
			header["bitpix"], _ = strconv.Atoi(value)
		case strings.HasPrefix(keyword, "NAXIS") && len(keyword) > 5:
			length, err := strconv.Atoi(value)
			if err != nil {
				return nil, fmt.Errorf("%s is no number: %q", keyword, value)
			}
			header["naxis"] = append(header["naxis"].([]int), length)
		case texts[keyword] != "" && value != "":
			header[texts[keyword]] = value
		}
	}
	return nil, fmt.Errorf("the header has no END card")
}

// cardValue is the value of a card without quotes and comment.
func cardValue(card string) string {
	if card[8:10] != "= " {
		return ""
	}
	value := strings.TrimSpace(card[10:])
	if strings.HasPrefix(value, "'") {
		if end := strings.Index(value[1:], "'"); end >= 0 {
			return strings.TrimSpace(value[1 : end+1])
		}
		return strings.TrimSpace(value[1:])
	}
	value, _, _ = strings.Cut(value, "/")
	return strings.TrimSpace(value)
}
