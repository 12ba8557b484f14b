package gateway

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric is something that Handler serves besides the supervisor's counters.
type Metric = prometheus.Collector

// Gauge is a number that does not change while the gateway runs.
func Gauge(name, help string, value float64) Metric {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	g.Set(value)
	return g
}

// Counts are counters of what the gateway itself did, one for each value of a
// label, all of them there from the beginning.
type Counts struct {
	Metric
	vec    *prometheus.CounterVec
	values []string
}

// NewCounts makes them. values is the closed set of the label.
func NewCounts(name, help, label string, values ...string) *Counts {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, v := range values {
		vec.WithLabelValues(v)
	}
	return &Counts{Metric: vec, vec: vec, values: values}
}

// Add counts one. What is not of the set is "other".
func (c *Counts) Add(value string) {
	if !slices.Contains(c.values, value) {
		value = other
	}
	c.vec.WithLabelValues(value).Inc()
}
