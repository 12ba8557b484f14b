package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFormats(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1: "1B", 1023: "1023B", 1024: "1KiB", 1536: "1536B", 512 << 20: "512MiB", 1 << 30: "1GiB", 3 << 40: "3TiB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 90 * time.Second: "1m30s", 36 * time.Hour: "1d12h", 1500 * time.Millisecond: "1.5s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
	if got := CPUs(1500) + " " + CPUs(2000) + " " + CPUs(10); got != "1.5 2 0.01" {
		t.Error(got)
	}
	if UnitBytes("MB") != 0 || UnitBytes("B") != 1 || UnitBytes("GiB") != 1<<30 || UnitDuration("ms") != 0 {
		t.Error("units")
	}
}

func TestDiff(t *testing.T) {
	a, b := sample(), sample()
	if got := Diff(a, b); got != nil {
		t.Errorf("a policy differs from itself: %v", got)
	}
	for i := range b.Files { // where a rule was written makes no difference
		b.Files[i].Origin = Origin{}
	}
	b.Files[0], b.Files[1] = b.Files[1], b.Files[0]
	if got := Diff(a, b); got != nil {
		t.Errorf("order of files and origins make a difference: %v", got)
	}
	b.Exec.Rules[0], b.Exec.Rules[1] = b.Exec.Rules[1], b.Exec.Rules[0] // here order means something
	b.Limits.Pids = 7
	b.Network.Rules = b.Network.Rules[:3]
	want := []Change{
		{false, `exec: allow "ls" "cat"`},
		{true, `exec: allow "ls" "cat"`},
		{false, "network: allow 192.0.2.7 5432 tcp"},
		{false, "limits: pids 1024"},
		{true, "limits: pids 7"},
	}
	if d := cmp.Diff(want, Diff(a, b)); d != "" {
		t.Error(d)
	}
}
