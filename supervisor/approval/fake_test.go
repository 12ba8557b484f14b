package approval

import (
	"context"
	"sync"
	"testing"
	"time"
)

// fakeClock stands still until it is told otherwise. Its wall clock jumps
// without its boot clock noticing.
type fakeClock struct {
	mu   sync.Mutex
	boot time.Duration
	wall time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{boot: time.Hour, wall: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
}

func (c *fakeClock) Wall() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *fakeClock) Boot() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boot
}

func (c *fakeClock) Timer(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

func (c *fakeClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boot += d
	c.wall = c.wall.Add(d)
}

func (c *fakeClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// memory is a journal that can be told to fail.
type memory struct {
	mu      sync.Mutex
	kept    map[string]Request
	put     error
	blocked chan struct{} // Put waits for it, when it is not nil
	entered chan struct{} // and says first that it is there
}

func newMemory() *memory { return &memory{kept: map[string]Request{}} }

func (m *memory) Put(r Request) error {
	if m.blocked != nil {
		m.entered <- struct{}{}
		<-m.blocked
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.put == nil {
		m.kept[r.ID] = r
	}
	return m.put
}

func (m *memory) Remove(ids ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.kept, id)
	}
	return nil
}

func (m *memory) all() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Request
	for _, r := range m.kept {
		out = append(out, r)
	}
	return out
}

// world is a queue with everything around it.
type world struct {
	*Queue
	t       *testing.T
	clock   *fakeClock
	journal *memory
	mu      sync.Mutex
	records []Decision
	record  error // what OnDecision gives
	events  <-chan Event
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: newFakeClock(), journal: newMemory()}
	o := Options{Journal: w.journal, Clock: w.clock, Boot: "boot-1", OnDecision: func(_ Request, d Decision) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.records = append(w.records, d)
		return w.record
	}, OnError: func(err error) { t.Error(err) }}
	for _, c := range change {
		c(&o)
	}
	w.Queue = New(o)
	events, err := w.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.events = events
	return w
}

// next gives the next event of a kind.
func (w *world) next(kind EventKind) Event {
	w.t.Helper()
	for ev := range w.events {
		if ev.Kind == kind {
			return ev
		}
	}
	w.t.Fatalf("no more events, wanted %s", kind)
	return Event{}
}

// submit holds a request in the background; its decision comes on the channel.
func (w *world) submit(ctx context.Context, r Request) <-chan Decision {
	ch := make(chan Decision, 1)
	go func() {
		d, err := w.Submit(ctx, r)
		if err != nil {
			w.t.Errorf("submit: %v", err)
		}
		ch <- d
	}()
	return ch
}

// hold submits a request and waits until it is open.
func (w *world) hold(r Request) (View, <-chan Decision) {
	w.t.Helper()
	ch := w.submit(w.t.Context(), r)
	return w.next(Added).View, ch
}

func (w *world) approve(v View, scope Scope) (Decision, error) {
	_, d, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Approve: true, Scope: scope, By: By{UID: 7, Name: "ana"}, Waiting: v.Waiting})
	return d, err
}

func push(jail string, args ...string) Request {
	return Request{Jail: jail, JailName: "name-" + jail, StartedBy: 1000, Gate: GateExec, Op: "execve", Path: "/usr/bin/git",
		Argv: append([]string{"git", "push"}, args...), Cwd: "/work", Rule: "exec.rules[1]"}
}
