//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/incident"
)

// incidentOf waits until the jail's incident has come as far as it does by
// itself, which the log says.
func incidentOf(t *testing.T, jail string) api.Incident {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	assessed := false
	for r, err := range audit.Follow(ctx, auditDir, audit.Filter{Jail: jail, Gate: audit.GateJail}) {
		if err != nil {
			t.Fatal(err)
		}
		if assessed = r.Subject.Op == "incident" && strings.Contains(r.Subject.Message, " assess by "); assessed {
			break
		}
	}
	o := clawjail(t, run{}, "incident", "show", jail, "-o", "json")
	var in api.Incident
	if err := json.Unmarshal([]byte(o.Stdout), &in); err != nil || !assessed || in.State != incident.Assessed {
		t.Fatalf("the incident of %s was assessed: %v, %v: %v", jail, assessed, err, o)
	}
	return in
}

// A policy that freezes opens an incident, which holds until somebody releases
// it; its evidence and the log prove themselves.
func TestAFrozenJailIsAnIncident(t *testing.T) {
	dir := workspace(t)
	pol := policyFile(t, `exec:
  rules:
    - {run: id, then: freeze}
on_violation: freeze
`)
	j := detached(t, run{Policy: pol, Workspace: dir, Argv: []string{"sh", "-c", "echo before > note; id; echo after >> note; sleep 1000"}})
	in := incidentOf(t, j.ID)
	if in.Trigger.Kind != "freeze" || in.Subject.Name != j.Name || len(in.Evidence) != 1 || in.Assessment == nil {
		t.Fatalf("%+v", in)
	}
	if got := inspect(t, j.Name).State; got != api.StateFrozen {
		t.Errorf("the jail is %s", got)
	}
	for _, args := range [][]string{{"thaw", j.Name}, {"exec", j.Name, "--", "true"}} {
		if o := clawjail(t, run{}, args...); o.Code != 125 || !strings.Contains(o.Stderr, in.ID) {
			t.Errorf("%v of a jail that is held: %v", args, o)
		}
	}
	if o := clawjail(t, run{}, "incident", "verify", in.Evidence[0].Path); o.Code != 0 || !strings.HasPrefix(o.Stdout, "OK: ") {
		t.Errorf("evidence: %v", o)
	}
	if o := clawjail(t, run{}, "incident", "release", in.ID); o.Code == 0 || !strings.Contains(o.Stderr, "--reason") {
		t.Errorf("released without a reason: %v", o)
	}
	if got := read(t, filepath.Join(dir, "note")); got != "before\n" {
		t.Errorf("it went on while it was held: %q", got)
	}
	if o := clawjail(t, run{}, "incident", "release", in.ID, "--reason", "a test"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if got := inspect(t, j.Name).State; got != api.StateRunning {
		t.Errorf("after its release the jail is %s", got)
	}
	if o := clawjail(t, run{}, "incident", "release", in.ID, "--reason", "me too"); o.Code == 0 {
		t.Errorf("released twice: %v", o)
	}
	if o := clawjail(t, run{}, "incident", "report", in.ID, "--format", "html"); o.Code != 0 || !strings.Contains(o.Stdout, "<svg") {
		t.Errorf("report: %.300v", o)
	}
	if o := clawjail(t, run{}, "incident", "close", in.ID, "--reason", "only a test"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	list := records(t, j.Name, "--gate", audit.GateJail)
	for _, step := range []string{" open by ", " contain by ", " preserve by ", " assess by ", " release by ", " close by "} {
		want(t, list, step, func(r audit.Record) bool {
			return r.Subject.Op == "incident" && strings.Contains(r.Subject.Message, step)
		})
	}
}

// The name of a jail stays held when its jail is gone, and its evidence shows
// tampering.
func TestAHoldOutlivesItsJail(t *testing.T) {
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sleep", "1000"}})
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a drill", "--drill"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	in := incidentOf(t, j.ID)
	if o := clawjail(t, run{}, "incident", "kill", in.ID, "--reason", "a drill"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	waitGone(t, j.Cgroup)
	if o := clawjail(t, run{}, "run", "--name", j.Name, "--workspace", dir, "--", "true"); o.Code != 125 || !strings.Contains(o.Stderr, in.ID) {
		t.Errorf("its name starts again: %v", o)
	}
	b, err := os.ReadFile(in.Evidence[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	altered := filepath.Join(t.TempDir(), "altered")
	if err := os.WriteFile(altered, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "incident", "verify", altered); o.Code != 1 {
		t.Errorf("altered evidence: %v", o)
	}
	if o := clawjail(t, run{}, "incident", "close", in.ID, "--reason", "done"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	if o := clawjail(t, run{}, "run", "--name", j.Name, "--workspace", dir, "--", "true"); o.Code != 0 {
		t.Errorf("after the incident is closed: %v", o)
	}
}

// What the supervisor wrote proves itself while it goes on writing.
func TestTheLogProvesItself(t *testing.T) {
	dir := workspace(t)
	if o := jail(t, run{Workspace: dir, Env: []string{"X=1"}, Argv: []string{"sh", "-c", "true --password=fake-pass"}}); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	o := clawjail(t, run{}, "audit", "verify", "-o", "json")
	var r struct {
		OK          bool
		Records     uint64
		Checkpoints int
	}
	if err := json.Unmarshal([]byte(o.Stdout), &r); err != nil || o.Code != 0 || !r.OK || r.Records == 0 || r.Checkpoints == 0 {
		t.Errorf("%v: %v", err, o)
	}
	if o := clawjail(t, run{}, "audit", "export", "--format", "ocsf", "--since", "5m"); o.Code != 0 || strings.Contains(o.Stdout, "fake-pass") || !strings.Contains(o.Stdout, "[redacted:") {
		t.Errorf("export: %d, %.400s %s", o.Code, o.Stdout, o.Stderr)
	}
}

// An incident about a jail that has ended is refused with words, not opened about
// nothing.
func TestAnEndedJailIsNoIncident(t *testing.T) {
	o := jail(t, run{Workspace: workspace(t), Argv: []string{"true"}})
	if o := clawjail(t, run{}, "incident", "open", o.Name, "--reason", "too late"); o.Code == 0 || !strings.Contains(o.Stderr, "only a running jail") {
		t.Errorf("%v", o)
	}
}
