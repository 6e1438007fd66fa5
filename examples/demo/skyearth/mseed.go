package main

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

const (
	fixedHeader    = 48
	smallestRecord = 256
)

func looksLikeMiniSEED(content []byte) bool {
	return len(content) >= fixedHeader && strings.ContainsRune("DRQM", rune(content[6])) && digitsOrBlank(content[:6])
}

func digitsOrBlank(text []byte) bool {
	for _, c := range text {
		if (c < '0' || c > '9') && c != ' ' && c != 0 {
			return false
		}
	}
	return true
}

// miniSEEDItems reads the fixed header of each data record (SEED Reference Manual 2.4, chapter 8) and goes on by the record
// length of blockette 1000. What is no data record (control headers of a full SEED volume, noise) is one refusal up to the
// next place where a data record can begin: records begin at multiples of 256 bytes at least.
func miniSEEDItems(name string, content []byte) []item {
	var items []item
	for at := 0; at < len(content); {
		record, length, err := miniSEEDRecord(content[at:])
		place := fmt.Sprintf("%s@%d", name, at)
		if err == nil {
			record["file"], record["offset"] = name, at
			items = append(items, item{place: place, record: record})
			at += length
			continue
		}
		items = append(items, item{place: place, input: content[at:min(at+64, len(content))], reason: err.Error()})
		for at += smallestRecord; at < len(content); at += smallestRecord {
			if _, _, err := miniSEEDRecord(content[at:]); err == nil {
				break
			}
		}
	}
	if len(items) == 0 {
		return []item{{place: name, reason: "an empty file", input: []byte{}}}
	}
	return items
}

func isControlHeader(content []byte) bool {
	return len(content) > 7 && digitsOrBlank(content[:6]) && strings.ContainsRune("VAST", rune(content[6]))
}

func miniSEEDRecord(content []byte) (map[string]any, int, error) {
	if isControlHeader(content) {
		return nil, 0, fmt.Errorf("a control header of a full SEED volume, no data record")
	}
	if !looksLikeMiniSEED(content) {
		return nil, 0, fmt.Errorf("no miniSEED record: no sequence number and quality at its beginning")
	}
	order := byteOrder(content)
	if order == nil {
		return nil, 0, fmt.Errorf("the start time makes no sense in either byte order")
	}
	length, encoding, err := blockette1000(content, order)
	if err != nil {
		return nil, 0, err
	}
	if length > len(content) {
		return nil, 0, fmt.Errorf("cut off: %d of %d bytes", len(content), length)
	}
	sequence := 0
	fmt.Sscanf(string(content[:6]), "%d", &sequence)
	text := func(from, to int) string { return strings.Trim(string(content[from:to]), " \x00") }
	return map[string]any{
		"sequence": sequence, "quality": string(content[6]), "station": text(8, 13), "location": text(13, 15),
		"channel": text(15, 18), "network": text(18, 20), "start": startTime(content, order),
		"samples": int(order.Uint16(content[30:])), "rate": sampleRate(content, order), "encoding": encoding, "bytes": length,
	}, length, nil
}

// byteOrder is the one in which year and day of the start are possible.
func byteOrder(content []byte) binary.ByteOrder {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		year, day := order.Uint16(content[20:]), order.Uint16(content[22:])
		if year >= 1900 && year <= 2100 && day >= 1 && day <= 366 {
			return order
		}
	}
	return nil
}

func startTime(content []byte, order binary.ByteOrder) string {
	year, day := int(order.Uint16(content[20:])), int(order.Uint16(content[22:]))
	fraction := time.Duration(order.Uint16(content[28:])) * 100 * time.Microsecond
	start := time.Date(year, 1, day, int(content[24]), int(content[25]), int(content[26]), 0, time.UTC).Add(fraction)
	return start.Format("2006-01-02T15:04:05.0000Z")
}

// sampleRate follows the factor and multiplier of fields 10 and 11.
func sampleRate(content []byte, order binary.ByteOrder) float64 {
	factor := float64(int16(order.Uint16(content[32:])))
	multiplier := float64(int16(order.Uint16(content[34:])))
	rate := factor
	if factor < 0 {
		rate = -1 / factor
	}
	switch {
	case multiplier > 0:
		rate *= multiplier
	case multiplier < 0:
		rate /= -multiplier
	}
	return rate
}

// blockette1000 gives the length of the record and the encoding of its samples.
func blockette1000(content []byte, order binary.ByteOrder) (length, encoding int, err error) {
	for at, left := int(order.Uint16(content[46:])), int(content[39]); left > 0 && at >= fixedHeader; left-- {
		if at+8 > len(content) {
			return 0, 0, fmt.Errorf("a blockette lies beyond the end of the file")
		}
		if order.Uint16(content[at:]) == 1000 {
			if content[at+6] < 6 || content[at+6] > 30 {
				return 0, 0, fmt.Errorf("blockette 1000 says a record of 2^%d bytes", content[at+6])
			}
			return 1 << content[at+6], int(content[at+4]), nil
		}
		at = int(order.Uint16(content[at+2:]))
	}
	return 0, 0, fmt.Errorf("no blockette 1000: the length of the record is not known")
}
