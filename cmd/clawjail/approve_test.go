package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/serve"
)

type noJournal struct{}

func (noJournal) Put(approval.Request) error { return nil }
func (noJournal) Remove(...string) error     { return nil }

// office is a queue behind a socket, and the commands that talk to it.
type office struct {
	t      *testing.T
	queue  *approval.Queue
	socket string
	last   approval.Decision           // that was recorded
	rule   approval.Rule               // of every request
	by     atomic.Pointer[approval.By] // who asks
}

// as says who asks from now on.
func (o *office) as(by approval.By) { o.by.Store(&by) }

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, socket: filepath.Join(t.TempDir(), "s")}
	o.as(approval.By{UID: 7, Name: "ana"})
	o.queue = approval.New(approval.Options{Journal: noJournal{}, Boot: "b", Rules: func(approval.Request) approval.Rule { return o.rule },
		OnDecision: func(_ approval.Request, d approval.Decision) error { o.last = d; return nil }})
	l, err := net.Listen("unix", o.socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: serve.Handler(o.queue, func(*http.Request) approval.By { return *o.by.Load() })}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { o.queue.Close(); _ = s.Close(); <-done })
	return o
}

func heldPush() approval.Request {
	return approval.Request{Jail: "j1", JailName: "nightly", Policy: "ours", StartedBy: 1000, Gate: approval.GateExec, Op: "execve",
		Path: "/usr/bin/git", Argv: []string{"git", "push", "it's\x1b[2J"}, Cwd: "/work", Rule: "exec.rules[0]"}
}

// hold submits a request and gives its id and the channel of its decision.
func (o *office) hold(r approval.Request) (approval.View, <-chan approval.Decision) {
	o.t.Helper()
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	events, err := o.queue.Watch(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	ch := make(chan approval.Decision, 1)
	go func() {
		d, err := o.queue.Submit(o.t.Context(), r)
		if err != nil {
			o.t.Error(err)
		}
		ch <- d
	}()
	return (<-events).View, ch
}

func (o *office) run(args ...string) (out string, err error) {
	o.t.Helper()
	var stdout, stderr bytes.Buffer
	e := &env{stdout: &stdout, stderr: &stderr, socket: o.socket}
	root := newRootCommand(e)
	root.SetArgs(args)
	err = root.ExecuteContext(o.t.Context())
	return stdout.String() + stderr.String(), err
}

func TestPending(t *testing.T) {
	o := newOffice(t)
	if out, err := o.run("pending"); err != nil || out != "nothing is held\n" {
		t.Errorf("%q, %v", out, err)
	}
	v, _ := o.hold(heldPush())
	out, err := o.run("pending")
	if err != nil || !strings.Contains(out, v.ID) || !strings.Contains(out, `git push $'it\'s\x1b[2J'`) || strings.Contains(out, "\x1b") {
		t.Errorf("%q, %v", out, err)
	}
	out, err = o.run("pending", v.ID[:4])
	if err != nil || !strings.Contains(out, "cannot be undone") || !strings.Contains(out, v.Digest) {
		t.Errorf("%q, %v", out, err)
	}
	out, err = o.run("pending", "-o", "json")
	var list []api.Approval
	if err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list) != 1 {
		t.Fatalf("%q, %v", out, err)
	}
	if r, err := approval.Decode(list[0].Request); err != nil || r.Argv[2] != "it's\x1b[2J" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := o.run("pending", "zzzz"); err == nil || !strings.Contains(err.Error(), `no request "zzzz" waits`) {
		t.Error(err)
	}
	if _, err := o.run("pending", "-o", "yaml"); err == nil {
		t.Error("an unknown output was taken")
	}
	o.socket = "/nonexistent"
	if out, err := o.run("pending", "-o", "json"); err != nil || out != "[]\n" {
		t.Errorf("without a supervisor: %q, %v", out, err)
	}
}

func TestApprove(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		scope string
		says  []string
	}{
		{"once", nil, "once", []string{"git push", "approved by ana, once"}},
		{"said so", []string{"--once"}, "once", []string{"approved by ana, once"}},
		{"for a time", []string{"--for", "1h30m"}, "for 1h30m", []string{"approved by ana, for 1h30m", "covers this program with exactly these arguments in this directory"}},
		{"for the jail", []string{"--jail"}, "while the jail lives", []string{"covers"}},
		{"with a reason", []string{"--reason", "it is\x1b fine"}, "once", []string{`: it is\x1b fine`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t)
			v, got := o.hold(heldPush())
			out, err := o.run(append([]string{"approve", v.ID[:5]}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if d := <-got; !d.Allowed() || d.Scope.String() != tt.scope {
				t.Errorf("%+v", d)
			}
			for _, s := range tt.says {
				if !strings.Contains(out, s) {
					t.Errorf("%q is not in\n%s", s, out)
				}
			}
		})
	}
}

func TestApproveInsistsOnTheDigest(t *testing.T) {
	o := newOffice(t)
	v, got := o.hold(heldPush())
	if _, err := o.run("approve", v.ID, "--digest", strings.Repeat("0", 64)); err == nil || !strings.Contains(err.Error(), "nothing was decided") {
		t.Errorf("got %v", err)
	}
	if _, err := o.run("approve", v.ID, "--digest", v.Digest); err != nil {
		t.Error(err)
	}
	if !(<-got).Allowed() {
		t.Error("denied")
	}
}

func TestDeny(t *testing.T) {
	o := newOffice(t)
	v, got := o.hold(heldPush())
	out, err := o.run("deny", v.ID, "--reason", "not on a Friday")
	if err != nil || !strings.Contains(out, "denied: rejected by ana: not on a Friday") {
		t.Errorf("%q, %v", out, err)
	}
	if d := <-got; d.Outcome != approval.Rejected || d.Reason != "not on a Friday" {
		t.Errorf("%+v", d)
	}
	_, err = o.run("approve", v.ID)
	var apiErr *api.Error
	if !errors.As(err, &apiErr) || !strings.Contains(apiErr.Message, "already denied by ana") {
		t.Errorf("the second answer: %v", err)
	}
}

func TestApproveRefusesFlags(t *testing.T) {
	o := newOffice(t)
	v, _ := o.hold(heldPush())
	for _, args := range [][]string{{"--once", "--jail"}, {"--for", "0s"}, {"--for", "1000h"}, {"--policy-file", "x"}, {"x"}} {
		if _, err := o.run(append([]string{"approve", v.ID}, args...)...); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	if len(o.queue.List()) != 1 {
		t.Error("something was decided")
	}
}

const ours = `version: 1
name: ours
extends: [agent]
exec:
  rules:
    # pushes are asked about
    - {run: git, args: [push, ...], then: ask}
`

func policyWith(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ours.yaml")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestApproveAlways(t *testing.T) {
	o := newOffice(t)
	r := heldPush()
	r.Argv = []string{"git", "push", "it's ${HOME}", "v*"}
	v, got := o.hold(r)
	path := policyWith(t, ours, 0o644)
	out, err := o.run("approve", v.ID, "--always", "--policy-file", path)
	if err != nil {
		t.Fatal(err)
	}
	if d := <-got; !d.Allowed() || d.Scope.Kind != approval.ScopeAlways || d.File != path {
		t.Errorf("%+v", d)
	}
	rule := `    - {run: "/usr/bin/git", args: ["push", "it's $${HOME}", "v\\*"], then: allow}`
	b, _ := os.ReadFile(path)
	if !strings.Contains(out, "+"+rule) || !strings.Contains(string(b), rule+"\n    # pushes") || !strings.Contains(out, "in every directory") {
		t.Errorf("%s\n%s", out, b)
	}
}

func TestApproveAlwaysDecidesNothingThatItCannotWrite(t *testing.T) {
	deletion := approval.Request{Jail: "j1", Gate: approval.GateDelete, Op: "unlink", Path: "/w/a", Rule: "delete"}
	tests := []struct {
		name, text string
		mode       os.FileMode
		r          approval.Request
		want       string
	}{
		{"a read-only file", ours, 0o444, heldPush(), "read-only"},
		{"a file that is no policy", "version: 7\n", 0o644, heldPush(), "no policy"},
		{"what a policy cannot say", ours, 0o644, heldPush(), "cannot be printed"},
		{"a limit", ours, 0o644, deletion, "no rule can say this"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := newOffice(t)
			v, _ := o.hold(tt.r)
			path := policyWith(t, tt.text, tt.mode)
			_, err := o.run("approve", v.ID, "--always", "--policy-file", path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if b, _ := os.ReadFile(path); string(b) != tt.text {
				t.Error("the file was changed")
			}
			if len(o.queue.List()) != 1 {
				t.Error("it was decided")
			}
		})
	}
	o := newOffice(t)
	v, _ := o.hold(heldPush())
	if _, err := o.run("approve", v.ID, "--always"); err == nil || !strings.Contains(err.Error(), "--policy-file") {
		t.Errorf("no file known: %v", err)
	}
}

func TestWatchPending(t *testing.T) {
	o := newOffice(t)
	v, _ := o.hold(heldPush())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &lines{cancel: cancel, after: "denied: the jail ended", then: func(s string) {
		if strings.Contains(s, v.Digest) {
			o.queue.EndJail("j1")
		}
	}}
	root := newRootCommand(&env{stdout: out, stderr: out, socket: o.socket})
	root.SetArgs([]string{"pending", "--watch"})
	if err := root.ExecuteContext(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if !strings.Contains(out.b.String(), v.ID+"  denied: the jail ended") {
		t.Error(out.b.String())
	}
}

// lines calls then with everything that is written, and ends when it sees after.
type lines struct {
	b      bytes.Buffer
	cancel func()
	after  string
	then   func(string)
}

func (l *lines) Write(p []byte) (int, error) {
	l.b.Write(p)
	if strings.Contains(l.b.String(), l.after) {
		l.cancel()
	} else {
		l.then(string(p))
	}
	return len(p), nil
}
