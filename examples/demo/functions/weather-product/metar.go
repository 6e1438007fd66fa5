package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A report is one METAR or SPECI, decoded as far as numbers go. What was not reported is missing.
type report struct {
	Station     string   `json:"station"`
	Time        string   `json:"time"` // day of the month, hour and minute, UTC
	Raw         string   `json:"raw"`
	Temperature *float64 `json:"temperature,omitempty"` // °C
	DewPoint    *float64 `json:"dew_point,omitempty"`   // °C
	WindSpeed   *float64 `json:"wind_speed,omitempty"`  // m/s
	Pressure    *float64 `json:"pressure,omitempty"`    // hPa
}

var (
	beginning   = regexp.MustCompile(`^(?:METAR |SPECI )?(?:COR )?([A-Z][A-Z0-9]{3}) (?:COR )?([0-3]\d[0-2]\d[0-5]\d)Z `)
	noReport    = regexp.MustCompile(`^(?:METAR |SPECI )?[A-Z][A-Z0-9]{3} (?:\d{6}Z )?NIL\b`)
	temperature = regexp.MustCompile(` (M?\d\d)/(M?\d\d|-\d|//)? `)
	wind        = regexp.MustCompile(` (?:\d{3}|VRB|///)(\d{2,3})(?:G\d{2,3})?(KT|MPS) `)
	tenths      = regexp.MustCompile(` T([01]\d{3})([01]\d{3})? `)
	pressure    = regexp.MustCompile(` (?:Q(\d{3,4})|A(\d{4})) `)
)

const (
	knot          = 1852.0 / 3600 // m/s
	inchOfMercury = 33.8638866667 // hPa
)

// metars cuts bulletins into reports: each begins with a station and a time, and ends with '=', an empty line or the next one.
func metars(content []byte) []report {
	var found []report
	var text string
	end := func() {
		if match := beginning.FindStringSubmatch(text + " "); match != nil && !noReport.MatchString(text) {
			found = append(found, decode(match[1], match[2], text))
		}
		text = ""
	}
	for _, line := range strings.Split(string(content), "\n") {
		words := strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r <= ' ' }), " ")
		if words == "" || beginning.MatchString(words+" ") || noReport.MatchString(words) {
			end()
		}
		if words != "" && (text != "" || beginning.MatchString(words+" ")) {
			text = strings.TrimPrefix(text+" "+strings.TrimRight(words, "= "), " ")
		}
		if strings.HasSuffix(words, "=") {
			end()
		}
	}
	end()
	return found
}

func decode(station, time, text string) report {
	made := report{Station: station, Time: time, Raw: text}
	body, remarks, _ := strings.Cut(text, " RMK")
	body, remarks = body+" ", remarks+" "
	if match := temperature.FindStringSubmatch(body); match != nil {
		made.Temperature, made.DewPoint = degrees(match[1]), degrees(match[2])
	}
	if match := tenths.FindStringSubmatch(remarks); match != nil { // American stations say it again, more finely
		made.Temperature, made.DewPoint = degreesOfTenths(match[1]), degreesOfTenths(match[2])
	}
	if match := wind.FindStringSubmatch(body); match != nil {
		speed, _ := strconv.ParseFloat(match[1], 64)
		if match[2] == "KT" {
			speed *= knot
		}
		made.WindSpeed = rounded(speed, 10000)
	}
	made.Pressure = hectopascals(body)
	return made
}

// hectopascals reads the pressure; where it is given in two units, the last one counts. Half a group is no pressure.
func hectopascals(body string) *float64 {
	var found *float64
	for _, match := range pressure.FindAllStringSubmatch(strings.ReplaceAll(body, " ", "  "), -1) {
		value, _ := strconv.ParseFloat(match[1]+match[2], 64)
		if match[2] != "" {
			value *= inchOfMercury / 100
		}
		if value >= 850 && value <= 1100 {
			found = rounded(value, 100)
		}
	}
	return found
}

// degreesOfTenths reads a sign (0 or 1) and three digits.
func degreesOfTenths(text string) *float64 {
	if text == "" {
		return nil
	}
	value, _ := strconv.ParseFloat(text[1:], 64)
	if value /= 10; text[0] == '1' && value != 0 {
		value = -value
	}
	return &value
}

func degrees(text string) *float64 {
	if text == "" || text == "//" {
		return nil
	}
	value, _ := strconv.ParseFloat(strings.Replace(text, "M", "-", 1), 64)
	value += 0 // M00 is zero, without a sign
	return &value
}

func rounded(value, steps float64) *float64 {
	value = math.Round(value*steps) / steps
	return &value
}
