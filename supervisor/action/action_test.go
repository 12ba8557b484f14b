package action

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/action/message"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/limit"
)

// patience bounds the wait for what comes at once.
const patience = 30 * time.Second

// world is a Service with everything around it that is not its own.
type world struct {
	*Service
	t      *testing.T
	limits *limit.Store
	boot   atomic.Int64
	asked  chan approval.Request
	answer chan approval.Decision

	mu      sync.Mutex
	records []audit.Record
	told    int
	deaf    error // of the audit log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := limit.Open(filepath.Join(t.TempDir(), "limits.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, limits: store, asked: make(chan approval.Request, 16), answer: make(chan approval.Decision, 16)}
	w.boot.Store(int64(time.Hour))
	w.Service = New(Options{Dir: filepath.Join(t.TempDir(), "a"), Limits: store, Logger: slog.New(slog.DiscardHandler), Count: func(string) {},
		Boot: func() (time.Duration, error) { return time.Duration(w.boot.Load()), nil },
		Ask: func(ctx context.Context, r approval.Request) (approval.Decision, error) {
			if _, err := approval.Prepare(r); err != nil {
				return approval.Decision{}, err
			}
			w.asked <- r
			select {
			case d := <-w.answer:
				return d, nil
			case <-ctx.Done():
				return approval.Decision{Outcome: approval.Withdrawn}, nil
			}
		},
		Record: func(r audit.Record) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.records = append(w.records, r)
			return w.deaf
		},
		Told: func(Jail, audit.Record) { w.mu.Lock(); w.told++; w.mu.Unlock() },
	})
	t.Cleanup(func() { w.Close(); _ = store.Close() })
	return w
}

// jail opens one with a policy.
func (w *world) jail(id string, p *policy.Policy) {
	w.t.Helper()
	if err := w.Open(id); err != nil {
		w.t.Fatal(err)
	}
	p.Name = "p"
	w.Start(Jail{ID: id, Name: id, Agent: "agent", StartedBy: 1000, Policy: p})
}

// client is a connection from within a jail.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (w *world) dial(id string) *client {
	w.t.Helper()
	c, err := net.Dial("unix", filepath.Join(w.Dir(id), SocketName))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return &client{w.t, c, bufio.NewReader(c)}
}

func (c *client) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) answer() message.Answer {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	line, err := c.r.ReadBytes('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	var a message.Answer
	if err := json.Unmarshal(line, &a); err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *client) say(line string) message.Answer {
	c.t.Helper()
	c.send(line)
	return c.answer()
}

func approved(scope approval.Scope) approval.Decision {
	return approval.Decision{Outcome: approval.Approved, Scope: scope, ID: "7k2pm0ab"}
}

func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{})
	c := w.dial("j")
	tests := []struct{ name, in, verdict, rule, reason string }{
		{"routine", `{"do":"check","type":"read_file"}`, "allow", "actions.types", ""},
		{"sensitive", `{"do":"request","type":"write_file"}`, "audit", "actions.types", ""},
		{"critical", `{"do":"check","type":"send_email"}`, "ask", "actions.types", "a human would be asked"},
		{"unknown", `{"do":"check","type":"xyzzy"}`, "ask", "actions.unknown", "a human would be asked"},
		{"costs money", `{"do":"check","type":"search_web","amount":5,"currency":"USD"}`, "ask", "it costs money", ""},
		{"too dear", `{"do":"check","type":"make_payment","amount":5001,"currency":"USD"}`, "ask", "actions.limits", ""},
		{"another currency", `{"do":"check","type":"make_payment","amount":1,"currency":"EUR"}`, "ask", "", ""},
	}
	for _, tt := range tests {
		a := c.say(tt.in)
		if a.Verdict != tt.verdict || !strings.Contains(a.Rule, tt.rule) || !strings.Contains(a.Reason, tt.reason) || a.Error != "" {
			t.Errorf("%s: %+v", tt.name, a)
		}
	}
	if w.told != 1 || len(w.records) != len(tests) {
		t.Errorf("%d told, %d records", w.told, len(w.records))
	}
	if a := c.say(`{"do":"approve"}`); a.Error == "" || a.Allowed() {
		t.Errorf("%+v", a)
	}
}

// TestAsks: a human sees facts, and the claim apart from them; what was approved
// is a token that is good once, for a time, and for nothing else.
func TestAsks(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{})
	w.jail("other", &policy.Policy{})
	c := w.dial("j")
	c.send(`{"do":"request","type":"make_payment","amount":1250,"currency":"USD","target":"shop","description":"approved by root","reversible":true}`)
	r := <-w.asked
	if r.Gate != approval.GateAction || strings.Join(r.Argv, "|") != "make_payment|cost=12.50 USD|target=shop|reversible=yes" ||
		r.Claim != "approved by root" || r.Reversible != approval.ReversibleNo || len(r.Impact) != 1 {
		t.Errorf("%+v", r)
	}
	if ok, reason := w.Spend(t.Context(), "j", "make_payment", "api.x", policy.Origin{Rule: "network.allow[0]"}); ok || !strings.Contains(reason, "needs an approved make_payment") {
		t.Errorf("before it was approved: %v %s", ok, reason)
	}
	w.answer <- approved(approval.Scope{})
	a := c.answer()
	if a.Verdict != "allow" || a.Token == "" || a.LeftMS != policy.DefaultActionWindow.Milliseconds() {
		t.Fatalf("%+v", a)
	}
	spend := func(jail, action string) bool {
		ok, _ := w.Spend(t.Context(), jail, action, "api.x", policy.Origin{})
		return ok
	}
	if spend("j", "send_email") || spend("other", "make_payment") || spend("none", "make_payment") {
		t.Error("the token is good for something else")
	}
	if !spend("j", "make_payment") {
		t.Error("the token is not good")
	}
	if spend("j", "make_payment") {
		t.Error("the token is good twice")
	}
	other := w.dial("other")
	for _, tt := range []struct {
		c        *client
		in, want string
	}{
		{other, `{"do":"report","token":"` + a.Token + `","outcome":"done"}`, "no action of this jail"},
		{c, `{"do":"report","token":"forged","outcome":"done"}`, "no action of this jail"},
		{c, `{"do":"report","token":"` + a.Token + `","outcome":"done"}`, ""},
		{c, `{"do":"report","token":"` + a.Token + `","outcome":"failed"}`, "reported already: done"},
	} {
		if got := tt.c.say(tt.in); !strings.Contains(got.Error, tt.want) || tt.want == "" && got.Error != "" {
			t.Errorf("%s: %+v", tt.in, got)
		}
	}
}

// TestTokensExpire: with time, and by a report.
func TestTokensExpire(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{Actions: policy.Actions{Window: time.Minute}})
	c := w.dial("j")
	pay := func() string {
		c.send(`{"do":"request","type":"make_payment","count":2}`)
		<-w.asked
		w.answer <- approved(approval.Scope{})
		return c.answer().Token
	}
	spend := func() bool {
		ok, _ := w.Spend(t.Context(), "j", "make_payment", "api.x", policy.Origin{})
		return ok
	}
	first := pay()
	w.boot.Add(int64(time.Minute))
	if spend() {
		t.Error("an expired token is good")
	}
	if a := c.say(`{"do":"report","token":"` + first + `","outcome":"done"}`); !strings.Contains(a.Error, "expired") {
		t.Errorf("%+v", a)
	}
	second := pay()
	if !spend() {
		t.Error("a fresh token is not good")
	}
	if a := c.say(`{"do":"report","token":"` + second + `","outcome":"dropped"}`); a.Error != "" {
		t.Errorf("%+v", a)
	}
	if spend() {
		t.Error("a token is good after its report")
	}
	w.boot.Add(int64(-2 * time.Minute)) // a clock that goes back: bounded by its own window
	third := pay()
	if third == "" || !spend() || !spend() || spend() {
		t.Error("a token after the clock went back")
	}
	w.boot.Add(int64(time.Hour))
	if a := c.say(`{"do":"report","token":"` + third + `","outcome":"done"}`); a.Error == "" {
		t.Error("a report an hour later")
	}
}

func TestDenied(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{})
	c := w.dial("j")
	for _, d := range []approval.Decision{{Outcome: approval.Rejected, Reason: "no"}, {Outcome: approval.TimedOut}, {}} {
		c.send(`{"do":"request","type":"send_email"}`)
		<-w.asked
		w.answer <- d
		if a := c.answer(); a.Verdict != "deny" || a.Token != "" {
			t.Errorf("%v: %+v", d.Outcome, a)
		}
	}
	w.mu.Lock()
	w.deaf = errors.New("the disk is full")
	w.mu.Unlock()
	if a := c.say(`{"do":"request","type":"read_file"}`); a.Allowed() || a.Token != "" {
		t.Errorf("without a record: %+v", a)
	}
	if used, err := w.limits.Used("act/send_email/1h/jail/j", limit.Limit{Max: 10, Per: time.Hour}); used != 0 || err != nil {
		t.Errorf("what was denied is counted: %d, %v", used, err)
	}
}

// TestLimits: up to the limit, then a human; and with over: deny, nobody.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	types := []policy.ActionType{{Name: "note", Category: policy.Routine, Origin: policy.Origin{Category: policy.Routine}}}
	never := []policy.ActionKind{policy.KindFinancial}
	w.jail("j", &policy.Policy{Actions: policy.Actions{Types: types, NeverAsk: never, Limits: []policy.ActionLimit{
		{Of: "note", Max: 3, Per: time.Hour, Scope: policy.ScopeJail, Over: policy.Ask, Origin: policy.Origin{Rule: "actions.limits[0]"}},
		{Of: "spending", Currency: "USD", Max: 1000, Per: time.Hour, Scope: policy.ScopeUser, Over: policy.Deny, Origin: policy.Origin{Rule: "actions.limits[1]"}},
	}}})
	c := w.dial("j")
	for range 3 {
		if a := c.say(`{"do":"request","type":"note"}`); a.Verdict != "allow" {
			t.Fatalf("%+v", a)
		}
	}
	if a := c.say(`{"do":"check","type":"note"}`); a.Verdict != "ask" || !strings.Contains(a.Reason, "over the limit: note 3 per 1h of each jail") || len(a.Uses) != 1 || !a.Uses[0].Over {
		t.Errorf("%+v", a)
	}
	c.send(`{"do":"request","type":"note"}`)
	if r := <-w.asked; r.Rule != "actions.limits[0]" || !strings.Contains(strings.Join(r.Notes, "\n"), "over the limit") {
		t.Errorf("%+v", r)
	}
	w.answer <- approved(approval.Scope{})
	if a := c.answer(); a.Verdict != "allow" {
		t.Errorf("%+v", a)
	}
	if a := c.say(`{"do":"check","type":"note"}`); a.Uses[0].Used != 4 {
		t.Errorf("what a human let happen is not counted: %+v", a)
	}
	for want, line := range map[string]string{
		"allow": `{"do":"request","type":"note2","amount":1000,"currency":"USD"}`, // unknown: critical
	} {
		c.send(line)
		<-w.asked
		w.answer <- approved(approval.Scope{})
		if a := c.answer(); a.Verdict != want {
			t.Errorf("%+v", a)
		}
	}
	if a := c.say(`{"do":"request","type":"search_web","amount":1,"currency":"USD"}`); a.Verdict != "deny" || !strings.Contains(a.Reason, "spending 10.00 USD") {
		t.Errorf("%+v", a)
	}
}

// TestConnectionsThatAreActions: what the policy lets through unasked is counted
// by the connection itself.
func TestConnectionsThatAreActions(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{Actions: policy.Actions{Limits: []policy.ActionLimit{
		{Of: "api_call", Max: 2, Per: time.Minute, Scope: policy.ScopeAll, Over: policy.Deny, Origin: policy.Origin{Rule: "actions.limits[0]"}}}}})
	for i, want := range []bool{true, true, false} {
		if ok, reason := w.Spend(t.Context(), "j", "api_call", "api.x", policy.Origin{}); ok != want || reason == "" {
			t.Errorf("call %d: %v, %s", i, ok, reason)
		}
	}
}

// TestTenThousandAtOnce: all connections of ten jails, and never one too many.
func TestTenThousandAtOnce(t *testing.T) {
	w := newWorld(t)
	limits := []policy.ActionLimit{{Of: "api_call", Max: 777, Per: time.Hour, Scope: policy.ScopeAll, Over: policy.Deny}}
	const jails, conns, each = 10, 10, 100
	var let atomic.Int64
	var work sync.WaitGroup
	for n := range jails {
		id := fmt.Sprintf("j%d", n)
		w.jail(id, &policy.Policy{Actions: policy.Actions{Limits: limits}})
		for range conns {
			c := w.dial(id)
			work.Go(func() {
				for range each {
					if c.say(`{"do":"request","type":"api_call"}`).Allowed() {
						let.Add(1)
					}
				}
			})
		}
	}
	work.Wait()
	// A jail that has too many tokens is refused as well; what counts is the limit.
	if n := let.Load(); n > 777 || n < 700 {
		t.Errorf("%d were let through", n)
	}
}

func TestSocket(t *testing.T) {
	w := newWorld(t)
	if err := w.Open("j"); err != nil {
		t.Fatal(err)
	}
	early := w.dial("j")
	if a := early.say(`{"do":"check","type":"read_file"}`); !strings.Contains(a.Error, "not started") {
		t.Errorf("%+v", a)
	}
	w.Start(Jail{ID: "j", Name: "j", Policy: &policy.Policy{}})
	if a := early.say(`{"do":"check","type":"read_file"}`); a.Verdict != "allow" {
		t.Errorf("%+v", a)
	}
	long := w.dial("j")
	// Not all of it is read.
	_, _ = io.WriteString(long, `{"do":"check","type":"x","description":"`+strings.Repeat("d", 1<<20)+`"}`+"\n")
	if a := long.answer(); !strings.Contains(a.Error, "at most") {
		t.Errorf("%+v", a)
	}
	_ = long.SetReadDeadline(time.Now().Add(patience))
	if _, err := long.r.ReadByte(); err == nil {
		t.Error("the connection goes on after a request too long")
	}
	gone := w.dial("j")
	gone.send(`{"do":"request","type":"send_email"}`)
	<-w.asked
	_ = gone.Close() // withdraws: Close below waits for every request
	if err := w.End("j"); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("unix", filepath.Join(w.Dir("j"), SocketName)); err == nil {
		t.Error("the socket is still there")
	}
	if a, b := w.find("j"); a != nil || b != nil {
		t.Error("the jail is still known")
	}
}

// TestNextSupervisor: the directory stays, and the next one answers in it.
func TestNextSupervisor(t *testing.T) {
	w := newWorld(t)
	w.jail("j", &policy.Policy{})
	w.Close()
	next := New(w.o)
	defer next.Close()
	if err := next.Sweep(func(id string) bool { return id == "j" }); err != nil {
		t.Fatal(err)
	}
	if err := next.Open("j"); err != nil {
		t.Fatal(err)
	}
	next.Start(Jail{ID: "j", Name: "j", Policy: &policy.Policy{}})
	if a := w.dial("j").say(`{"do":"check","type":"read_file"}`); a.Verdict != "allow" {
		t.Errorf("%+v", a)
	}
	if err := next.End("j"); err != nil {
		t.Fatal(err)
	}
}
