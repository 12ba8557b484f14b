package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/serve"
	"clawjail/supervisor/client"
)

type noJournal struct{}

func (noJournal) Put(approval.Request) error { return nil }
func (noJournal) Remove(...string) error     { return nil }

// start serves a queue on a socket.
func start(t *testing.T) (*approval.Queue, client.Client) {
	t.Helper()
	q := approval.New(approval.Options{Journal: noJournal{}, Boot: "b", FourEyes: true,
		OnDecision: func(approval.Request, approval.Decision) error { return nil }})
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: serve.Handler(q, func(*http.Request) approval.By { return approval.By{UID: 7, Name: "ana"} })}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { q.Close(); _ = s.Close(); <-done })
	return q, client.Client{Socket: socket}
}

func hold(t *testing.T, q *approval.Queue, r approval.Request) <-chan approval.Decision {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := q.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ch := make(chan approval.Decision, 1)
	go func() {
		d, err := q.Submit(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		ch <- d
	}()
	<-events
	return ch
}

func open(jail, path string) approval.Request {
	return approval.Request{Jail: jail, JailName: jail, StartedBy: 1000, Gate: approval.GateFile, Op: "open", Path: path}
}

func TestOverTheSocket(t *testing.T) {
	q, cl := start(t)
	got := hold(t, q, open("j1", "/w/\x1b[31m\xff"))
	list, more, err := cl.Approvals(t.Context())
	if err != nil || len(list) != 1 || more != 0 {
		t.Fatalf("%+v, %d, %v", list, more, err)
	}
	a, err := cl.Approval(t.Context(), list[0].ID[:4])
	if err != nil || a.Path != "/w/\x1b[31m\xff" || a.Left < 29*time.Minute {
		t.Fatalf("%+v, %v", a, err)
	}
	r, d, err := cl.Decide(t.Context(), a.ID, api.DecideRequest{Approve: true, Digest: a.Digest, Scope: "for", For: time.Hour})
	if err != nil || r.Digest != a.Digest || !d.Allowed || d.By != "ana" || *d.ByUID != 7 || d.Scope != "for 1h" {
		t.Fatalf("%+v, %+v, %v", r, d, err)
	}
	if !(<-got).Allowed() {
		t.Error("the waiter was denied")
	}
}

func TestRefusalsHaveAStatusAndWords(t *testing.T) {
	q, cl := start(t)
	hold(t, q, open("j1", "/w/a"))
	mine := open("j1", "/w/b")
	mine.StartedBy = 7
	hold(t, q, mine)
	list, _, err := cl.Approvals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, id string
		r        api.DecideRequest
		status   int
		words    string
	}{
		{"nothing like it", "zzzz", api.DecideRequest{}, 404, "no request"},
		{"another digest", list[0].ID, api.DecideRequest{Approve: true, Digest: "x"}, 409, "not what was shown"},
		{"a bad scope", list[0].ID, api.DecideRequest{Digest: list[0].Digest, Scope: "x"}, 400, "no scope"},
		{"four eyes", list[1].ID, api.DecideRequest{Approve: true, Digest: list[1].Digest}, 403, "may not approve"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := cl.Decide(t.Context(), tt.id, tt.r)
			var apiErr *api.Error
			if !errors.As(err, &apiErr) || apiErr.Status != tt.status || !strings.Contains(apiErr.Message, tt.words) {
				t.Errorf("got %v", err)
			}
		})
	}
	q.EndJail("j1")
	_, _, err = cl.Decide(t.Context(), list[0].ID, api.DecideRequest{Digest: list[0].Digest})
	var apiErr *api.Error
	if !errors.As(err, &apiErr) || apiErr.Status != http.StatusGone {
		t.Errorf("ended jail: %v", err)
	}
}

func TestNotices(t *testing.T) {
	q, cl := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := cl.WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
		switch ev.Kind {
		case approval.Resync:
			q.Tell(approval.Done{Jail: "j1", JailName: "night\x1b", Gate: "exec", Rule: "exec.rules[0], sensitive", Key: "/usr/bin/curl",
				What: func() string { return "curl -T x" }})
		case approval.Told:
			if ev.Notice == nil || ev.Notice.What != "curl -T x" {
				t.Errorf("%+v", ev.Notice)
			}
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	list, err := cl.Notices(t.Context(), "j1")
	if err != nil || len(list) != 1 || list[0].JailName != `night\x1b` || list[0].Count != 1 || list[0].Rule != "exec.rules[0], sensitive" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := cl.Notices(t.Context(), "j2"); err != nil || len(list) != 0 {
		t.Errorf("of another jail: %+v, %v", list, err)
	}
}

func TestWatch(t *testing.T) {
	q, cl := start(t)
	hold(t, q, open("j1", "/w/a"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []string
	err := cl.WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
		word := string(ev.Kind)
		switch ev.Kind {
		case approval.Resync:
			word += fmt.Sprint(len(ev.List))
			hold(t, q, open("j2", "/w/b"))
		case approval.Added:
			q.EndJail("j2")
		case approval.Removed:
			word += " " + ev.Decision.Outcome
			cancel()
		}
		seen = append(seen, word)
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := strings.Join(seen, ", "); got != "resync1, added, removed denied: the jail ended" {
		t.Error(got)
	}
}
