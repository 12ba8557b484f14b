package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// sample is what one variant took, a value a round.
type sample []time.Duration

func (s sample) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Clone(s)
	slices.Sort(sorted)
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// table is one comparison: the first variant is what the others are divided by.
type table struct {
	title    string
	unit     string // of one operation, for the reader
	variants []string
	samples  map[string]sample
	spent    map[string]sample // processor time of the same; not of all work
}

func newTable(title, unit string, variants ...string) *table {
	return &table{title: title, unit: unit, variants: variants, samples: map[string]sample{}, spent: map[string]sample{}}
}

func (t *table) add(variant string, d time.Duration) {
	t.samples[variant] = append(t.samples[variant], d)
}

// spend adds the processor time of one round, where it is known.
func (t *table) spend(variant string, d time.Duration) {
	if d > 0 {
		t.spent[variant] = append(t.spent[variant], d)
	}
}

// ratio compares medians.
func (t *table) ratio(variant, base string) float64 {
	b := t.samples[base].quantile(0.5)
	if b == 0 {
		return 0
	}
	return float64(t.samples[variant].quantile(0.5)) / float64(b)
}

func (t *table) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s (%s; %d rounds)\n", t.title, t.unit, len(t.samples[t.variants[0]]))
	fmt.Fprintf(w, "  %-24s %12s %12s %12s %10s %10s\n", "", "p50", "p90", "least", "ratio p50", "least")
	for _, v := range t.variants {
		s := t.samples[v]
		if len(s) == 0 {
			fmt.Fprintf(w, "  %-24s %12s\n", v, "not here")
			continue
		}
		least := float64(s.quantile(0)) / float64(t.samples[t.variants[0]].quantile(0))
		fmt.Fprintf(w, "  %-24s %12s %12s %12s %10.2f %10.2f\n", v, round(s.quantile(0.5)), round(s.quantile(0.9)), round(s.quantile(0)),
			t.ratio(v, t.variants[0]), least)
	}
	t.printSpent(w)
}

// printSpent prints the processor time of the work, which other work on the
// machine adds little to: what a variant itself costs, and nothing that runs
// beside it.
func (t *table) printSpent(w io.Writer) {
	base := t.spent[t.variants[0]]
	if len(base) == 0 {
		return
	}
	fmt.Fprintf(w, "  %-24s\n", "processor time of the work")
	for _, v := range t.variants {
		if s := t.spent[v]; len(s) > 0 {
			fmt.Fprintf(w, "    %-22s %12s %12s %12s %10.2f %10.2f\n", v, round(s.quantile(0.5)), round(s.quantile(0.9)), round(s.quantile(0)),
				float64(s.quantile(0.5))/float64(base.quantile(0.5)), float64(s.quantile(0))/float64(base.quantile(0)))
		}
	}
}

// round keeps three or four digits.
func round(d time.Duration) time.Duration {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 10000*unit {
			return d.Round(unit)
		}
	}
}

// verdicts collects what was promised.
type verdicts struct {
	w      io.Writer
	missed int
}

// check prints one promise and whether this run kept it.
func (v *verdicts) check(what string, got, most float64, unit string) {
	word := "kept"
	if got > most || got != got {
		word = "MISSED"
		v.missed++
	}
	fmt.Fprintf(v.w, "  target %-6s %s: %.2f%s, at most %.2f%s\n", word, what, got, unit, most, unit)
}
