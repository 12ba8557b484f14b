//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/api"
	"clawjail/supervisor/incident"
	"clawjail/test/kernel"
)

const incidentsDir = "/var/lib/clawjail/incidents"

// smallIncidents gives incidents a disk of their own, of 2 MiB.
func smallIncidents(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(incidentsDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", incidentsDir, "tmpfs", 0, "mode=700,size=2m"); err != nil {
		t.Fatal(err)
	}
}

// incidentShown is what the supervisor says of an incident.
func incidentShown(t *testing.T, id string) (in api.Incident) {
	t.Helper()
	o := clawjail(t, run{}, "incident", "show", id, "-o", "json")
	if err := json.Unmarshal([]byte(o.Stdout), &in); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	return in
}

// TestEvidenceOnAFullDisk: where there is little room, the evidence says what is
// missing; where there is none, the responder is told what to do; and the jail is
// held all the while, also by the next supervisor.
func TestEvidenceOnAFullDisk(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	smallIncidents(t)
	d := startDaemon(t)
	dir := workspace(t)
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c",
		"head -c 3000000 /dev/urandom > gone; exec 3< gone; rm gone; echo ready > ready; while :; do echo x >> works; sleep 0.05; done"}})
	eventually(t, "the jail works", func() bool { return fileExists(filepath.Join(dir, "ready")) })
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a test"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	in := incidentOf(t, j.ID)
	if len(in.Evidence) != 1 {
		t.Fatalf("%+v", in)
	}
	if e := in.Evidence[0]; !strings.Contains(strings.Join(e.Failed, "\n"), "3000000 bytes do not fit on the disk") {
		t.Errorf("what failed: %q", e.Failed)
	}
	if o := clawjail(t, run{}, "incident", "verify", in.Evidence[0].Path); o.Code != 0 || !strings.HasPrefix(o.Stdout, "OK: ") {
		t.Errorf("%v", o)
	}
	ballast := filepath.Join(incidentsDir, "ballast")
	kernel.Fill(t, ballast)
	if o := clawjail(t, run{}, "incident", "preserve", in.ID); o.Code == 0 || !strings.Contains(o.Stderr, "make room there, then `clawjail incident preserve "+in.ID) {
		t.Errorf("with no room: %v", o)
	}
	d.again(unix.SIGKILL)
	if is := incidentShown(t, in.ID); is.State != incident.Assessed || len(is.Evidence) != 1 {
		t.Errorf("the next supervisor knows %+v", is)
	}
	if o := clawjail(t, run{}, "thaw", j.Name); o.Code == 0 || !strings.Contains(o.Stderr, in.ID) {
		t.Errorf("thawed: %v", o)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if o := clawjail(t, run{}, "incident", "preserve", in.ID); o.Code != 0 || len(incidentShown(t, in.ID).Evidence) != 2 {
		t.Errorf("with room: %v", o)
	}
	if o := clawjail(t, run{}, "incident", "release", in.ID, "--reason", "a test"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	awaitState(t, j.Name, api.StateRunning)
}

// TestAnIncidentOnAFullDisk: a hold is durable, and its release, too, where
// nothing else has room; that there is no evidence is in the record.
func TestAnIncidentOnAFullDisk(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	smallIncidents(t)
	d := startDaemon(t)
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	kernel.Fill(t, filepath.Join(incidentsDir, "ballast"))
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a test"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	d.again(unix.SIGKILL)
	in := incidentShown(t, j.ID)
	if in.State != incident.Contained || len(in.Evidence) != 0 {
		t.Errorf("the next supervisor knows %+v", in)
	}
	if o := clawjail(t, run{}, "thaw", j.Name); o.Code == 0 || !strings.Contains(o.Stderr, in.ID) {
		t.Errorf("thawed: %v", o)
	}
	verified(t, j.ID, "preserve by clawjail: no evidence was written", "bytes do not fit on the disk of the evidence")
	if o := clawjail(t, run{}, "incident", "release", in.ID, "--reason", "a test"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	awaitState(t, j.Name, api.StateRunning)
}
