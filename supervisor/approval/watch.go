package approval

import (
	"context"
	"errors"
)

// MaxWatchers bounds the watchers of a queue.
const MaxWatchers = 64

// watchBuffer is what a watcher may be behind: a burst of every jail's requests
// fits, a reader that stopped does not hold memory.
const watchBuffer = 256

// EventKind is what happened.
type EventKind string

// The kinds.
const (
	Added   EventKind = "added"   // a request is open
	Changed EventKind = "changed" // more or fewer identical calls wait
	Removed EventKind = "removed" // it was decided; Event.Decision says how
	Told    EventKind = "told"    // something was done that a human hears of: Event.Notice
	Resync  EventKind = "resync"  // events were dropped: ask for the list
)

// Event is one change of the queue.
type Event struct {
	Kind     EventKind
	View     View     // of Added, Changed, Removed
	Decision Decision // of Removed
	Notice   Notice   // of Told
}

type watcher struct {
	events chan Event // capacity watchBuffer
	stop   func() bool
}

// Watch reports every change until ctx ends or the queue is closed; then the
// channel is closed. A watcher that does not keep up loses events and gets one
// Resync in their place. The queue never waits for it.
func (q *Queue) Watch(ctx context.Context) (<-chan Event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if len(q.watch) >= MaxWatchers {
		return nil, errors.New("too many watchers")
	}
	w := &watcher{events: make(chan Event, watchBuffer)}
	q.watch[w] = struct{}{}
	w.stop = context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.unwatch(w)
	})
	return w.events, nil
}

// EndWatches ends every watch that is open now. A server that shuts down calls
// it first: a watch does not end by itself.
func (q *Queue) EndWatches() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for w := range q.watch {
		q.unwatch(w)
	}
}

func (q *Queue) unwatch(w *watcher) {
	if _, ok := q.watch[w]; !ok {
		return
	}
	delete(q.watch, w)
	w.stop()
	close(w.events)
}

// publish tells the watchers. Queue.mu is held, so nobody else sends.
func (q *Queue) publish(ev Event) {
	for w := range q.watch {
		select {
		case w.events <- ev:
			continue
		default:
		}
		for range watchBuffer { // the reader may take some meanwhile
			select {
			case <-w.events:
			default:
			}
		}
		w.events <- Event{Kind: Resync}
	}
}
