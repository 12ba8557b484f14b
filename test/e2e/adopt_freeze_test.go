//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	host "clawjail/jail"
	"clawjail/supervisor/api"
)

// shares are what lets a jail, and all jails together, run beside the host.
func shares(t *testing.T, j api.Jail) string {
	t.Helper()
	h, err := host.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	root := h.CPU
	if root == "" {
		root = h.Unified
	}
	var out []string
	own := filepath.Base(j.Cgroup)
	parent := filepath.Base(filepath.Dir(j.Cgroup))
	for _, dir := range []string{parent, filepath.Join(parent, own)} {
		for _, file := range []string{"cpu.shares", "cpu.cfs_quota_us", "cpu.weight", "cpu.max"} {
			if b, err := os.ReadFile(filepath.Join(root, dir, file)); err == nil {
				out = append(out, dir+"/"+file+"="+strings.TrimSpace(string(b)))
			}
		}
	}
	if len(out) < 3 {
		t.Fatalf("the jail's processor time is in no file: %v", out)
	}
	return strings.Join(out, " ")
}

// TestKilledWhileItFreezesAJail: for a freeze jails are given all of the
// processor, and the one that is frozen has no quota. A supervisor that is killed
// then leaves neither.
func TestKilledWhileItFreezesAJail(t *testing.T) {
	if !ownHost(t, "", 32<<20) {
		return
	}
	d := startDaemon(t)
	busy := "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do while :; do :; done & done; wait"
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sh", "-c", busy}})
	before := shares(t, j)
	frozen := 0
	moments(20, 80*time.Millisecond, func(i int, at <-chan time.Time) {
		c := command(t, t.Context(), "freeze", j.ID)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		<-at
		d.again(unix.SIGKILL)
		_ = c.Wait() // done, or told that the supervisor has gone
		eventually(t, "what was in a hurry is calm", func() bool { return shares(t, j) == before })
		eventually(t, "the jail is adopted", func() bool {
			s := inspect(t, j.ID).State
			return s == api.StateRunning || s == api.StateFrozen
		})
		if inspect(t, j.ID).State == api.StateFrozen {
			frozen++
			if o := clawjail(t, run{}, "thaw", j.ID); o.Code != 0 {
				t.Errorf("moment %d: %v", i, o)
			}
		}
	})
	t.Logf("frozen %d times of 20", frozen)
	if o := clawjail(t, run{}, "freeze", j.ID); o.Code != 0 || shares(t, j) != before {
		t.Errorf("%v; then %s, before %s", o, shares(t, j), before)
	}
	if o := clawjail(t, run{}, "kill", j.ID); o.Code != 0 {
		t.Error(o)
	}
}
