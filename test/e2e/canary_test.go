//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/supervisor/api"
)

// A jail that touches what nothing has a reason to touch, or is refused too
// often, stands still and is an incident.
func TestCanariesAndRefusalsAreIncidents(t *testing.T) {
	dir := workspace(t)
	bird := filepath.Join(dir, "bird.txt")
	write(t, bird, "not a secret\n", 0o644)
	config := fmt.Sprintf(`incidents:
  canary_files: [%q]
  canary_hosts: ["*.canary.example.org"]
  denials: 20
  denial_window: 1m
`, bird)
	if !ownHost(t, config, 64<<20) {
		return
	}
	pol := policyFile(t, `exec:
  default: allow
  rules:
    - {run: id, then: deny}
on_violation: deny
`)
	for _, tt := range []struct{ name, script, kind, what string }{
		{"a file", "cat bird.txt > copy; sleep 1000", "canary", "bird.txt was opened by process"},
		{"a host", "getent hosts x.canary.example.org; sleep 1000", "canary", "dns of canary host *.canary.example.org"},
		{"refusals", "for i in $(seq 40); do id; done; sleep 1000", "denials", "refusals within 1m0s"},
	} {
		j := detached(t, run{Policy: pol, Workspace: dir, Argv: []string{"sh", "-c", tt.script}})
		awaitState(t, j.Name, api.StateFrozen)
		in := incidentOf(t, j.ID)
		if in.Trigger.Kind != tt.kind || !strings.Contains(in.Trigger.What, tt.what) {
			t.Errorf("%s: %+v", tt.name, in.Trigger)
		}
	}
	if got := read(t, filepath.Join(dir, "copy")); got != "" {
		t.Errorf("the canary was read: %q", got)
	}
	// The host's own programs read it as ever.
	if got := read(t, bird); got != "not a secret\n" {
		t.Errorf("%q", got)
	}
	want(t, records(t, "", "--gate", audit.GateFile), "the canary", func(r audit.Record) bool { return r.Subject.Op == "canary" && r.Verdict == "deny" })
}
