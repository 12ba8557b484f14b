//go:build e2e

package races

import (
	"strings"
	"testing"

	"clawjail/audit"
)

// The log has one record of what the verifier killed, and that says killed: not
// that it was executed as well.
func TestOneRecordOfAKill(t *testing.T) {
	for _, name := range []string{"arg-thread", "path-vm", "env-shared"} {
		t.Run(name, func(t *testing.T) {
			_, o, _ := attack(t, byName, name, 1000)
			by := map[string][]audit.Record{}
			for _, r := range records(t, o.name) {
				if r.Gate == audit.GateExec && r.Subject.Op == "exec" && r.Verdict != "deny" {
					by[r.ExecID] = append(by[r.ExecID], r)
				}
			}
			kills := 0
			for id, list := range by {
				for _, r := range list {
					if !strings.Contains(r.Subject.Message, "not what was let through") {
						continue
					}
					if kills++; len(list) != 1 || r.Verdict != "kill" {
						t.Errorf("%s has %d records: %+v", id, len(list), list)
					}
				}
			}
			if kills == 0 {
				t.Error("the race was not run: nothing was killed")
			}
		})
	}
}
