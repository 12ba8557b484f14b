package action

import (
	"context"
	"strings"
	"testing"
	"time"

	"clawjail/policy"
	"clawjail/supervisor/approval"
)

// TestOperate: what is done on the host is under the host's limits, asked about in
// its own words, and on record with its user.
func TestOperate(t *testing.T) {
	w := newWorld(t)
	of := policy.Origin{Rule: "action_limits.defaults"}
	w.Service.o.HostLimits = []policy.ActionLimit{
		{Of: "install_skill", Max: 2, Per: time.Hour, Scope: policy.ScopeUser, Over: policy.Ask, Origin: of},
		{Of: "install_skill", Max: 4, Per: time.Hour, Scope: policy.ScopeAll, Over: policy.Deny, Origin: of},
	}
	var rule string
	var notes []string
	asked, yes := 0, true
	operate := func(uid uint32, decided bool) bool {
		t.Helper()
		out, d := w.Operate(t.Context(), Operation{Type: "install_skill", Target: "weather", Decided: decided, Who: Jail{Name: "skills", Agent: "clawjail skill", StartedBy: uid},
			Ask: func(_ context.Context, r string, n []string) (approval.Decision, error) {
				asked, rule, notes = asked+1, r, n
				if yes {
					return approved(approval.Scope{}), nil
				}
				return approval.Decision{Outcome: approval.Rejected}, nil
			}})
		if out.Token != "" || d != nil && d.Allowed() != out.Allowed() {
			t.Errorf("%+v %+v", out, d)
		}
		return out.Allowed()
	}
	if !operate(0, false) || asked != 1 || rule != "" || len(notes) != 0 {
		t.Errorf("asked %d times, by %q: %q", asked, rule, notes)
	}
	if !operate(0, true) || asked != 1 {
		t.Error("what was decided is asked about")
	}
	yes = false
	if operate(0, true) || asked != 2 || rule != "action_limits.defaults" || !strings.Contains(strings.Join(notes, "\n"), "over the limit: install_skill 2 per 1h of each user") {
		t.Errorf("over the limit: asked %d times, by %q: %q", asked, rule, notes)
	}
	yes = true
	if !operate(0, true) || asked != 3 {
		t.Error("over the limit, and approved")
	}
	if !operate(1, true) || asked != 3 {
		t.Error("another user")
	}
	if operate(2, false) || asked != 3 {
		t.Error("all together are over a limit that denies")
	}
	if len(w.records) != 6 {
		t.Fatalf("%d records", len(w.records))
	}
	r := w.records[3]
	if r.Jail != "" || r.Subject.UID == nil || *r.Subject.UID != 0 || r.Decision == nil || r.Verdict != "allow" || strings.Join(r.Subject.Argv, " ") != "install_skill target=weather" {
		t.Errorf("%+v", r)
	}
	list := w.Standings(Operation{Type: "install_skill", Who: Jail{Name: "skills", StartedBy: 0}})
	if len(list) != 2 || list[0].Used != 3 || list[0].Subject() != "0" || list[1].Used != 4 {
		t.Errorf("%+v", list)
	}
}

// TestSpendFor: what is done for a jail takes what it was approved for.
func TestSpendFor(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{})
	c := w.dial("j")
	c.send(`{"do":"request","type":"install_skill","target":"weather"}`)
	<-w.asked
	w.answer <- approved(approval.Scope{})
	if a := c.answer(); !a.Allowed() {
		t.Fatalf("%+v", a)
	}
	for i, tt := range []struct {
		jail, target string
		ok           bool
		says         string
	}{
		{"none", "weather", false, "no actions"},
		{"j", "other", false, "clawjail-act request install_skill --target other"},
		{"j", "weather", true, "by the approved install_skill"},
		{"j", "weather", false, "it needs an approved install_skill"},
	} {
		if ok, reason := w.SpendFor(t.Context(), tt.jail, "install", "install_skill", tt.target, "skills are critical"); ok != tt.ok || !strings.Contains(reason, tt.says) {
			t.Errorf("%d: %v, %s", i, ok, reason)
		}
	}
	last := w.records[len(w.records)-2]
	if last.Subject.Op != "install" || strings.Join(last.Subject.Argv, " ") != "install_skill target=weather" || last.Verdict != "allow" {
		t.Errorf("%+v", last)
	}
}
