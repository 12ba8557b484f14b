//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/test/kernel"
)

const ballast = auditDir + "/ballast"

// busy is a jail that always has something to record.
func busy(t *testing.T, dir string) api.Jail {
	t.Helper()
	return detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "while :; do /bin/true; sleep 0.02; done"}})
}

// TestFullAuditDisk: without a record no jail starts and what runs stands
// still, everybody who looks is told, and it goes on when there is room.
func TestFullAuditDisk(t *testing.T) {
	if !ownHost(t, "audit: {on_loss: freeze}\n", 1<<20) {
		return
	}
	dir := workspace(t)
	works, stopped := busy(t, dir), busy(t, dir)
	if o := clawjail(t, run{}, "freeze", stopped.Name); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	kernel.Fill(t, ballast)
	awaitState(t, works.Name, api.StateFrozen)
	j := inspect(t, works.Name)
	if !standsStill(t, j) || j.Standing != "the audit log cannot be written" {
		t.Errorf("frozen in the kernel: %v, because %q", standsStill(t, j), j.Standing)
	}
	o := jail(t, run{Workspace: dir, Argv: []string{"true"}})
	if o.Code != 125 || !strings.Contains(o.Stderr, "the audit log cannot be written, so no jail starts") ||
		!strings.Contains(o.Stderr, "make room on the disk of "+auditDir) {
		t.Errorf("a start without a record: %v", o)
	}
	if o := clawjail(t, run{}, "thaw", works.Name); o.Code != 125 || !strings.Contains(o.Stderr, "make room on the disk") {
		t.Errorf("thaw without a record: %v", o)
	}
	if o := clawjail(t, run{}, "exec", stopped.Name, "--", "true"); o.Code != 125 {
		t.Errorf("exec without a record: %v", o)
	}
	if o := clawjail(t, run{}, "ps"); o.Code != 0 || !strings.Contains(o.Stderr, "warning: the audit log in "+auditDir+" cannot be written") {
		t.Errorf("ps says nothing: %v", o)
	}
	if log := supervisorLog(t); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "no new jail starts until it can") {
		t.Errorf("the supervisor's log says nothing: %s", log)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	awaitState(t, works.Name, api.StateRunning)
	if standsStill(t, j) {
		t.Error("with a record it still stands")
	}
	if got := inspect(t, stopped.Name).State; got != api.StateFrozen {
		t.Errorf("what a person froze is %s", got)
	}
	want(t, records(t, works.Name), "the thaw", func(r audit.Record) bool {
		return r.Subject.Op == "thaw" && r.Subject.Message == "the audit log works again"
	})
	gaps := clawjail(t, run{}, "audit", "query", "--gate", "gap", "-o", "json")
	if gaps.Code != 0 || !strings.Contains(gaps.Stdout, `"class":"audit"`) || !strings.Contains(gaps.Stdout, `"lost":`) {
		t.Errorf("what was lost is not counted, or the chain is broken: %v", gaps)
	}
	if o := jail(t, run{Workspace: dir, Argv: []string{"true"}}); o.Code != 0 || o.Stderr != "" {
		t.Errorf("after that: %v", o)
	}
}

// TestFullAuditDiskGoesOn: the operator may choose that jails go on unrecorded;
// none starts all the same.
func TestFullAuditDiskGoesOn(t *testing.T) {
	if !ownHost(t, "audit: {on_loss: continue}\n", 1<<20) {
		return
	}
	dir := workspace(t)
	ticks := filepath.Join(dir, "ticks")
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "while :; do echo tick >> ticks; sleep 0.02; done"}})
	kernel.Fill(t, ballast)
	var o outcome
	eventually(t, "a start is refused", func() bool {
		o = jail(t, run{Workspace: dir, Argv: []string{"true"}})
		return o.Code == 125
	})
	if !strings.Contains(o.Stderr, "the audit log cannot be written, so ") {
		t.Errorf("%v", o)
	}
	before := len(read(t, ticks))
	eventually(t, "the jail works on", func() bool { return len(read(t, ticks)) > before })
	if got := inspect(t, j.Name).State; got != api.StateRunning || standsStill(t, j) {
		t.Errorf("the jail is %s", got)
	}
	if o := clawjail(t, run{}, "ps"); !strings.Contains(o.Stderr, "go on unrecorded, as audit.on_loss says") {
		t.Errorf("ps says nothing: %v", o)
	}
	if log := supervisorLog(t); !strings.Contains(log, "jails go on unrecorded") {
		t.Errorf("the supervisor's log says nothing: %s", log)
	}
}
