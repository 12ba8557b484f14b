package console

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/client"
)

// paper is a terminal's output that can be waited for.
type paper struct {
	mu   sync.Mutex
	cond *sync.Cond
	b    bytes.Buffer
}

func newPaper() *paper {
	p := &paper{}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cond.Broadcast()
	return p.b.Write(b)
}

// until waits until s was written, and takes everything up to its end.
func (p *paper) until(s string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if i := strings.Index(p.b.String(), s); i >= 0 {
			return string(p.b.Next(i + len(s)))
		}
		p.cond.Wait()
	}
}

// desk is a terminal with somebody in front of it and a jail behind it.
type desk struct {
	t     *testing.T
	queue *approval.Queue
	tty   *Shared
	keys  io.Writer
	paper *paper
	end   func() error
}

func sit(t *testing.T, raw bool) *desk {
	t.Helper()
	q, socket := serveQueue(t)
	in, keys := io.Pipe()
	d := &desk{t: t, queue: q, keys: keys, paper: newPaper()}
	d.tty = Share(in, d.paper, raw)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Inline(ctx, client.Client{Socket: socket}, "j1", d.tty, show.Style{Width: 60}) }()
	d.end = func() error { cancel(); return <-ended }
	t.Cleanup(func() { cancel(); _ = keys.Close() })
	return d
}

func (d *desk) typing(s string) {
	d.t.Helper()
	if _, err := io.WriteString(d.keys, s); err != nil {
		d.t.Error(err)
	}
}

func TestInlineAnswers(t *testing.T) {
	tests := []struct {
		typed   string
		outcome approval.Outcome
		scope   approval.ScopeKind
	}{
		{"yes\r", approval.Approved, approval.ScopeOnce},
		{"  YES \n", approval.Approved, approval.ScopeOnce},
		{"yex\bs\r", approval.Approved, approval.ScopeOnce},
		{"1h\r", approval.Approved, approval.ScopeFor},
		{"jail\r", approval.Approved, approval.ScopeJail},
		{"no\r", approval.Rejected, approval.ScopeOnce},
		{"y\r\rye\rno\r", approval.Rejected, approval.ScopeOnce}, // a single key decides nothing
	}
	for _, tt := range tests {
		t.Run(tt.typed, func(t *testing.T) {
			d := sit(t, true)
			got := submit(t, d.queue, push(t).Request)
			page := d.paper.until("or later: ")
			if !strings.Contains(page, resetTerminal) || !strings.Contains(page, "git push --force\r\n") || !strings.Contains(page, "cannot be undone") {
				t.Errorf("%q", page)
			}
			d.typing(tt.typed)
			if a := <-got; a.Outcome != tt.outcome || a.Scope.Kind != tt.scope {
				t.Errorf("%+v", a)
			}
			d.paper.until("by ana")
			if err := d.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheJailCannotTouchAQuestion: while one is open, nothing that the jail
// writes is shown and nothing that is typed reaches the jail.
func TestTheJailCannotTouchAQuestion(t *testing.T) {
	d := sit(t, true)
	d.typing("hello")
	b := make([]byte, 16)
	if n, err := d.tty.Read(b[:2]); err != nil || string(b[:n]) != "he" {
		t.Errorf("%q, %v", b[:n], err)
	}
	if n, err := d.tty.Read(b); err != nil || string(b[:n]) != "llo" {
		t.Errorf("%q, %v", b[:n], err)
	}
	got := submit(t, d.queue, push(t).Request)
	d.paper.until("or later: ")
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = d.tty.Write([]byte("\x1b[2J\x1b[Happrove ls? "))
	}()
	d.typing("yes\r")
	if a := <-got; !a.Allowed() {
		t.Errorf("%+v", a)
	}
	rest := d.paper.until("approve ls? ")
	if strings.Index(rest, "by ana") > strings.Index(rest, "\x1b[2J") {
		t.Errorf("the jail wrote into the question: %q", rest)
	}
	<-wrote
	d.typing("x")
	if n, err := d.tty.Read(b); err != nil || string(b[:n]) != "x" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestInlineLeavesWhatIsDecidedElsewhere(t *testing.T) {
	d := sit(t, false)
	got := submit(t, d.queue, push(t).Request)
	d.paper.until("or later: ")
	d.queue.EndJail("j1")
	<-got
	d.paper.until("denied: the jail ended")
	other := push(t).Request
	other.Jail = "j2"
	submit(t, d.queue, other) // not ours: no question
	if err := d.end(); err != nil {
		t.Error(err)
	}
	if s := d.paper.b.String(); strings.Contains(s, "approve ") {
		t.Errorf("it asks about another jail: %q", s)
	}
}

func TestLaterIsNotAskedAgain(t *testing.T) {
	d := sit(t, true)
	got := submit(t, d.queue, push(t).Request)
	d.paper.until("or later: ")
	d.typing("\x03")
	d.paper.until("left open: clawjail approve ")
	second := submit(t, d.queue, three(t)[2].Request) // j1 as well
	d.paper.until("connect api.stripe.com:443")
	d.paper.until("or later: ")
	d.typing("no\r")
	if a := <-second; a.Outcome != approval.Rejected {
		t.Errorf("%+v", a)
	}
	if len(d.queue.List()) != 1 {
		t.Error("the first one is gone")
	}
	d.queue.Close()
	<-got
}

func TestTheTerminalEnds(t *testing.T) {
	d := sit(t, true)
	submit(t, d.queue, push(t).Request)
	d.paper.until("or later: ")
	_ = d.keys.(io.Closer).Close()
	if _, err := d.tty.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the jail reads %v", err)
	}
}

func TestInlineTells(t *testing.T) {
	d := sit(t, false)
	tell := func(jail, what string) {
		d.queue.Tell(approval.Done{Jail: jail, JailName: "n", Gate: "exec", Rule: "exec.rules[0], sensitive", Key: what, What: func() string { return what }})
	}
	r := approval.Request{Jail: "j1", Gate: approval.GateFile, Op: "open", Path: "/w/a"}
	go func() { _, _ = d.queue.Submit(t.Context(), r) }()
	d.paper.until("or later: ") // the watch has begun
	tell("j2", "somebody else's")
	tell("j1", "curl -T mine")
	d.typing("later\n")
	if got := d.paper.until("curl -T mine"); strings.Contains(got, "somebody") {
		t.Error(got)
	}
	if err := d.end(); err != nil {
		t.Error(err)
	}
}
