package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"sort"
	"strconv"
)

// A period is a day or a month. The mean is that of all values: of the hours, or of the lows and highs of the days.
type period struct {
	Name          string   `json:"name"` // 2012-01 or 2012-01-31
	Count         int      `json:"count"`
	Min           float64  `json:"min"`
	Max           float64  `json:"max"`
	Mean          float64  `json:"mean"`
	Precipitation *float64 `json:"precipitation,omitempty"` // millimetres, the sum
}

// A group collects a period.
type group struct {
	period
	sum, rain float64
	values    int
}

type groups map[string]*group

func (all groups) of(name string) *group {
	if all[name] == nil {
		all[name] = &group{period: period{Name: name}}
	}
	return all[name]
}

func (one *group) add(values ...float64) {
	for _, value := range values {
		if one.values == 0 || value < one.Min {
			one.Min = value
		}
		if one.values == 0 || value > one.Max {
			one.Max = value
		}
		one.sum += value
		one.values++
	}
	one.Count++
}

func (all groups) periods(withRain bool) []period {
	list := make([]period, 0, len(all))
	for _, one := range all {
		one.Mean = one.sum / float64(one.values)
		if withRain {
			one.Precipitation = &one.rain
		}
		list = append(list, one.period)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// each hands over the numbers of each line: the columns named, after the date as 2012-01-31.
func each(content []byte, take func(day string, numbers []float64), names ...string) error {
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return err
	}
	if len(lines) < 2 || lines[0][0] != "date" {
		return errors.New("no table with dates in its first column")
	}
	columns := map[string]int{}
	for i, name := range lines[0] {
		columns[name] = i
	}
	for number, line := range lines[1:] {
		day := line[0]
		if len(day) < 10 {
			return fmt.Errorf("no date in line %d", number+2)
		}
		numbers := make([]float64, len(names))
		for i, name := range names {
			column, ok := columns[name]
			if !ok {
				return fmt.Errorf("no column %q", name)
			}
			if numbers[i], err = strconv.ParseFloat(line[column], 64); err != nil {
				return fmt.Errorf("no number in column %q of line %d", name, number+2)
			}
		}
		take(day[:4]+"-"+day[5:7]+"-"+day[8:10], numbers)
	}
	return nil
}

func hourly(content []byte) (days, months []period, err error) {
	byDay, byMonth := groups{}, groups{}
	err = each(content, func(day string, numbers []float64) {
		byDay.of(day).add(numbers...)
		byMonth.of(day[:7]).add(numbers...)
	}, "temp")
	return byDay.periods(false), byMonth.periods(false), err
}

func daily(content []byte) ([]period, error) {
	byMonth := groups{}
	err := each(content, func(day string, numbers []float64) {
		month := byMonth.of(day[:7])
		month.add(numbers[:2]...)
		month.rain += numbers[2]
	}, "temp_min", "temp_max", "precipitation")
	return byMonth.periods(true), err
}
