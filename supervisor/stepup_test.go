package supervisor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/assert"
	"clawjail/supervisor/config"
)

// TestCriticalDecisionsTakeAFreshFactor: from a person of the console, where the
// operator wants it; the log says which it was.
func TestCriticalDecisionsTakeAFreshFactor(t *testing.T) {
	s := desk(t, approvalOptions{})
	push := approval.Request{Jail: "j", Gate: approval.GateExec, Op: "execve", Argv: []string{"git", "push", "origin"}, Path: "/usr/bin/git"}
	look := approval.Request{Jail: "j", Gate: approval.GateFile, Op: "mkdir", Path: "/w/new"}
	critical, first := hold(t, s, push)
	harmless, second := hold(t, s, look)
	if !approval.Critical(critical.Request) {
		t.Fatal("a push is not critical")
	}
	if approval.Critical(harmless.Request) {
		t.Fatal("making a directory is critical")
	}
	person := &assert.Claims{Subject: "alice", Role: assert.Approver}
	fresh := &assert.Claims{Subject: "alice", Role: assert.Approver, StepUp: "passkey"}
	for _, tt := range []struct {
		name, mode string
		person     *assert.Claims
		id         string
		answer     api.DecideRequest
		refused    bool
	}{
		{"where nobody wants it", config.StepUpNever, person, critical.ID, api.DecideRequest{Approve: true, Scope: "jail"}, false},
		{"what is critical", config.StepUpCritical, person, critical.ID, api.DecideRequest{Approve: true, Scope: "once"}, true},
		{"what is critical, proven", config.StepUpCritical, fresh, critical.ID, api.DecideRequest{Approve: true}, false},
		{"a denial", config.StepUpCritical, person, critical.ID, api.DecideRequest{}, false},
		{"what is harmless", config.StepUpCritical, person, harmless.ID, api.DecideRequest{Approve: true}, false},
		{"what is harmless, for longer", config.StepUpCritical, person, harmless.ID, api.DecideRequest{Approve: true, Scope: "for"}, true},
		{"what is harmless, where all is asked for", config.StepUpAlways, person, harmless.ID, api.DecideRequest{Approve: true}, true},
		{"on the command line", config.StepUpAlways, nil, critical.ID, api.DecideRequest{Approve: true}, false},
	} {
		s.opt.Config.StepUp = tt.mode
		r := httptest.NewRequest(http.MethodPost, "/v1/approvals/x/decide", nil)
		r.SetPathValue("id", tt.id)
		apiErr := (&call{s: s, r: r, person: tt.person}).deciding(tt.answer)
		if (apiErr != nil) != tt.refused || apiErr != nil && (apiErr.Status != http.StatusForbidden || !strings.Contains(apiErr.Hint, api.CodeHeader)) {
			t.Errorf("%s: %v", tt.name, apiErr)
		}
	}
	if who := (&call{s: s, person: fresh}).who(); who != "alice (console, approver, passkey)" {
		t.Errorf("%q", who)
	}
	s.opt.Config.StepUp = config.StepUpCritical
	for _, tt := range []struct {
		critical bool
		person   *assert.Claims
		want     bool
	}{{true, person, false}, {true, fresh, true}, {false, person, true}, {true, nil, true}} {
		did := false
		_, apiErr := freshly(tt.critical, &did)(&call{s: s, person: tt.person})
		if did != tt.want || (apiErr == nil) != tt.want {
			t.Errorf("%+v: done %v, %v", tt, did, apiErr)
		}
	}
	s.approvals.EndJail("j")
	<-first
	<-second
}

func freshly(critical bool, did *bool) func(*call) (any, *api.Error) {
	return fresh(critical, func(*call) (any, *api.Error) { *did = true; return nil, nil })
}
