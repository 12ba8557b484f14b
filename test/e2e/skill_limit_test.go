//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/supervisor/api"
)

// TestInstallingSkillsIsLimited: an installation is an action: on record as one,
// counted, over its limit a person's to decide, and for an agent only with what it
// was approved for.
func TestInstallingSkillsIsLimited(t *testing.T) {
	if !ownHost(t, "action_limits: {defaults: [{of: install_skill, limit: 2/d, scope: user}, {of: install_skill, limit: 4/d, scope: all, over: deny}]}\n", 16<<20) {
		return
	}
	key := signer(t)
	signed := func(name string) string {
		t.Helper()
		dir := newSkill(t, name, "#!/bin/sh\necho sunny\n")
		if o := skill(t, "sign", "--key", key, dir); o.Code != 0 {
			t.Fatal(o)
		}
		return dir
	}
	install := func(dir string, args ...string) []string {
		return append([]string{"install", "--source", "github.com/openclaw/skills", dir}, args...)
	}
	// Nobody counts yet, and there is a limit.
	if o := skill(t, install(signed("zero"), "--yes", "--isolation", "process")...); o.Code == 0 || !strings.Contains(o.Stderr, "cannot be counted, and there is a limit, install_skill 2 per 1d") {
		t.Errorf("without a supervisor: %v", o)
	}
	startDaemon(t)
	one := signed("one")
	if o := skill(t, install(one, "--yes")...); o.Code != 0 {
		t.Fatalf("the first: %v", o)
	}
	if o := skill(t, install(one, "--yes")...); o.Code != 0 { // it is there: nothing is installed
		t.Errorf("the first, again: %v", o)
	}
	if o := decided(t, true, install(signed("two"))...); o.Code != 0 {
		t.Errorf("the second: %v", o)
	}
	if o := clawjail(t, run{}, "limits"); !strings.Contains(o.Stdout, "install_skill  1d   user 0  2 of 2") {
		t.Errorf("%v", o)
	}
	if o := decided(t, false, install(signed("three"), "--yes")...); o.Code != 1 || !strings.Contains(o.Stderr, "was not approved") {
		t.Errorf("over the limit, denied: %v", o)
	}
	if o := decided(t, true, install(signed("third"), "--yes")...); o.Code != 0 { // who denies is not asked again at once
		t.Errorf("over the limit, approved: %v", o)
	}
	installForAgent(t, signed, install)
	if o := skill(t, install(signed("five"), "--yes")...); o.Code != 1 || !strings.Contains(o.Stderr, "may not be installed: over the limit: ") || !strings.Contains(o.Stderr, "install_skill 4 per 1d of each all") {
		t.Errorf("more than all may: %v", o)
	}
	installed := records(t, "", "--gate", audit.GateAction)
	want(t, installed, "the action of a user", func(r audit.Record) bool {
		return r.Jail == "" && r.Subject.Name == "install_skill" && r.Verdict == "allow" && r.Subject.UID != nil && *r.Subject.UID == 0 &&
			len(r.Subject.Argv) == 2 && strings.HasPrefix(r.Subject.Argv[1], "target=one sha256:")
	})
	want(t, installed, "the action of a jail", func(r audit.Record) bool {
		return r.Jail != "" && r.Subject.Op == "install" && r.Subject.Name == "install_skill" && r.Verdict == "allow"
	})
}

// installForAgent installs what an agent asked for, which uses its approval up.
func installForAgent(t *testing.T, signed func(string) string, install func(string, ...string) []string) {
	t.Helper()
	four := signed("four")
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sh", "-c", "clawjail-act request install_skill --target four && echo granted; sleep 1000"}})
	if o := skill(t, install(four, "--yes", "--for", j.Name)...); o.Code != 1 || !strings.Contains(o.Stderr, "clawjail-act request install_skill --target four") {
		t.Errorf("before it was approved: %v", o)
	}
	a := held(t, j.Name)
	if o := clawjail(t, run{}, "approve", a.ID); o.Code != 0 {
		t.Fatal(o)
	}
	eventually(t, "the agent has its approval", func() bool {
		return strings.Contains(clawjail(t, run{}, "logs", j.Name).Stdout, "granted")
	})
	if o := skill(t, install(four, "--yes", "--for", j.Name)...); o.Code != 0 {
		t.Errorf("for the agent: %v", o)
	}
	if o := skill(t, "remove", "four"); o.Code != 0 {
		t.Errorf("%v", o)
	}
	if o := skill(t, install(four, "--yes", "--for", j.Name)...); o.Code != 1 || !strings.Contains(o.Stderr, "it needs an approved install_skill") {
		t.Errorf("a second time: %v", o)
	}
	if o := clawjail(t, run{}, "kill", j.Name); o.Code != 0 {
		t.Errorf("%v", o)
	}
	awaitState(t, j.Name, api.StateExited)
}
