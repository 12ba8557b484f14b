//go:build kernel

package supervisor

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/config"
)

// TestFullDiskFreezesUntilThereIsRoom: without a log everything stands still,
// and what the supervisor froze goes on with the log; what a person froze does
// not.
func TestFullDiskFreezesUntilThereIsRoom(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	works, _ := f.jail("works")
	f.release(works.jail.ID)
	stopped, _ := f.jail("stopped")
	if err := f.freeze(context.Background(), stopped, true, "by a person"); err != nil {
		t.Fatal(err)
	}
	f.fill()
	f.followed()
	if state, frozen := f.state(works); state != api.StateFrozen || !frozen {
		t.Errorf("without a log the jail is %s, frozen %v", state, frozen)
	}
	if works.jail.Standing != "the audit log cannot be written" {
		t.Errorf("it stands still because %q", works.jail.Standing)
	}
	if err := f.mayThaw(); err == nil || !strings.Contains(err.Error(), "make room on the disk of "+f.disk) {
		t.Errorf("thawing without a log: %v", err)
	}
	if w := f.warning(); !strings.Contains(w, "no jail starts") || !strings.Contains(w, "stand still") {
		t.Errorf("the warning is %q", w)
	}
	if !strings.Contains(f.log.String(), "no new jail starts until it can") || !strings.Contains(f.log.String(), "stands still") {
		t.Errorf("the supervisor's log says %s", f.log)
	}
	f.room()
	f.followed()
	if state, frozen := f.state(works); state != api.StateRunning || frozen {
		t.Errorf("with the log the jail is %s, frozen %v: %s", state, frozen, f.log)
	}
	if state, frozen := f.state(stopped); state != api.StateFrozen || !frozen {
		t.Errorf("what a person froze is %s, frozen %v", state, frozen)
	}
	if f.mayThaw() != nil || f.warning() != "" {
		t.Errorf("still %v, %q", f.mayThaw(), f.warning())
	}
	list := f.records()
	if !slices.ContainsFunc(list, func(r string) bool {
		return strings.HasPrefix(r, "gap") && strings.Contains(r, "the log could not be written")
	}) {
		t.Errorf("no gap is in the log: %q", list)
	}
	if !slices.Contains(list, "jail works thaw the audit log works again") {
		t.Errorf("the thaw is not in the log: %q", list)
	}
}

// An incident may be opened while a jail is being frozen for want of the log, in
// whichever order the two end: the log's return must not let it go on.
func TestALogThatWorksAgainReleasesNoIncident(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	held, _ := f.jail("held") // by the incident that the fixture opens
	f.fill()
	f.followed()
	if state, _ := f.state(held); state != api.StateFrozen || !held.lossFrozen {
		t.Fatalf("it is %s, for the log %v", state, held.lossFrozen)
	}
	f.room()
	f.followed()
	if state, frozen := f.state(held); state != api.StateFrozen || !frozen {
		t.Errorf("with the log the jail is %s, frozen %v: %s", state, frozen, f.log)
	}
}

func TestFullDiskLetsJailsGoOnWhereTheOperatorSaysSo(t *testing.T) {
	f := newFixture(t, config.AuditLossContinue)
	e, _ := f.jail("works")
	f.fill()
	f.followed()
	if state, frozen := f.state(e); state != api.StateRunning || frozen {
		t.Errorf("the jail is %s, frozen %v", state, frozen)
	}
	if !strings.Contains(f.log.String(), "jails go on unrecorded") || !strings.Contains(f.warning(), "go on unrecorded") {
		t.Errorf("%q, %s", f.warning(), f.log)
	}
	if f.mayThaw() != nil {
		t.Error("thawing is refused")
	}
}

// TestLogThatWorksAgainAtOnce: the jails follow the state of the log, and not
// the order in which two changes are answered.
func TestLogThatWorksAgainAtOnce(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	e, _ := f.jail("works")
	f.fill()
	f.room()
	f.followed()
	if state, frozen := f.state(e); state != api.StateRunning || frozen {
		t.Errorf("the jail is %s, frozen %v", state, frozen)
	}
	select {
	case <-f.audit.changed:
		t.Error("and once more")
	default:
	}
}

// TestJailThatCannotBeFrozenIsKilled: nothing runs on unrecorded because its
// cgroup does not do what it is told.
func TestJailThatCannotBeFrozenIsKilled(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	e, c := f.jail("gone")
	removeCgroup(t, e, c)
	f.fill()
	f.followed()
	if e.reason != "the audit log could not be written, and the jail could not be frozen" {
		t.Errorf("the reason is %q", e.reason)
	}
}

// removeCgroup takes the cgroup away below its handle: whatever is written to
// it now fails.
func removeCgroup(t *testing.T, e *entry, c interface{ Wait() error }) {
	t.Helper()
	if err := e.cgroup.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if err := e.cgroup.AwaitEmpty(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(e.jail.Cgroup); err != nil {
		t.Fatal(err)
	}
}
