//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
)

// moments are how long after its beginning something is cut off: when exactly
// decides nothing, only that it is in the middle of many steps.
func moments(n int, most time.Duration, do func(i int, at <-chan time.Time)) {
	for i := range n {
		timer := time.NewTimer(most * time.Duration(i) / time.Duration(n))
		do(i, timer.C)
		timer.Stop()
	}
}

// listed are the jails that the daemon knows.
func listed(t *testing.T) (list []api.Jail) {
	t.Helper()
	o := clawjail(t, run{}, "ps", "-o", "json")
	if err := json.Unmarshal([]byte(o.Stdout), &list); err != nil || o.Code != 0 {
		t.Fatalf("%v: %v", err, o)
	}
	return list
}

// TestKilledWhileItStartsAJail: the jail is adopted, or its end is recorded, and
// nothing of it is left.
func TestKilledWhileItStartsAJail(t *testing.T) {
	if !ownHost(t, "", 32<<20) {
		return
	}
	d := startDaemon(t)
	dir := workspace(t)
	// A client that finds nobody starts a supervisor of its own, where it can.
	alone := filepath.Join(t.TempDir(), "clawjail")
	if err := os.WriteFile(alone, []byte(read(t, bin(t, "clawjail"))), 0o755); err != nil {
		t.Fatal(err)
	}
	moments(12, 120*time.Millisecond, func(i int, at <-chan time.Time) {
		c := command(t, t.Context(), "run", "--detach", "--workspace", dir, "--", "sleep", "1000")
		c.Path = alone
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		<-at
		d.again(unix.SIGKILL)
		_ = c.Wait() // started, or told that nobody is there
		for _, j := range listed(t) {
			if o := clawjail(t, run{}, "kill", j.ID); o.Code != 0 {
				t.Errorf("moment %d: %v", i, o)
			}
		}
		eventually(t, "nothing is left", func() bool {
			list, err := os.ReadDir("/run/clawjail/jails")
			return err == nil && len(list) == 0
		})
	})
	started, stopped := map[string]int{}, map[string]int{}
	for line := range strings.Lines(clawjail(t, run{}, "audit", "query", "--gate", "jail", "-o", "json").Stdout) {
		var r struct {
			Jail    string
			Subject struct{ Op string }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		switch r.Subject.Op {
		case "start":
			started[r.Jail]++
		case "stop", "refused":
			stopped[r.Jail]++
		}
	}
	for id := range started {
		if stopped[id] == 0 {
			t.Errorf("jail %s has started and never ended", id)
		}
	}
	verified(t, "", "start")
}

// TestKilledAfterAnApproval: the call goes on, or is asked about again; what was
// denied never happens.
func TestKilledAfterAnApproval(t *testing.T) {
	if !ownHost(t, "", 32<<20) {
		return
	}
	d := startDaemon(t)
	policy := policyFile(t, askMkdir)
	moments(8, 40*time.Millisecond, func(i int, at <-chan time.Time) {
		dir, name := workspace(t), fmt.Sprintf("approved-%d", i)
		done := foreground(t, run{Policy: policy, Workspace: dir, Flags: []string{"--name", name}, Argv: []string{"sh", "-c", "mkdir made"}})
		a := held(t, name)
		answered := make(chan outcome, 1)
		go func() { answered <- clawjail(t, run{}, "approve", a.ID) }()
		<-at
		d.again(unix.SIGKILL)
		<-answered
		again, o := heldAgain(t, name, done)
		if again == "" {
			if o.Code != 0 || !fileExists(filepath.Join(dir, "made")) {
				t.Errorf("moment %d: %v", i, o)
			}
			return
		}
		if o := clawjail(t, run{}, "deny", again); o.Code != 0 {
			t.Errorf("moment %d: %v", i, o)
		}
		if o := <-done; o.Code == 0 || fileExists(filepath.Join(dir, "made")) {
			t.Errorf("moment %d: it was denied and done: %v", i, o)
		}
	})
}

// heldAgain waits until a jail has ended or something of it is held, and gives the
// end or the id.
func heldAgain(t *testing.T, name string, done <-chan outcome) (id string, end outcome) {
	t.Helper()
	eventually(t, "it goes on or is asked about again", func() bool {
		select {
		case end = <-done:
			return true
		default:
		}
		list, _, err := supervised().Approvals(t.Context())
		if err != nil {
			return false
		}
		for _, a := range list {
			if a.JailName == name {
				id = a.ID
			}
		}
		return id != ""
	})
	return id, end
}

// TestKilledInAnIncident: whatever of it was done, the jail is frozen and held, and
// the incident is contained in the end.
func TestKilledInAnIncident(t *testing.T) {
	if !ownHost(t, "", 64<<20) {
		return
	}
	d := startDaemon(t)
	policy := policyFile(t, "exec: {rules: [{run: mkdir, then: freeze}]}\n")
	moments(8, 60*time.Millisecond, func(i int, at <-chan time.Time) {
		dir, name := workspace(t), fmt.Sprintf("incident-%d", i)
		j := detached(t, run{Policy: policy, Workspace: dir, Flags: []string{"--name", name}, Argv: []string{"sh", "-c", "until [ -e go ]; do sleep 0.02; done; mkdir made; echo on >on"}})
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		<-at
		d.again(unix.SIGKILL)
		eventually(t, "the incident is contained", func() bool {
			o := clawjail(t, run{}, "incident", "list", "-o", "json")
			var list []struct {
				State   string
				Subject struct{ Jail string }
			}
			if err := json.Unmarshal([]byte(o.Stdout), &list); err != nil {
				return false
			}
			for _, in := range list {
				if in.Subject.Jail == j.ID && in.State != "open" {
					return true
				}
			}
			return false
		})
		if now := inspect(t, j.ID); now.State != api.StateFrozen || !standsStill(t, now) {
			t.Errorf("moment %d: it is %s, still %v", i, now.State, standsStill(t, now))
		}
		if fileExists(filepath.Join(dir, "made")) || fileExists(filepath.Join(dir, "on")) {
			t.Errorf("moment %d: it went on", i)
		}
	})
}
