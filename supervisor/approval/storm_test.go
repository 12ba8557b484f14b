package approval

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestStorm: 1,000 requests at once in 5 jails, while approvers, the clock,
// leaving waiters and the end of a jail race. Every waiter gets exactly one
// answer, nobody goes on whom no approver let, and nothing is left.
func TestStorm(t *testing.T) {
	var approved sync.Map // digests that an approver let through
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Jail: 200, Total: 1000} })
	w.opt.OnDecision = func(r Request, d Decision) error {
		if d.Allowed() {
			approved.Store(r.Jail+r.Digest, true)
		}
		return nil
	}
	var answers, allowed atomic.Int64
	var waiters, actors sync.WaitGroup
	for i := range 1000 {
		waiters.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%17 == 0 {
				go cancel()
			}
			r, _ := Prepare(push(fmt.Sprint("jail", i%5), fmt.Sprint(i/2))) // every other one folds
			d, err := w.Submit(ctx, r)
			if err != nil {
				t.Error(err)
			}
			answers.Add(1)
			if d.Allowed() {
				allowed.Add(1)
				if _, ok := approved.Load(r.Jail + r.Digest); !ok {
					t.Errorf("request %d went on without an approval", i)
				}
			}
		})
	}
	quit := make(chan struct{})
	for n := range 4 {
		actors.Go(func() { w.act(n, quit) })
	}
	waiters.Wait()
	close(quit)
	actors.Wait()
	if got := answers.Load(); got != 1000 {
		t.Errorf("%d answers", got)
	}
	t.Logf("%d went on", allowed.Load())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Queue.mu.Lock()
	defer w.Queue.mu.Unlock()
	if len(w.byID) != 0 || len(w.byFold) != 0 || len(w.count) != 0 || len(w.journal.all()) != 0 {
		t.Errorf("left: %d open, %d to join, %d counts, %d journaled", len(w.byID), len(w.byFold), len(w.count), len(w.journal.all()))
	}
}

// act is one of those who race: approvers, deniers, the clock, an ending jail.
func (w *world) act(n int, quit chan struct{}) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		for i, v := range w.List() {
			switch {
			case n == 3 && i%5 == 0:
				w.clock.pass(40 * time.Second)
				w.Sweep()
			case n == 3 && i%11 == 0:
				w.EndJail("jail3")
			default:
				_, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Approve: (n+i)%2 == 0, By: By{UID: uint32(n)}})
				var r *Refusal
				if err != nil && !errors.As(err, &r) {
					w.t.Error(err)
				}
			}
		}
	}
}

func TestASlowWatcherIsResynced(t *testing.T) {
	w := newWorld(t)
	for i := range watchBuffer {
		w.submit(t.Context(), push(fmt.Sprint("j", i)))
	}
	for len(w.List()) < watchBuffer {
		w.Sweep()
	}
	v := w.List()[0]
	if _, err := w.approve(v, Once()); err != nil { // one event too many
		t.Fatal(err)
	}
	if ev := <-w.events; ev.Kind != Resync {
		t.Errorf("first comes %s", ev.Kind)
	}
	w.submit(t.Context(), push("new"))
	if ev := <-w.events; ev.Kind != Added {
		t.Errorf("then comes %s", ev.Kind)
	}
}

func TestWatchersEnd(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	events, err := w.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range events { // until it is closed
	}
	for range MaxWatchers - 1 {
		if _, err := w.Watch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Watch(t.Context()); err == nil {
		t.Error("one watcher too many")
	}
	w.EndWatches()
	for range w.events {
	}
	if _, err := w.Watch(t.Context()); err != nil {
		t.Errorf("a new watch after the end of the others: %v", err)
	}
}

func TestRunExpires(t *testing.T) {
	q := New(Options{Journal: newMemory(), Boot: "b", OnDecision: func(Request, Decision) error { return nil }})
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { q.Run(ctx) })
	r := push("j1")
	r.Timeout = time.Millisecond
	if d, err := q.Submit(t.Context(), r); err != nil || d.Outcome != TimedOut {
		t.Errorf("%+v, %v", d, err)
	}
	cancel()
	run.Wait()
}
