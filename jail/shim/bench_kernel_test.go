//go:build kernel

package shim_test

import (
	"slices"
	"testing"
	"time"

	"clawjail/jail/shim"
)

// BenchmarkTrue is the whole way of /bin/true, without a supervisor: the
// medians of the phases in microseconds.
func BenchmarkTrue(b *testing.B) {
	s := newSpec(b, "/bin/true")
	phases := map[string][]time.Duration{}
	for b.Loop() {
		began := time.Now()
		h, c, err := shim.Start(ctx(b), binaries.shim, s, shim.Stdio{})
		if err != nil {
			b.Fatal(err)
		}
		s.Filter = c.Filter // as the supervisor does
		c.Close()
		created := time.Now()
		if err := h.Go(ctx(b)); err != nil {
			b.Fatal(err)
		}
		running := time.Now()
		if _, err := h.Wait(ctx(b)); err != nil {
			b.Fatal(err)
		}
		c.Timings["1-go"], c.Timings["2-wait"], c.Timings["3-all"] = running.Sub(created), time.Since(running), time.Since(began)
		h.Close()
		for k, v := range c.Timings {
			phases[k] = append(phases[k], v)
		}
	}
	for k, v := range phases {
		slices.Sort(v)
		b.ReportMetric(float64(v[len(v)/2].Microseconds()), k+"-µs")
	}
}
