package show

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/supervisor/approval"
)

func TestTouches(t *testing.T) {
	r := approval.Request{Gate: approval.GateAction, Reversible: approval.ReversibleNo,
		Impact: []string{"money: pays, or binds to pay", "outside: somebody else gets it, and keeps it", "data: personal data of somebody", "code: x\x1b"}}
	want := Touched{Financial: []string{"pays, or binds to pay"}, Legal: []string{"somebody else gets it, and keeps it", "personal data of somebody"},
		Data: []string{"personal data of somebody"}, Other: []string{`code: x\x1b`}, Reversible: "no"}
	if d := cmp.Diff(want, Touches(r)); d != "" {
		t.Error(d)
	}
	exec := Touches(approval.Request{Gate: approval.GateExec, Impact: []string{"outside: sends commits to another repository"}})
	got := strings.Join(exec.Lines(), "\n")
	if got != "financial: nothing known\nlegal: nothing known\ndata: nothing known\nalso: outside: sends commits to another repository\nreversible: unknown" {
		t.Errorf("%s", got)
	}
}

func TestPeople(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	trail := approval.Trail{Rule: approval.Rule{Category: "payments", Severity: "critical", People: 2},
		Consents: []approval.Consent{{By: approval.By{Name: "ana"}, At: at, Scope: approval.Once(), Reason: "checked\x1b[2J"}},
		Seen:     []approval.Seen{{By: approval.By{Name: "ana"}, At: at}, {By: approval.By{Name: "ben (console, approver)", For: "cy"}, At: at}},
		Steps:    []approval.Stepped{{Step: 1, To: "oncall", Channels: []string{"mail"}}, {Step: 2, To: "leads", After: 5 * time.Minute, Channels: []string{"pager"}, Kept: []string{"pager"}}},
		Sent:     []approval.Sent{{Event: "asked", Channel: "mail", Outcome: "sent"}, {Event: "escalated", Channel: "mail", Outcome: "sent"}, {Event: "escalated", Channel: "pager", Outcome: "kept"}, {Event: "asked", Channel: "team", Outcome: "givenup"}}}
	want := `category   payments, critical
four eyes  takes 2 different people, 1 more
approved   ana, once: checked\x1b[2J
seen by    ana, ben (console, approver) for cy
told       oncall after 0s
           leads after 5m 0s, kept back by quiet hours
sent to    mail, pager (quiet hours), team (givenup)
`
	if d := cmp.Diff(want, People(trail, Style{})); d != "" {
		t.Error(d)
	}
	if got := People(approval.Trail{Rule: approval.Rule{Severity: "low", People: 1}}, Style{}); got != "" {
		t.Errorf("nothing to say: %q", got)
	}
}
