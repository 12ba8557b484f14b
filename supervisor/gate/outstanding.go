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
	tgid, tid int32
	before    image
	path      string
	at        time.Time

	moved     bool // the process was seen to run something else
	explained bool // another thread's token was used from the same image
}

// origin is what an execution started from: all threads of one image share it,
// and only one of them can leave it by executing.
type origin struct {
	tgid   int32
	before image
}

func (g *given) origin() origin { return origin{g.tgid, g.before} }

// outstanding are a jail's given tokens, by thread: a thread that executes
// again replaces its token. The lock is held while a token is put or taken, so
// that an old one's end never takes a new one away.
type outstanding struct {
	tokens Tokens
	image  func(tgid int32) (image, error)

	mu       sync.Mutex
	list     map[int32]*given
	suspects []*given // taken back unused, of a process that runs something else
}

// put gives a token out.
func (o *outstanding) put(t Token, g given) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = map[int32]*given{}
	}
	old := o.list[g.tid]
	if old == nil && len(o.list) >= maxOutstanding {
		due := o.due(g.at, pressedAge)
		if o.apply(due, o.look(due), g.at); len(o.list) >= maxOutstanding {
			return errNoRoom
		}
	}
	if old != nil {
		if old.origin() != g.origin() {
			old.moved = true
		}
		o.take(old)
	}
	if err := o.tokens.PutExec(t); err != nil {
		return err
	}
	o.list[g.tid] = &g
	return nil
}

// cancel takes a token back that nobody will use.
func (o *outstanding) cancel(tid int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if g := o.list[tid]; g != nil {
		_, _ = o.tokens.DropExec(g.tgid, g.tid) // not there: the same
		delete(o.list, tid)
	}
}

// take takes a token back. Used, it explains what else was given to the image
// that was left: those threads are gone. Unused, it is suspect if the process
// runs something else.
func (o *outstanding) take(g *given) {
	delete(o.list, g.tid)
	used, err := o.tokens.DropExec(g.tgid, g.tid)
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
		if other.origin() == g.origin() {
			other.explained = true
		}
	}
	for _, other := range o.suspects {
		if other.origin() == g.origin() {
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
				e.c.Violation(g.tgid, "a program runs that no probe has seen begin: "+g.path)
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
	images := o.look(due) // reads a file each: executions go on meanwhile
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apply(due, images, now)
	pending := map[origin]bool{} // by a token that may turn out to be used
	for _, g := range o.list {
		pending[g.origin()] = true
	}
	var out, wait []*given
	for _, g := range o.suspects {
		switch {
		case g.explained:
		case pending[g.origin()]:
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

// look reads what the processes run; one that is gone runs the zero image.
func (o *outstanding) look(due []*given) []image {
	out := make([]image, len(due))
	for i, g := range due {
		if now, err := o.image(g.tgid); err == nil {
			out[i] = now
		}
	}
	return out
}

// apply takes back the tokens of processes that have gone on. An execution may
// take long, on a slow disk or a throttled processor, and its token must be
// there when it comes to be judged: only a process that was seen with another
// image twice has it behind it, because the new image is there a moment before
// the verifier looks.
func (o *outstanding) apply(due []*given, images []image, now time.Time) {
	for i, g := range due {
		if o.list[g.tid] != g {
			continue // the thread executes again
		}
		switch {
		case images[i] == image{}:
			g.explained = true // whatever it was, it has ended
		case images[i] == g.before:
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
