//go:build kernel

package supervisor

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

func TestViolatorIsKilledAndNobodyElse(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	e, inside := f.jail("a")
	other, elsewhere := f.jail("b")
	f.killOrFreeze(e.view, int32(elsewhere.Process.Pid), "exec of \"x\"", "exec.rules[0]")
	if err := elsewhere.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("a process of another jail was hit: %v", err)
	}
	f.killOrFreeze(e.view, int32(inside.Process.Pid), "exec of \"y\"", "exec.rules[0]")
	var exit *exec.ExitError
	if err := inside.Wait(); !errors.As(err, &exit) || exit.Sys() == nil || exit.ProcessState.Success() {
		t.Errorf("the process ended with %v", err)
	}
	for _, e := range []*entry{e, other} {
		if state, frozen := f.state(e); state != api.StateRunning || frozen {
			t.Errorf("jail %s is %s, frozen %v", e.jail.ID, state, frozen)
		}
	}
	list := f.records()
	for _, want := range []string{"jail a violation had ended by itself: exec of \"x\"", "jail a violation killed: exec of \"y\""} {
		if !slices.Contains(list, want) {
			t.Errorf("%q is not in the log: %q", want, list)
		}
	}
}

// TestViolatorThatCannotBeKilled: something forbidden runs and does not go
// away, so everything around it is stopped.
func TestViolatorThatCannotBeKilled(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	f.killOne = func(int32, string) error { return unix.EPERM }
	e, c := f.jail("a")
	f.killOrFreeze(e.view, int32(c.Process.Pid), "exec of \"x\"", "exec.rules[0]")
	if state, frozen := f.state(e); state != api.StateFrozen || !frozen {
		t.Errorf("the jail is %s, frozen %v", state, frozen)
	}
	const message = "could not be killed (operation not permitted): exec of \"x\""
	list := f.records()
	if !slices.Contains(list, "jail a violation "+message) || !slices.Contains(list, "jail a freeze "+message) {
		t.Errorf("the log has %q", list)
	}
	if !strings.Contains(f.log.String(), "could not be killed") {
		t.Errorf("the supervisor's log says %s", f.log)
	}
}

// TestViolatorThatCannotBeStopped: neither killed alone nor frozen, so the jail
// ends.
func TestViolatorThatCannotBeStopped(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	f.killOne = func(int32, string) error { return unix.EPERM }
	e, c := f.jail("a")
	pid := int32(c.Process.Pid)
	removeCgroup(t, e, c)
	f.killOrFreeze(e.view, pid, "exec of \"x\"", "exec.rules[0]")
	if !strings.HasPrefix(e.reason, "could not be frozen after a violation") {
		t.Errorf("the jail was not ended: %q", e.reason)
	}
}
