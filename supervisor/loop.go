package supervisor

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"clawjail/jail"
	"clawjail/jail/shim"
	"clawjail/supervisor/api"
)

// Bounds of the loop; the table in doc.go lists them.
const (
	loopQueue  = 128 // closures waiting for the loop; senders block
	maxEnded   = 256 // ended jails that `ps --all` remembers; the oldest go first
	maxProcs   = 32  // processes that `exec` added to one jail and that still run
	maxNameTry = 16  // names made up for one jail before giving up
)

// entry is one jail. Everything but the constant fields belongs to the loop.
type entry struct {
	view *jailView // shared with the judge; its counters are atomic

	jail       api.Jail
	handle     *shim.Handle // nil until the shim runs
	cgroup     *jail.Cgroup // nil until the jail is built
	env        []string     // of the command; added processes get the same
	cwd        string
	key        string                          // what its client calls it
	pty        *os.File                        // of an adopted jail, for a client that has not got it
	trap       func(listener, ledger *os.File) // takes those of an added process
	procs      map[string]*shim.Proc
	nextID     int
	leases     int
	reason     string                 // why the supervisor ended it, if it did
	remove     bool                   // forget it when it ended
	lossFrozen bool                   // stands still because the audit log cannot be written
	build      *build                 // nil until the shim runs
	intent     intent                 // of a freeze that opens an incident, until it has
	gone       map[string]shim.Exit   // processes that exec added and that ended without a supervisor
	back       map[string]*rejoinable // added under a former supervisor, by the key of their client
	waits      map[string]int         // who waits for added processes
	left       bool                   // it goes on without this supervisor
	done       chan struct{}          // closed when the jail ended and nothing of it is left
}

// intent is why a jail is being frozen. The next supervisor goes on with it.
type intent struct{ kind, why string }

// table is all jail state. Only the loop touches it.
type table struct {
	live  map[string]*entry // by id
	ended []*entry          // oldest first
	empty []chan struct{}   // closed when live becomes empty
	max   int
}

// loop runs closures over the table one after the other: the one place where
// jail state changes. Nothing in a closure may block.
type loop struct {
	queue chan func(*table)
	quit  chan struct{}
	table table
}

func newLoop(maxJails int) *loop {
	return &loop{
		queue: make(chan func(*table), loopQueue),
		quit:  make(chan struct{}),
		table: table{live: map[string]*entry{}, max: maxJails},
	}
}

func (l *loop) run() {
	for {
		select {
		case fn := <-l.queue:
			fn(&l.table)
		case <-l.quit:
			return
		}
	}
}

func (l *loop) close() { close(l.quit) }

// do runs fn in the loop and waits for it. After close it does nothing.
func (l *loop) do(fn func(*table)) {
	done := make(chan struct{})
	select {
	case l.queue <- func(t *table) { defer close(done); fn(t) }:
	case <-l.quit:
		return
	}
	select {
	case <-done:
	case <-l.quit:
	}
}

// waitEmpty waits until no jail is left, or ctx ends.
func (l *loop) waitEmpty(ctx context.Context) {
	ch := make(chan struct{})
	l.do(func(t *table) {
		if len(t.live) == 0 {
			close(ch)
			return
		}
		t.empty = append(t.empty, ch)
	})
	select {
	case <-ch:
	case <-ctx.Done():
	}
}

// find looks a jail up by id or name: a running one first, then the newest
// ended one.
func (t *table) find(key string) *entry {
	if e, ok := t.live[key]; ok {
		return e
	}
	for _, e := range t.live {
		if e.jail.Name == key {
			return e
		}
	}
	for i := len(t.ended) - 1; i >= 0; i-- {
		if e := t.ended[i]; e.jail.ID == key || e.jail.Name == key {
			return e
		}
	}
	return nil
}

// reserve puts a new jail into the table, or says why not.
func (t *table) reserve(e *entry, names func() string) *api.Error {
	if len(t.live) >= t.max {
		return api.Errorf(http.StatusServiceUnavailable, "%d jails run already, which is the limit", len(t.live)).
			WithHint("end one (clawjail ps; clawjail kill NAME) or raise max_jails in the configuration")
	}
	if e.jail.Name != "" {
		if other := t.byName(e.jail.Name); other != nil {
			return api.Errorf(http.StatusConflict, "the name %q is taken by jail %s (%s)", e.jail.Name, other.jail.ID, other.jail.State).
				WithHint("choose another --name, or end that one: clawjail kill %s", e.jail.Name)
		}
	} else {
		for range maxNameTry {
			if name := names(); t.byName(name) == nil {
				e.jail.Name = name
				break
			}
		}
		if e.jail.Name == "" {
			return api.Errorf(http.StatusInternalServerError, "no free name found; give one with --name")
		}
	}
	t.live[e.jail.ID] = e
	return nil
}

func (t *table) byName(name string) *entry {
	for _, e := range t.live {
		if e.jail.Name == name || e.jail.ID == name {
			return e
		}
	}
	return nil
}

// byKey finds the jail that a client has asked for, ended ones too.
func (t *table) byKey(key string) *entry {
	if key == "" {
		return nil
	}
	for _, e := range t.live {
		if e.key == key {
			return e
		}
	}
	for _, e := range t.ended {
		if e.key == key {
			return e
		}
	}
	return nil
}

// retire moves a jail from the live to the ended ones, and gives those that are
// forgotten from now on.
func (t *table) retire(e *entry) (forgotten []*entry) {
	delete(t.live, e.jail.ID)
	// One that is to be forgotten stays, unlisted, for the client that is about
	// to ask how it ended.
	t.ended = append(t.ended, e)
	if e.remove {
		forgotten = append(forgotten, e)
	}
	if len(t.ended) > maxEnded {
		forgotten = append(forgotten, t.ended[0])
		t.ended = slices.Delete(t.ended, 0, 1)
	}
	e.settle()
	close(e.done)
	if len(t.live) == 0 {
		for _, ch := range t.empty {
			close(ch)
		}
		t.empty = nil
	}
	return forgotten
}

// leave takes a jail out of the table that goes on without this supervisor.
func (t *table) leave(e *entry) {
	delete(t.live, e.jail.ID)
	e.left = true
	if len(t.live) == 0 {
		for _, ch := range t.empty {
			close(ch)
		}
		t.empty = nil
	}
}

// list returns the jails, oldest first.
func (t *table) list(all bool) []api.Jail {
	var js []api.Jail
	for _, e := range t.live {
		js = append(js, e.snapshot())
	}
	if all {
		for _, e := range t.ended {
			if e.remove {
				continue
			}
			js = append(js, e.snapshot())
		}
	}
	sort.Slice(js, func(i, j int) bool { return js[i].Created.Before(js[j].Created) })
	return js
}

// settle lets go of everything that only a living jail needs: its plan and its
// policy are some 150 kB.
func (e *entry) settle() {
	e.jail.Counts = e.view.counts()
	e.view, e.trap, e.env, e.build = nil, nil, nil, nil
	closeTerminals(e.back)
	if e.pty != nil {
		_ = e.pty.Close()
		e.pty = nil
	}
}

// snapshot is the jail as clients see it.
func (e *entry) snapshot() api.Jail {
	j := e.jail
	if e.view != nil {
		j.Counts = e.view.counts()
	}
	return j
}

// transitions are the states that may follow each state; doc.go shows them.
var transitions = map[api.State][]api.State{
	api.StateCreating: {api.StateRunning, api.StateFrozen, api.StateExited},
	api.StateRunning:  {api.StateFrozen, api.StateExited},
	api.StateFrozen:   {api.StateRunning, api.StateExited},
	api.StateExited:   nil,
}

// move changes a jail's state, if that step exists.
func (e *entry) move(to api.State) *api.Error {
	for _, next := range transitions[e.jail.State] {
		if next == to {
			e.jail.State = to
			switch now := time.Now(); {
			case to == api.StateExited:
				e.jail.Ended = &now
			case e.jail.Started == nil:
				e.jail.Started = &now
			}
			return nil
		}
	}
	return api.Errorf(http.StatusConflict, "jail %s is %s, so it cannot become %s", e.jail.Name, e.jail.State, to)
}

// transitionTable prints the state machine for the test that keeps doc.go true.
func transitionTable() string {
	var b strings.Builder
	for _, s := range []api.State{api.StateCreating, api.StateRunning, api.StateFrozen, api.StateExited} {
		next := make([]string, 0, 3)
		for _, n := range transitions[s] {
			next = append(next, string(n))
		}
		if len(next) == 0 {
			next = append(next, "(the end)")
		}
		fmt.Fprintf(&b, "%-8s -> %s\n", s, strings.Join(next, ", "))
	}
	return b.String()
}
