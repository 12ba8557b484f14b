package approval

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Limits bound the open requests.
type Limits struct {
	Jail  int // of one jail
	Total int // of all jails
}

// DefaultLimits apply where none are given.
func DefaultLimits() Limits { return Limits{Jail: 64, Total: 2048} }

// Journal keeps open requests over a restart. Put returns when the request is
// durable. Both are called by many goroutines at once, without any lock of the
// queue. Package approval/journal is the real one.
type Journal interface {
	Put(Request) error
	Remove(ids ...string) error
}

// Options are what a Queue is made of.
type Options struct {
	Journal Journal
	Scopes  Scopes // nil: remembered scopes end with the queue
	Trails  Trails // nil: who was told is forgotten with the queue
	Clock   Clock  // nil: the system's
	Boot    string
	Limits  Limits // zero: DefaultLimits
	// FourEyes bars whoever started a jail from approving for it.
	FourEyes bool
	// Rules says what the operator decided about a request. It asks nobody and
	// takes no time. nil: one person decides about everything.
	Rules func(Request) Rule
	// OnDecision records a decision before anybody learns of it. An error turns
	// an approval into a denial. It may block; nobody else waits.
	OnDecision func(Request, Decision) error
	// OnError hears of a decided request that could not be removed from the
	// journal: after a restart it would show up once more. May be nil.
	OnError func(error)
}

// Queue holds the open requests.
type Queue struct {
	opt   Options
	clock Clock

	mu      sync.Mutex
	closed  bool
	seq     uint64
	byID    map[string]*entry
	byFold  map[foldKey]*entry // open ones, which identical requests join
	count   map[string]int     // by jail
	grants  grants
	notices notices
	done    ring[closed]   // decided requests, for answers that come late
	ended   ring[struct{}] // jails that ended
	echo    ring[grant]    // rejections, by jail and digest, for a moment
	watch   map[*watcher]struct{}
	next    time.Duration // when Run looks at the deadlines again
	wake    chan struct{} // capacity 1: a deadline is earlier than that
}

type foldKey struct{ jail, digest string }

// state of an entry; the table in doc.go says what follows what.
type state uint8

const (
	journaled state = iota // the journal is writing it; nobody sees it yet
	open
	deciding // an answer is being recorded
	decided
)

// entry is one open request. Everything but done belongs to Queue.mu.
type entry struct {
	request  Request
	seq      uint64
	state    state
	restored bool // from the journal: it has no waiters until they come back
	decision Decision
	trail    Trail
	// recording is there while an approval is recorded that takes further people,
	// and closed when that is done.
	recording chan struct{}
	done      chan struct{} // closed when decision is final
}

// closed is a request that ended.
type closed struct {
	jail      string
	decision  Decision
	trail     Trail
	unclaimed bool // restored, decided before its waiter came back
}

// New makes an empty queue.
func New(o Options) *Queue {
	if o.Limits == (Limits{}) {
		o.Limits = DefaultLimits()
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	return &Queue{opt: o, clock: o.Clock,
		byID: map[string]*entry{}, byFold: map[foldKey]*entry{}, count: map[string]int{},
		grants: newGrants(), notices: newNotices(), done: newRing[closed](MaxDecided), ended: newRing[struct{}](MaxEnded), echo: newRing[grant](MaxDecided),
		watch: map[*watcher]struct{}{}, wake: make(chan struct{}, 1)}
}

// Submit holds a request until it is decided. It returns when a human or a
// remembered scope decided, the time is up, the jail or the queue ended, or ctx
// ended because the process that asked is gone. A Decision that is not Allowed
// is a denial; an error says that the request itself was no good, and goes with
// a denial.
//
// A waiter that comes back after a restart gives the ID of its request.
func (q *Queue) Submit(ctx context.Context, r Request) (Decision, error) {
	r, err := Prepare(r)
	if err != nil {
		return Decision{Reason: err.Error()}, err
	}
	now := q.clock.Boot()
	q.mu.Lock()
	if d, ok := q.answered(r, now); ok {
		q.mu.Unlock()
		return q.record(r, d), nil
	}
	if e := q.joinable(r); e != nil {
		e.restored = false
		e.request.Waiting++
		q.publish(Event{Kind: Changed, View: q.view(e)})
		q.mu.Unlock()
		return q.await(ctx, e), nil
	}
	if why := q.full(r.Jail); why != "" {
		q.mu.Unlock()
		return q.record(r, Decision{Outcome: Flooded, Reason: why, At: q.clock.Wall()}), nil
	}
	e := q.admit(r, now)
	r = e.request
	q.mu.Unlock()
	q.journal(e, r)
	return q.await(ctx, e), nil
}

// answered gives the decision that needs no human.
func (q *Queue) answered(r Request, now time.Duration) (Decision, bool) {
	at := q.clock.Wall()
	if q.closed {
		return Decision{Outcome: Interrupted, At: at}, true
	}
	if _, gone := q.ended.get(r.Jail); gone {
		return Decision{Outcome: JailEnded, At: at}, true
	}
	if c, ok := q.done.get(r.ID); ok && r.ID != "" && c.unclaimed && c.decision.Digest == r.Digest && c.jail == r.Jail {
		c.unclaimed = false
		q.done.put(r.ID, c)
		return c.decision, true
	}
	g, ok := q.grants.find(r, now)
	if !ok {
		g, ok = q.echo.get(echoKey(r))
		ok = ok && now < g.until
	}
	d := g.decision
	d.Grant, d.ID, d.Digest, d.Held, d.At = g.decision.ID, "", r.Digest, 0, at
	return d, ok
}

// rejectedFor is how long a rejection answers the same request again. A shell
// that is refused one program tries the next directory of its PATH at once,
// and finds the same one there; nobody wants to deny that twice.
const rejectedFor = 5 * time.Second

func echoKey(r Request) string { return r.Jail + "\x00" + r.Digest }

// record calls OnDecision for a decision that no entry stands for.
func (q *Queue) record(r Request, d Decision) Decision {
	d.Digest = r.Digest
	if err := q.opt.OnDecision(r, d); err != nil && d.Allowed() {
		d.Outcome, d.Reason = Unrecorded, err.Error()
	}
	return d
}

// joinable finds the open request that r is identical to.
func (q *Queue) joinable(r Request) *entry {
	e := q.byFold[foldKey{r.Jail, r.Digest}]
	if e == nil || e.state > open {
		return nil
	}
	return e
}

// full says why there is no place for one more request of a jail.
func (q *Queue) full(jail string) string {
	switch {
	case q.count[jail] >= q.opt.Limits.Jail:
		return fmt.Sprintf("%d of this jail wait already", q.count[jail])
	case len(q.byID) >= q.opt.Limits.Total:
		return fmt.Sprintf("%d wait already", len(q.byID))
	}
	return ""
}

// admit puts a new request into the tables.
func (q *Queue) admit(r Request, now time.Duration) *entry {
	r.ID = q.newID()
	r.Waiting = 1
	r.Created = q.clock.Wall().UTC().Truncate(time.Millisecond)
	r.Expires = r.Created.Add(r.Timeout)
	r.Asked, r.Deadline, r.Boot = now, now+r.Timeout, q.opt.Boot
	e := &entry{request: r, done: make(chan struct{})}
	e.trail.Rule = q.rule(r)
	q.insert(e)
	return e
}

func (q *Queue) insert(e *entry) {
	q.seq++
	e.seq = q.seq
	q.byID[e.request.ID] = e
	q.byFold[foldKey{e.request.Jail, e.request.Digest}] = e
	q.count[e.request.Jail]++
}

// newID makes an id that no open or remembered request has.
func (q *Queue) newID() string {
	for {
		id := randomID()
		_, was := q.done.get(id)
		if _, is := q.byID[id]; !is && !was {
			return id
		}
	}
}

// journal makes a request durable and shows it, or denies it.
func (q *Queue) journal(e *entry, r Request) {
	if err := q.opt.Journal.Put(r); err != nil {
		q.finish(e, Decision{Outcome: Unrecorded, Reason: err.Error()})
		return
	}
	q.mu.Lock()
	shown := e.state == journaled
	if shown {
		e.state = open
		q.publish(Event{Kind: Added, View: q.view(e)})
		q.poke(r.Deadline)
	}
	over := e.state == decided && e.decision.Outcome != Interrupted
	q.mu.Unlock()
	if over {
		q.forget(r.ID) // the jail ended meanwhile, maybe before Put was done
	}
}

// forget removes decided requests from the journal. Their waiters went on
// already.
func (q *Queue) forget(ids ...string) {
	if len(ids) == 0 {
		return
	}
	if err := q.opt.Journal.Remove(ids...); err != nil && q.opt.OnError != nil {
		q.opt.OnError(fmt.Errorf("remove %d requests from the journal: %w", len(ids), err))
	}
}

// await waits for the decision about e on behalf of one waiter.
func (q *Queue) await(ctx context.Context, e *entry) Decision {
	select {
	case <-e.done:
		return e.decision
	case <-ctx.Done():
	}
	q.mu.Lock()
	e.request.Waiting--
	last := e.request.Waiting == 0 && e.state <= open && !q.closed
	if e.state == open && !last {
		q.publish(Event{Kind: Changed, View: q.view(e)})
	}
	stops := q.closed
	q.mu.Unlock()
	if last {
		q.finish(e, Decision{Outcome: Withdrawn})
	}
	select {
	case <-e.done:
		return e.decision
	default:
	}
	d := Decision{ID: e.request.ID, Digest: e.request.Digest, Outcome: Withdrawn, At: q.clock.Wall()}
	if stops {
		d.Outcome = Interrupted
	}
	return d
}

// finish ends a request unless an answer is on its way already.
func (q *Queue) finish(e *entry, d Decision) bool {
	q.mu.Lock()
	ok := q.begin(e)
	q.mu.Unlock()
	if ok {
		q.settle(e, d)
		q.forget(e.request.ID)
	}
	return ok
}

// begin claims the right to decide a request. From here on identical requests
// do not join it: they were not there when the approver looked.
func (q *Queue) begin(e *entry) bool {
	if e.state > open {
		return false
	}
	e.state = deciding
	key := foldKey{e.request.Jail, e.request.Digest}
	if q.byFold[key] == e {
		delete(q.byFold, key)
	}
	return true
}

// settle records a decision and tells the waiters and the watchers. The caller
// has begun it, and forgets it afterwards.
func (q *Queue) settle(e *entry, d Decision) Decision {
	q.mu.Lock()
	r := e.request
	d.With, d.Category = e.together(), e.trail.Rule.Category
	q.mu.Unlock()
	d.ID, d.Digest, d.At = r.ID, r.Digest, q.clock.Wall()
	d.Held = q.clock.Boot() - r.Asked
	if d.Outcome != Interrupted { // which decides nothing: it will be asked again
		if err := q.opt.OnDecision(r, d); err != nil && d.Allowed() {
			d.Outcome, d.Reason = Unrecorded, err.Error()
		}
	}
	q.mu.Lock()
	if _, gone := q.ended.get(r.Jail); !gone && (d.Outcome == Approved || d.Outcome == Rejected) {
		q.grants.add(r, d, q.clock.Boot())
	}
	if d.Outcome == Rejected {
		q.echo.put(echoKey(r), grant{decision: d, until: q.clock.Boot() + rejectedFor})
	}
	e.state, e.decision = decided, d
	delete(q.byID, r.ID)
	if q.count[r.Jail]--; q.count[r.Jail] == 0 {
		delete(q.count, r.Jail)
	}
	q.done.put(r.ID, closed{jail: r.Jail, decision: d, trail: e.trail.clone(), unclaimed: e.restored})
	close(e.done)
	q.publish(Event{Kind: Removed, View: View{Request: r, Trail: e.trail.clone()}, Decision: d})
	q.mu.Unlock()
	return d
}

// settleAll settles requests that end alike and forgets them together.
func (q *Queue) settleAll(entries []*entry, d Decision) {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = q.settle(e, d).ID
	}
	q.forget(ids...)
}
