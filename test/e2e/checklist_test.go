//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/checklist"
	"clawjail/supervisor/checklist/ledger"
)

func checklistOf(t *testing.T) checklist.Report {
	t.Helper()
	o := clawjail(t, run{}, "checklist", "-o", "json")
	if strings.Contains(o.Stderr, "the console does not have this") {
		t.Errorf("the report is not kept: %v", o)
	}
	var r checklist.Report
	if err := json.Unmarshal([]byte(o.Stdout), &r); err != nil {
		t.Fatalf("%v: %v", err, o)
	}
	if wantCode := 1; !r.OK && o.Code != wantCode || r.OK && o.Code != 0 {
		t.Errorf("exit code %d, ready %v", o.Code, r.OK)
	}
	return r
}

// The checklist says what is there, tries a jail from inside, and knows when
// what is recurring was done.
func TestChecklist(t *testing.T) {
	detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}}) // a supervisor that stays
	r := checklistOf(t)
	for _, id := range []string{"host", "config", "keys", "passwords", "secret", "rate-limits", "limits", "asking", "audit-kept", "jail", "network", "shell", "skills-verified"} {
		i := slices.IndexFunc(r.Items, func(i checklist.Item) bool { return i.ID == id })
		if i < 0 || r.Items[i].Status != checklist.OK {
			t.Errorf("%s: %+v", id, r.Items)
		}
	}
	if i := slices.IndexFunc(r.Items, func(i checklist.Item) bool { return i.ID == "audit-proven" }); i < 0 ||
		r.Items[i].Status != checklist.OK && r.Items[i].Status != checklist.Attention { // no checkpoint was due yet
		t.Errorf("the log: %+v", r.Items)
	}
	if r.OK || len(r.Tasks) != len(ledger.Tasks()) {
		t.Errorf("ready %v, %d tasks: nothing was ever done here", r.OK, len(r.Tasks))
	}
	o := clawjail(t, run{}, "checklist", "done", "log-review", "--note", "nothing \x1b[2J unusual")
	if o.Code != 0 || !strings.Contains(o.Stdout, "due again at") {
		t.Fatalf("done: %v", o)
	}
	o = clawjail(t, run{}, "access", "review", "--sign-off")
	if o.Code != 0 || !strings.Contains(o.Stdout, "root") || !strings.Contains(o.Stderr, "signed off") {
		t.Fatalf("access review: %v", o)
	}
	for _, k := range checklistOf(t).Tasks {
		want := checklist.Failed
		if k.ID == "log-review" || k.ID == "access-review" {
			want = checklist.OK
			if k.By != "root" || k.Last == nil || time.Since(*k.Last) > time.Hour || strings.Contains(k.Note, "\x1b") {
				t.Errorf("%+v", k)
			}
		}
		if k.Status != want {
			t.Errorf("%s is %s, want %s", k.ID, k.Status, want)
		}
	}
	o = clawjail(t, run{}, "audit", "query", "--gate", "supervisor", "-o", "json")
	for _, want := range []string{`"name":"log-review"`, `"name":"run"`, `"argv":["root: everything, by the system"`} {
		if !strings.Contains(o.Stdout, want) {
			t.Errorf("the log does not have %s: %v", want, o)
		}
	}
	o = clawjail(t, run{}, "checklist", "done", "sleep")
	if o.Code != 125 || !strings.Contains(o.Stderr, `no task is called "sleep"`) {
		t.Errorf("a task that is none: %v", o)
	}
	if o := clawjail(t, run{}, "checklist", "-o", "html"); !strings.HasPrefix(o.Stdout, "<!doctype html>") {
		t.Errorf("a page: %v", o)
	}
	if o := clawjail(t, run{}, "checklist"); !strings.Contains(o.Stdout, "not ready for production") {
		t.Errorf("%v", o)
	}
}
