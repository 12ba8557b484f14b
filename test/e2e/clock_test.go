//go:build e2e && vm

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/supervisor/api"
)

// TestClockSetBack runs where the machine's clock is nobody else's. Limits go
// by time that passed, the record goes on and says what happened, and the chain
// holds.
func TestClockSetBack(t *testing.T) {
	if os.Getenv("CLAWJAIL_TEST_VM") == "" {
		t.Fatal("this sets the clock of the machine: run it with make vm")
	}
	if !ownHost(t, "", 16<<20) {
		return
	}
	dir := workspace(t)
	works := busy(t, dir)
	limited := detached(t, run{Workspace: dir, Flags: []string{"--timeout", "5s"}, Argv: []string{"sleep", "1000"}})
	set(t, -time.Hour)
	defer set(t, time.Hour)
	if got := inspect(t, works.Name).State; got != api.StateRunning {
		t.Errorf("the jail is %s", got)
	}
	awaitState(t, limited.Name, api.StateExited)
	if exit := inspect(t, limited.Name).Exit; exit == nil || !exit.WallClock {
		t.Errorf("the wall clock limit: %+v", exit)
	}
	o := jail(t, run{Workspace: dir, Argv: []string{"true"}})
	if o.Code != 0 || o.Stderr != "" {
		t.Errorf("a start after that: %v", o)
	}
	if ps := clawjail(t, run{}, "ps", "--all"); regexp.MustCompile(`-\d+[smhd]`).MatchString(ps.Stdout) {
		t.Errorf("a negative age: %v", ps)
	}
	if o := clawjail(t, run{}, "freeze", works.Name); o.Code != 0 {
		t.Errorf("freeze: %v", o)
	}
	all := clawjail(t, run{}, "audit", "query", "-o", "json")
	if all.Code != 0 || all.Stderr != "" {
		t.Errorf("the chain is broken: %v", all.Stderr)
	}
	if !strings.Contains(all.Stdout, "the clock was set back by 59m5") && !strings.Contains(all.Stdout, "the clock was set back by 1h0m0") {
		t.Errorf("nothing about the clock in\n%s", tail(all.Stdout))
	}
	want(t, records(t, o.Name), "the start", func(r audit.Record) bool { return r.Subject.Op == "start" })
}

// set moves the machine's clock.
func set(t *testing.T, by time.Duration) {
	t.Helper()
	ts := unix.NsecToTimespec(time.Now().Add(by).UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		t.Fatal(fmt.Errorf("set the clock: %w", err))
	}
}
