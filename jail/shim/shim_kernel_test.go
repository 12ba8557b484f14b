//go:build kernel

package shim_test

import (
	"sort"
	"testing"
	"time"

	"clawjail/jail/shim"
)

func TestTrue(t *testing.T) {
	if _, exit := run(t, newSpec(t, "/bin/true")); exit != (shim.Exit{}) {
		t.Errorf("exit %+v", exit)
	}
}

// BenchmarkTrue is the whole way of /bin/true, without a supervisor.
func BenchmarkTrue(b *testing.B) {
	s := newSpec(b, "/bin/true")
	sums := map[string]time.Duration{}
	var filter []byte
	for b.Loop() {
		s.Filter = filter
		h, c, err := shim.Start(ctx(b), binaries.shim, s, shim.Stdio{})
		if err != nil {
			b.Fatal(err)
		}
		filter = c.Filter
		c.Close()
		began := time.Now()
		if err := h.Go(ctx(b)); err != nil {
			b.Fatal(err)
		}
		c.Timings["go"] = time.Since(began)
		began = time.Now()
		if _, err := h.Wait(ctx(b)); err != nil {
			b.Fatal(err)
		}
		c.Timings["wait+remove"] = time.Since(began)
		h.Close()
		for k, v := range c.Timings {
			sums[k] += v
		}
	}
	var names []string
	for k := range sums {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		b.ReportMetric(float64(sums[k].Microseconds())/float64(b.N), k+"-µs")
	}
}
