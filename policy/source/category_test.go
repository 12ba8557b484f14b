package source

import (
	"strings"
	"testing"

	"clawjail/policy"
	"clawjail/policy/compiled"
)

// A category stands for a verdict wherever one stands, and is part of the
// rule's name everywhere.
func TestCategories(t *testing.T) {
	p := mustParse(t, `
version: 1
name: categories
extends: [agent]
files:
  - {path: "${WORKSPACE}", access: write, write: sensitive}
  - {path: "${WORKSPACE}/docs", access: read, write: critical}
delete: {limit: 5/h, over: critical}
exec:
  default: routine
  rules:
    - {run: git, args: [push, ...], then: critical}
    - {run: curl, then: sensitive}
network:
  default: critical
  private: routine
  routine: ["a.example.org:443"]
  sensitive: ["b.example.org:443"]
  critical: ["c.example.org:443"]
  audit: ["d.example.org:443"]
`, Features{Gate: true})
	b, err := compiled.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = compiled.Decode(b); err != nil {
		t.Fatal(err)
	}
	host := func(name string) policy.Request {
		return policy.Request{Gate: policy.GateConnect, Host: name, Port: 443}
	}
	for _, tt := range []struct {
		r    policy.Request
		want policy.Decision
	}{
		{policy.Request{Gate: policy.GateOpen, Op: "open", Write: true, Path: "/home/user/project/x"}, policy.Decision{Verdict: policy.Audit, Rule: "files[0], sensitive (p.yaml:6)"}},
		{policy.Request{Gate: policy.GateOpen, Op: "open", Path: "/home/user/project/x"}, policy.Decision{Verdict: policy.Allow, Rule: "files[0] (p.yaml:6)"}},
		{policy.Request{Gate: policy.GateOpen, Op: "open", Write: true, Path: "/home/user/project/docs/x"}, policy.Decision{Verdict: policy.Ask, Rule: "files[1], critical (p.yaml:7)"}},
		{policy.Request{Gate: policy.GateExec, Path: "/usr/bin/git", Argv: []string{"git", "push"}}, policy.Decision{Verdict: policy.Ask, Rule: "exec.rules[0], critical (p.yaml:12)"}},
		{policy.Request{Gate: policy.GateExec, Path: "/usr/bin/curl"}, policy.Decision{Verdict: policy.Audit, Rule: "exec.rules[1], sensitive (p.yaml:13)"}},
		{policy.Request{Gate: policy.GateExec, Path: "/usr/bin/make"}, policy.Decision{Verdict: policy.Allow, Rule: "exec.default, routine (p.yaml:10)"}},
		{host("a.example.org"), policy.Decision{Verdict: policy.Allow, Rule: "network.routine[0], routine (p.yaml:17)"}},
		{host("b.example.org"), policy.Decision{Verdict: policy.Audit, Rule: "network.sensitive[0], sensitive (p.yaml:18)"}},
		{host("c.example.org"), policy.Decision{Verdict: policy.Ask, Rule: "network.critical[0], critical (p.yaml:19)"}},
		{host("d.example.org"), policy.Decision{Verdict: policy.Audit, Rule: "network.audit[0] (p.yaml:20)"}},
		{host("e.example.org"), policy.Decision{Verdict: policy.Ask, Rule: "network.default, critical (p.yaml:15)"}},
	} {
		if got := p.Evaluate(tt.r); got != tt.want {
			t.Errorf("%+v: %+v, want %+v", tt.r, got, tt.want)
		}
	}
	if p.Delete.Over != policy.Ask || p.Delete.Origin.Category != policy.Critical || p.Network.Private != policy.Allow {
		t.Errorf("%+v, %v", p.Delete, p.Network.Private)
	}
	if lines := strings.Join(p.Lines(), "\n"); !strings.Contains(lines, "exec: critical (ask) \"git\"") || !strings.Contains(lines, "write sensitive (audit)") {
		t.Error(lines)
	}
	p.Exec.Rules[0].Then = policy.Allow
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), `category "critical" is not the verdict "allow"`) {
		t.Error(err)
	}
}

// A name that is refused is cut out of a wildcard that is allowed, in one
// document and from a base.
func TestRefusedNameInAWildcard(t *testing.T) {
	p := mustParse(t, `
version: 1
name: carve
extends: [agent]
network:
  allow: ["*.example.org:443"]
  deny: ["private.example.org:443", "*.lab.example.org:any"]
`, Features{})
	for host, want := range map[string]policy.Verdict{"a.example.org": policy.Allow, "private.example.org": policy.Deny,
		"x.private.example.org": policy.Allow, "a.lab.example.org": policy.Deny, "lab.example.org": policy.Allow} {
		if d := p.Evaluate(policy.Request{Gate: policy.GateConnect, Host: host, Port: 443}); d.Verdict != want {
			t.Errorf("%s: %v", host, d)
		}
	}
}
