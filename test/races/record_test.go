//go:build e2e

package races

import (
	"path/filepath"
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

// The log has one record of what was done for the jail because it is counted,
// and one of what a human only wants to be told of, in either tier.
func TestOneRecordOfAChange(t *testing.T) {
	const told = `version: 1
name: told
extends: [locked]
exec: {default: allow}
files: [{path: "${WORKSPACE}", access: write, exec: true, write: audit}]
`
	for name, policy := range map[string]string{"counted": limited, "told": told} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, policy)
			f.fill(t)
			dir := filepath.Join(f.dir, "p")
			o := f.jail(t, "sh", "-c", `cd "$1" && rm 001 && mv 002 003 && : > 004 && : > made && mv made moved && mkdir d && rmdir d`, "sh", dir)
			if o.code != 0 {
				t.Fatal(o)
			}
			seen := map[string]int{}
			for _, r := range records(t, o.name) {
				if (r.Gate == audit.GateFile || r.Gate == audit.GateDelete) && r.Subject.Errno == 0 {
					seen[r.Subject.Op+" "+strings.TrimPrefix(r.Subject.Path, dir+"/")+" "+r.Verdict]++
				}
			}
			verdict := map[string]string{"counted": " allow", "told": " audit"}[name]
			for _, what := range []string{"unlink 001", "rename 002", "open 004", "open made", "rename made", "rmdir d"} {
				if n := seen[what+verdict]; n != 1 {
					t.Errorf("%d records of %q, of %v", n, what+verdict, seen)
				}
			}
		})
	}
}
