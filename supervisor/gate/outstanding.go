package gate

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Bounds of tokens that were given out.
const (
	maxOutstanding = 4096             // per jail; beyond it executions are denied
	settleInterval = time.Second      // how often they are looked through
	settleAge      = time.Second      // younger ones are left alone
	pressedAge     = time.Second / 10 // the same when there is no room
	forgetAge      = 15 * time.Second // no token is valid for so long
)

// errNoRoom is an execution too many under way.
var errNoRoom = errors.New("too many executions are under way")

// given is a token that was put and may not have been used.
type given struct {
	from Origin
	tid  int32
	path string
	at   time.Time

	moved     bool // the process was seen to run something else
	explained bool // another thread's token was used from the same image
}

// outstanding are a jail's given tokens, by thread: a thread that executes
// again replaces its token. All threads of one image of a process have the same
// Origin, and only one of them can leave it by executing. The lock is held while a token is put or taken, so
// that an old one's end never takes a new one away.
type outstanding struct {
	tokens Tokens

	mu       sync.Mutex
	list     map[int32]*given
	suspects []*given // taken back unused, of a process that runs something else
}

// put gives a token out.
func (o *outstanding) put(t Token, path string, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = map[int32]*given{}
	}
	old := o.list[t.TID]
	if old == nil && len(o.list) >= maxOutstanding {
		due := o.due(at, pressedAge)
		if o.apply(due, o.look(due), at); len(o.list) >= maxOutstanding {
			return errNoRoom
		}
	}
	if old != nil {
		// Before it is replaced: a thread has one token.
		now, gone := o.seen(old)
		old.explained = old.explained || gone
		old.moved = old.moved || now != old.from
		o.take(old)
	}
	from, err := o.tokens.PutExec(t)
	if err != nil {
		return err
	}
	o.list[t.TID] = &given{from: from, tid: t.TID, path: path, at: at}
	return nil
}

// cancel takes a token back that nobody will use.
func (o *outstanding) cancel(tid int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if g := o.list[tid]; g != nil {
		_, _ = o.tokens.DropExec(g.from.TGID, g.tid) // not there: the same
		delete(o.list, tid)
	}
}

// take takes a token back. Used, it explains what else was given to the image
// that was left: those threads are gone. Unused, it is suspect if the process
// runs something else.
func (o *outstanding) take(g *given) {
	delete(o.list, g.tid)
	used, err := o.tokens.DropExec(g.from.TGID, g.tid)
	switch {
	case err != nil || !used && !g.moved || g.explained:
		return
	case !used:
		if len(o.suspects) < maxOutstanding {
			o.suspects = append(o.suspects, g)
		}
		return
	}
	for _, other := range o.list {
		if other.from == g.from {
			other.explained = true
		}
	}
	for _, other := range o.suspects {
		if other.from == g.from {
			other.explained = true
		}
	}
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
			for _, g := range e.given.settle(now) {
				e.c.Violation(g.from.TGID, "a program runs that no probe has seen begin: "+g.path)
			}
		}
	}
}

// settle takes back what is old enough and gives the violations: a process has
// left its image by an execution, and no token of that image was used.
func (o *outstanding) settle(now time.Time) []*given {
	o.mu.Lock()
	due := o.due(now, settleAge)
	o.mu.Unlock()
	fates := o.look(due) // executions go on meanwhile
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apply(due, fates, now)
	pending := map[Origin]bool{} // by a token that may turn out to be used
	for _, g := range o.list {
		pending[g.from] = true
	}
	var out, wait []*given
	for _, g := range o.suspects {
		switch {
		case g.explained:
		case pending[g.from]:
			wait = append(wait, g)
		default:
			out = append(out, g)
		}
	}
	o.suspects = wait
	return out
}

// due are the tokens that were given some time ago.
func (o *outstanding) due(now time.Time, age time.Duration) []*given {
	var out []*given
	for _, g := range o.list {
		if now.Sub(g.at) >= age {
			out = append(out, g)
		}
	}
	return out
}

// fate is what became of a token, as far as it can be seen.
type fate struct {
	used bool
	gone bool   // the process has ended
	now  Origin // what the process is, unless used or gone
}

// look asks what became of tokens.
func (o *outstanding) look(due []*given) []fate {
	out := make([]fate, len(due))
	for i, g := range due {
		if out[i].used = o.tokens.Used(g.from.TGID, g.tid); out[i].used {
			continue
		}
		out[i].now, out[i].gone = o.seen(g)
	}
	return out
}

// seen looks at the process of a token.
func (o *outstanding) seen(g *given) (now Origin, gone bool) {
	now, err := o.tokens.Origin(g.from.TGID)
	return now, err != nil || now.Start != g.from.Start
}

// apply takes back the tokens of processes that have gone on. An execution may
// take long, on a slow disk or a throttled processor, and its token must be
// there when it comes to be judged: only a process that was seen with another
// image twice has it behind it, because the new image is there a moment before
// the verifier looks.
func (o *outstanding) apply(due []*given, fates []fate, now time.Time) {
	for i, g := range due {
		if o.list[g.tid] != g {
			continue // the thread executes again
		}
		switch {
		case fates[i].used:
		case fates[i].gone:
			g.explained = true // whatever it was, it has ended
		case fates[i].now == g.from:
			if now.Sub(g.at) < forgetAge {
				continue
			}
		case !g.moved:
			g.moved = true
			continue
		}
		o.take(g)
	}
}
