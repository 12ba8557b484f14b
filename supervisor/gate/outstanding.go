package gate

import (
	"context"
	"sync"
	"time"
)

// Bounds of tokens that were given out.
const (
	maxOutstanding = 4096            // per jail; beyond it executions are denied
	settleInterval = time.Second     // how often they are looked through
	settleAge      = 2 * time.Second // an execution that takes longer is looked at again
)

// given is a token that was put and may not have been used.
type given struct {
	tgid, tid int32
	before    image
	path      string
	at        time.Time
}

// outstanding are a jail's given tokens, by thread: a thread that executes
// again replaces its token.
type outstanding struct {
	mu   sync.Mutex
	list map[int32]given
}

// add reports false when there is no room.
func (o *outstanding) add(g given) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = map[int32]given{}
	}
	if _, replaces := o.list[g.tid]; !replaces && len(o.list) >= maxOutstanding {
		return false
	}
	o.list[g.tid] = g
	return true
}

func (o *outstanding) remove(tid int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.list, tid)
}

// due takes out what was given before a time.
func (o *outstanding) due(before time.Time) []given {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []given
	for tid, g := range o.list {
		if g.at.Before(before) {
			out = append(out, g)
			delete(o.list, tid)
		}
	}
	return out
}

// settle looks through the tokens until the engine ends.
func (e *Engine) settle(ctx context.Context) {
	tick := time.NewTicker(settleInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, g := range e.given.due(now.Add(-settleAge)) {
				e.settleOne(g)
			}
		}
	}
}

// settleOne takes a token back. One that the verifier never saw, of a process
// that has executed something since, means that a program runs unjudged.
func (e *Engine) settleOne(g given) {
	consumed, err := e.c.Tokens.DropExec(g.tgid, g.tid)
	if err != nil {
		e.c.Logger.Error("take a token back", "jail", e.c.Jail, "error", err)
		return
	}
	if consumed {
		return
	}
	now, err := imageOf(g.tgid)
	if err != nil || now == g.before {
		return // the process ended, or the kernel refused the call itself
	}
	e.c.Violation(g.tgid, "a program runs that no probe has seen begin: "+g.path)
}
