//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/incident"
)

// TestAnIncidentIsRestored: what a jail did to its workspace is undone from a good
// copy, after the jail has ended; what was there is kept, and the record says it.
func TestAnIncidentIsRestored(t *testing.T) {
	if !ownHost(t, "", 16<<20) {
		return
	}
	startDaemon(t)
	dir, good := workspace(t), filepath.Join(t.TempDir(), "good")
	for _, root := range []string{dir, good} {
		if err := os.MkdirAll(root, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(root, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, "doc"), "true\n", 0o644)
		write(t, filepath.Join(root, "gone"), "needed\n", 0o644)
		give(t, root)
	}
	j := detached(t, run{Workspace: dir, Argv: []string{"sh", "-c", "echo false > doc; rm gone; echo x > dropped; touch done; sleep 1000"}})
	eventually(t, "the jail has done its harm", func() bool { _, err := os.Stat(filepath.Join(dir, "done")); return err == nil })
	if o := clawjail(t, run{}, "incident", "open", j.Name, "--reason", "a test"); o.Code != 0 {
		t.Fatalf("%v", o)
	}
	in := incidentOf(t, j.ID)
	for _, args := range [][]string{{"--reason", "x"}, {"--from", good}, {"--from", good + "x", "--reason", "x"}, {"--from", dir, "--reason", "x", "--into", filepath.Join(dir, "below")}} {
		if o := clawjail(t, run{}, append([]string{"incident", "restore", in.ID}, args...)...); o.Code == 0 {
			t.Errorf("%q: %v", args, o)
		}
	}
	o := clawjail(t, run{}, "incident", "restore", in.ID, "--from", good, "--dry-run")
	if o.Code != 0 || !strings.Contains(o.Stdout, "1 changed, 1 missing, 2 new") || !strings.Contains(o.Stdout, "changed  doc") {
		t.Errorf("%v", o)
	}
	if in = incidentShown(t, in.ID); in.State == incident.Restored || in.State == incident.Killed || read(t, filepath.Join(dir, "doc")) != "false\n" {
		t.Errorf("to look at it did it: %s", in.State)
	}
	if o := clawjail(t, run{}, "incident", "restore", in.ID, "--from", good, "--reason", "docs were rewritten"); o.Code != 0 || !strings.Contains(o.Stdout, "is restored") {
		t.Fatalf("%v", o)
	}
	awaitState(t, j.Name, api.StateExited)
	aside := dir + ".incident-" + in.ID
	t.Cleanup(func() { os.RemoveAll(aside) })
	if read(t, filepath.Join(dir, "doc")) != "true\n" || read(t, filepath.Join(dir, "gone")) != "needed\n" || read(t, filepath.Join(aside, "doc")) != "false\n" {
		t.Error("the files are not what they should be")
	}
	if _, err := os.Stat(filepath.Join(dir, "dropped")); !os.IsNotExist(err) {
		t.Errorf("what was dropped is still there: %v", err)
	}
	in = incidentShown(t, in.ID)
	if last := in.Steps[len(in.Steps)-1]; in.State != incident.Restored || !strings.Contains(last.Detail, aside) || !strings.Contains(last.Detail, "docs were rewritten") {
		t.Errorf("%s, %+v", in.State, last)
	}
	if o := clawjail(t, run{}, "incident", "restore", in.ID, "--from", good, "--reason", "again"); o.Code != 0 || strings.Contains(o.Stdout, "what was there") {
		t.Errorf("a second time there is nothing to do: %v", o)
	}
	if o := clawjail(t, run{}, "incident", "report", in.ID); o.Code != 0 || !strings.Contains(o.Stdout, "docs were rewritten") {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "incident", "close", in.ID, "--reason", "a test"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	if o := clawjail(t, run{}, "incident", "restore", in.ID, "--from", good, "--reason", "late"); o.Code == 0 || !strings.Contains(o.Stderr, "is closed") {
		t.Errorf("%v", o)
	}
}
