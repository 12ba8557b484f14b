package main

import (
	"encoding/json"
	"strings"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
)

// Two people approve on the command line; one of them twice is refused in words,
// and everybody sees who has looked and who approved.
func TestTwoPeople(t *testing.T) {
	o := newOffice(t)
	o.rule = approval.Rule{Category: "payments", Severity: "critical", People: 2}
	v, got := o.hold(heldPush())
	out, err := o.run("approve", v.ID, "--reason", "looked at it")
	if err != nil || !strings.Contains(out, "four eyes  takes 2 different people, 2 more") || !strings.Contains(out, v.ID+"  your approval counts; it takes 1 more, of somebody else\n") {
		t.Errorf("%q, %v", out, err)
	}
	if out, err = o.run("approve", v.ID); err == nil || !strings.Contains(err.Error(), "ana approved request "+v.ID+" already: it takes 2 different people (four_eyes of payments)") {
		t.Errorf("%q, %v", out, err)
	}
	if out, err = o.run("approve", v.ID, "--always", "--policy-file", "/dev/null"); err == nil {
		t.Errorf("%q", out)
	}
	if out, err = o.run("pending"); err != nil || !strings.Contains(out, "[1 of 2 approved] git push") {
		t.Errorf("%q, %v", out, err)
	}
	o.as(approval.By{UID: 8, Name: "ben"})
	out, err = o.run("pending", v.ID)
	for _, want := range []string{"category   payments, critical", "takes 2 different people, 1 more", "approved   ana, once: looked at it", "seen by    ana, ben"} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("no %q in %s, %v", want, out, err)
		}
	}
	out, err = o.run("pending", v.ID, "-o", "json")
	var a api.Approval
	if err != nil || json.Unmarshal([]byte(out), &a) != nil {
		t.Fatalf("%q, %v", out, err)
	}
	if trail, err := approval.DecodeTrail(a.Trail); err != nil || len(trail.Seen) != 2 || len(trail.Consents) != 1 || trail.Consents[0].By.Name != "ana" {
		t.Errorf("%+v, %v", trail, err)
	}
	if out, err = o.run("approve", "-q", v.ID); err != nil || !strings.Contains(out, "approved by ben with ana, once, after") {
		t.Errorf("%q, %v", out, err)
	}
	if !(<-got).Allowed() {
		t.Error("it does not go on")
	}
	if out, err = o.run("pending", v.ID); err == nil || !strings.Contains(err.Error(), "was already approved by ben") || !strings.Contains(out, "seen by    ana, ben") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = o.run("pending", v.ID, "-o", "json")
	var ended api.EndedApproval
	if err != nil || json.Unmarshal([]byte(out), &ended) != nil || !ended.Decision.Allowed || ended.Decision.With != "ana" || !strings.Contains(string(ended.Trail), `"seen":[{"by":"ana"`) {
		t.Errorf("%q, %v", out, err)
	}
}
