package main

import (
	"fmt"
	"html"
	"strings"
)

const (
	width, height = 720.0, 260.0
	left, bottom  = 40.0, 230.0
	top           = 30.0
)

// plot shows the months: a bar from the least to the greatest temperature, the mean as a dot, rain from below.
func plot(name string, months []period, unit string) string {
	low, high, wettest := months[0].Min, months[0].Max, 0.0
	for _, month := range months {
		low, high = min(low, month.Min), max(high, month.Max)
		if month.Precipitation != nil {
			wettest = max(wettest, *month.Precipitation)
		}
	}
	y := func(value float64) float64 { return bottom - (value-low)/max(high-low, 1e-9)*(bottom-top) }
	step := (width - left - 10) / float64(len(months))
	var out strings.Builder
	name = html.EscapeString(name)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g"`, width, height, width)
	fmt.Fprintf(&out, ` font-family="sans-serif" font-size="10"><title>%s</title>`, name)
	fmt.Fprintf(&out, `<rect width="%g" height="%g" fill="#fff"/><text x="%g" y="16" font-size="12">`, width, height, left)
	fmt.Fprintf(&out, "%s: months, least, mean and greatest in %s", name, unit)
	if wettest > 0 {
		fmt.Fprintf(&out, "; rain up to %.0f mm", wettest)
	}
	fmt.Fprintf(&out, `</text><text x="4" y="%.1f">%.0f</text><text x="4" y="%.1f">%.0f</text>`, y(low), low, y(high)+8, high)
	for i, month := range months {
		x := left + (float64(i)+0.5)*step
		if month.Precipitation != nil && wettest > 0 {
			tall := *month.Precipitation / wettest * (bottom - top) / 2
			fmt.Fprintf(&out, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#bdf"/>`,
				x-step*0.4, bottom-tall, step*0.8, tall)
		}
		fmt.Fprintf(&out, `<path d="M%.1f %.1fV%.1f" stroke="#247" stroke-width="%.1f"/>`,
			x, y(month.Min), y(month.Max), min(step*0.3, 8))
		fmt.Fprintf(&out, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="#d52"/>`, x, y(month.Mean))
		if i == 0 || month.Name[5:] == "01" {
			fmt.Fprintf(&out, `<text x="%.1f" y="%.1f">%s</text>`, x-step*0.4, bottom+14, month.Name)
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}
