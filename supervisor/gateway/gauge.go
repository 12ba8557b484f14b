package gateway

import "github.com/prometheus/client_golang/prometheus"

// Metric is something that Handler serves besides the supervisor's counters.
type Metric = prometheus.Collector

// Gauge is a number that does not change while the gateway runs.
func Gauge(name, help string, value float64) Metric {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	g.Set(value)
	return g
}
