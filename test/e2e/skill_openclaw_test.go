//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"clawjail/audit"
)

// TestInstallsOfOpenClawAreLimited: what clawjail lets OpenClaw install is an action
// like what it installs itself.
func TestInstallsOfOpenClawAreLimited(t *testing.T) {
	if !ownHost(t, "action_limits: {defaults: [{of: install_skill, limit: 2/d, scope: user}, {of: install_skill, limit: 4/d, scope: all, over: deny}]}\n", 16<<20) {
		return
	}
	asked := func(name string, flags ...string) func() outcome {
		t.Helper()
		request := fmt.Sprintf(`{"protocolVersion":1,"targetType":"skill","targetName":%q,"sourcePath":%q,"sourcePathKind":"directory"}`, name, newSkill(t, name, "#!/bin/sh\necho sunny\n"))
		args := append([]string{"skill", "openclaw-policy", "--allow-unsigned", "--wait", "1m"}, flags...)
		return func() outcome { return clawjail(t, run{Stdin: request}, args...) }
	}
	says := func(o outcome, decision, reason string) {
		t.Helper()
		var a struct{ Decision, Reason string }
		if err := json.Unmarshal([]byte(o.Stdout), &a); err != nil || o.Code != 0 || a.Decision != decision || !strings.Contains(a.Reason, reason) {
			t.Errorf("not %s %q: %v, %v", decision, reason, err, o)
		}
	}
	says(asked("zero", "--isolation", "process")(), "block", "cannot be counted, and there is a limit, install_skill 2 per 1d")
	startDaemon(t)
	says(asked("one")(), "allow", "")
	says(asked("two")(), "allow", "")
	says(answered(t, false, asked("three")), "block", "was not approved")
	says(answered(t, true, asked("third")), "allow", "")
	says(asked("four", "--for", "nobody")(), "block", "nobody")
	says(asked("late", "--wait", "0s")(), "block", "--wait 0s")
	says(answered(t, true, asked("four")), "allow", "")
	says(asked("five")(), "block", "install_skill 4 per 1d of each all")
	if o := clawjail(t, run{}, "limits"); !strings.Contains(o.Stdout, "install_skill  1d   user 0  4 of 2") {
		t.Errorf("%v", o)
	}
	want(t, records(t, "", "--gate", audit.GateAction), "the action of a user", func(r audit.Record) bool {
		return r.Jail == "" && r.Subject.Name == "install_skill" && r.Verdict == "allow" && len(r.Subject.Argv) == 2 && strings.HasPrefix(r.Subject.Argv[1], "target=one sha256:")
	})
}
