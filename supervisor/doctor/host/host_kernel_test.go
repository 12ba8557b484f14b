//go:build kernel

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clawjail/jail"
	"clawjail/supervisor/doctor"
)

// TestThisHost: a machine that runs the tests has everything, and nothing is
// left behind on it.
func TestThisHost(t *testing.T) {
	state := t.TempDir()
	p := New(Options{Self: self, StateDir: state, BPF: func() (doctor.BPF, error) { return doctor.BPF{Tier: "lsm"}, nil }})
	p.Binary = func(string) error { return nil }
	p.Libseccomp = func() (string, error) { return "", nil }
	before := mountLines(t)
	r := doctor.Run(p, doctor.Settings{RunDir: filepath.Join(state, "run"), StateDir: filepath.Join(state, "state")})
	for _, c := range r.Checks {
		t.Logf("%s %s: %s", c.Status, c.ID, c.Detail)
		if c.Status == doctor.Fail {
			t.Errorf("%s: %s", c.ID, c.Detail)
		}
	}
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, mount := range append(h.V1, h.Unified) {
		left, err := filepath.Glob(filepath.Join(mount, "clawjail-doctor-"+strconv.Itoa(os.Getpid())+"*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if after := mountLines(t); after != before {
		t.Errorf("mounts before\n%s\nafter\n%s", before, after)
	}
}

func mountLines(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "clawjail-doctor") || strings.Contains(line, "cgroup") {
			own = append(own, line)
		}
	}
	return strings.Join(own, "")
}
