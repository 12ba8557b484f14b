package supervisor

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"clawjail/audit"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/config"
	"clawjail/supervisor/control"
)

// desk is a supervisor with nothing but approvals and the log of them.
func desk(t *testing.T, opt approvalOptions) *Supervisor {
	t.Helper()
	c := config.Default()
	c.StateDir = t.TempDir()
	s := &Supervisor{opt: Options{Config: c}, log: slog.New(slog.DiscardHandler), metrics: newMetrics()}
	var err error
	if s.audit, err = openAuditor(c, "notify", s.log); err != nil {
		t.Fatal(err)
	}
	if s.approvals, err = s.openApprovals(opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.approvals.close(); err != nil {
			t.Error(err)
		}
		if err := s.audit.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// hold submits a request and waits until it is open.
func hold(t *testing.T, s *Supervisor, r approval.Request) (approval.View, <-chan approval.Decision) {
	t.Helper()
	events, err := s.approvals.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ch := make(chan approval.Decision, 1)
	go func() {
		d, err := s.approvals.Submit(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		ch <- d
	}()
	return (<-events).View, ch
}

func decideAs(s *Supervisor, peer control.Peer, v approval.View, body any) (any, *api.Error) {
	b, _ := json.Marshal(body)
	r := httptest.NewRequest(http.MethodPost, "/v1/approvals/x/decide", bytes.NewReader(b))
	r.SetPathValue("id", v.ID)
	return (&call{s: s, w: httptest.NewRecorder(), r: r, peer: peer}).decide()
}

func write(path string) approval.Request {
	return approval.Request{Jail: "j1", JailName: "nightly", StartedBy: 0, Gate: approval.GateFile, Op: "open", Path: path, Rule: "files[2]"}
}

func TestWhoMayApprove(t *testing.T) {
	me := os.Getpid()
	tests := []struct {
		name string
		opt  approvalOptions
		peer control.Peer
		want int // 0: it is approved
		says string
	}{
		{"root", approvalOptions{}, control.Peer{PID: me}, 0, ""},
		{"nobody else without a group", approvalOptions{}, control.Peer{PID: me, UID: 12345, GID: 12345}, http.StatusForbidden, "no approver"},
		{"a member of the group", approvalOptions{Group: "daemon"}, control.Peer{PID: me, UID: 12345, GID: 1}, 0, ""},
		{"nobody of another group", approvalOptions{Group: "daemon"}, control.Peer{PID: me, UID: 12345, GID: 12345}, http.StatusForbidden, "no approver"},
		{"nobody when the group is missing", approvalOptions{Group: "no-such-group"}, control.Peer{PID: me, UID: 12345, GID: 1}, http.StatusForbidden, "no approver"},
		{"not whoever started the jail", approvalOptions{FourEyes: true}, control.Peer{PID: me}, http.StatusForbidden, "may not approve"},
		{"nobody whose process cannot be seen", approvalOptions{}, control.Peer{PID: 1 << 30}, http.StatusForbidden, "cannot be told"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := desk(t, tt.opt)
			v, got := hold(t, s, write("/w/a"))
			answer, apiErr := decideAs(s, tt.peer, v, api.DecideRequest{Approve: true, Digest: v.Digest})
			if tt.want == 0 {
				if apiErr != nil || !answer.(api.DecideAnswer).Decision.Allowed || !(<-got).Allowed() {
					t.Fatalf("%+v, %v", answer, apiErr)
				}
				return
			}
			if apiErr == nil || apiErr.Status != tt.want || !strings.Contains(apiErr.Message, tt.says) {
				t.Fatalf("got %v", apiErr)
			}
			if len(s.approvals.List()) != 1 {
				t.Error("it was decided")
			}
		})
	}
}

func TestInJail(t *testing.T) {
	for text, want := range map[string]bool{
		"0::/clawjail/01h\n":                               true,
		"12:pids:/clawjail/01h\n0::/\n":                    true,
		"0::/system.slice/clawjaild.service\n":             false,
		"0::/user.slice/user-1000.slice\n":                 false,
		"0::/system.slice/clawjaild.service/clawjail/01h/": true,
	} {
		if inJail(text) != want {
			t.Errorf("%q: not %v", text, want)
		}
	}
}

func TestDecisionsAreRecorded(t *testing.T) {
	s := desk(t, approvalOptions{})
	v, got := hold(t, s, write("/w/a\x1b"))
	if _, apiErr := decideAs(s, control.Peer{PID: os.Getpid()}, v, api.DecideRequest{Digest: v.Digest, Reason: "no"}); apiErr != nil {
		t.Fatal(apiErr)
	}
	<-got
	_, gone := hold(t, s, write("/w/b"))
	s.approvals.EndJail("j1")
	<-gone
	var records []audit.Record
	for r, err := range audit.Query(s.opt.Config.AuditDir(), audit.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	d := records[0].Decision
	if d == nil || d.ID != v.ID || d.Digest != v.Digest || d.By != "root (uid 0)" || d.Reason != "denied: rejected, once: no" || records[0].Verdict != "deny" {
		t.Errorf("%+v, %+v", records[0], d)
	}
	if d := records[1].Decision; d == nil || d.By != "" || d.Reason != "denied: the jail ended" {
		t.Errorf("%+v", d)
	}
}

func TestHeldRequestsOutliveTheSupervisor(t *testing.T) {
	s := desk(t, approvalOptions{})
	v, got := hold(t, s, write("/w/a"))
	if err := s.approvals.close(); err != nil {
		t.Fatal(err)
	}
	if d := <-got; d.Outcome != approval.Interrupted {
		t.Errorf("%+v", d)
	}
	var err error
	if s.approvals, err = s.openApprovals(approvalOptions{}); err != nil {
		t.Fatal(err)
	}
	if list := s.approvals.List(); len(list) != 1 || list[0].ID != v.ID || list[0].Digest != v.Digest {
		t.Errorf("%+v", list)
	}
}
