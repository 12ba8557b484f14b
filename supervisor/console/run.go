package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"

	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/client"
)

// ErrNoTerminal means that there is no screen to draw on.
var ErrNoTerminal = errors.New("the console needs a terminal; `clawjail pending --watch` works without one")

// Always approves a request for good and says what was written where.
type Always func(ctx context.Context, a client.Approval) (string, error)

// Options are what a console is made of.
type Options struct {
	Client client.Client
	Always Always // nil: there is no key for it
	In     *os.File
	Out    *os.File
	Color  bool
}

// Run shows the console until the user leaves it or ctx ends.
func Run(ctx context.Context, o Options) error {
	if !term.IsTerminal(int(o.In.Fd())) || !term.IsTerminal(int(o.Out.Fd())) || os.Getenv("TERM") == "dumb" {
		return ErrNoTerminal
	}
	if _, _, err := o.Client.Approvals(ctx); err != nil {
		return err // said on a screen that stays, before the other one is opened
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decide := func(q question) decidedMsg { return o.decide(ctx, q) }
	m := newModel(o, decide, time.Now())
	m.see = func(id string) { _, _ = o.Client.Approval(ctx, id) } // to ask for it is to have seen it
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out))
	var work sync.WaitGroup
	work.Go(func() { watch(ctx, o.Client, func(msg any) { p.Send(msg) }) })
	_, err := p.Run()
	cancel()
	work.Wait()
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, tea.ErrInterrupted) || errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// decide sends what was confirmed.
func (o Options) decide(ctx context.Context, q question) decidedMsg {
	out := decidedMsg{id: q.item.ID, allow: q.allow}
	if q.scope.Kind == approval.ScopeAlways {
		out.text, out.err = o.Always(ctx, q.item.Approval)
		return out
	}
	_, out.decision, out.err = o.Client.Decide(ctx, q.item.ID, api.DecideRequest{Approve: q.allow, Digest: q.item.Digest,
		Waiting: q.item.Waiting, Scope: string(q.scope.Kind), For: q.scope.For, Reason: string(q.reason)})
	return out
}

// retryAfter is how long a lost connection is left alone.
const retryAfter = time.Second

// lostMsg says that the supervisor cannot be reached.
type lostMsg struct{ err error }

// toldMsg is everything that was told so far.
type toldMsg []api.Notice

// watch passes every change on, and connects again when the supervisor went
// away, until ctx ends.
func watch(ctx context.Context, cl client.Client, send func(any)) {
	for {
		err := cl.WatchApprovals(ctx, func(ev client.ApprovalEvent) error {
			send(ev)
			if ev.Kind == approval.Resync {
				if list, err := cl.Notices(ctx, ""); err == nil { // else the stream says what is wrong
					send(toldMsg(list))
				}
			}
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		send(lostMsg{err})
		again := time.NewTimer(retryAfter)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}
