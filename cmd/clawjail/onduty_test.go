package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/api"
)

func TestOnDuty(t *testing.T) {
	until := time.Date(2026, 12, 24, 12, 0, 0, 0, time.Local)
	text := until.Format("2006-01-02 15:04 MST")
	d := api.Duty{Approvers: "approvers", Groups: []api.DutyGroup{{Name: "oncall", Unix: "wheel", Channels: []api.DutyChannel{{Name: "team", QuietUntil: &until}},
		People: []api.DutyPerson{{Name: "ann", OnDuty: "ben", Until: &until, Channels: []api.DutyChannel{{Name: "pager"}, {Name: "mail"}}}, {Name: "ben", OnDuty: "ben"}}}}}
	var out bytes.Buffer
	if err := showDuty(&out, d); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GROUP ", "oncall  ann", "ben, until " + text + "  pager, mail", "(members of wheel)", "team (quiet until " + text + ")"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := showDuty(&out, api.Duty{}); err != nil || !strings.Contains(out.String(), "no groups under hitl in the configuration; root may decide") {
		t.Errorf("%s %v", out.String(), err)
	}
	for in, want := range map[string]time.Time{"": {}, "2026-12-24T12:00": until, until.Format(time.RFC3339): until} {
		if got, err := moment(in); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	if _, err := moment("tomorrow"); err == nil {
		t.Error("no time is read")
	}
}
