package daemon

import (
	"sync"
	"sync/atomic"
	"time"

	"clawjail/jail/egress/control"
)

// Bounds of events.
const (
	maxConns    = 4096             // connections of all jails
	maxRecords  = 16384            // connections whose event is not yet written, open ones among them
	maxNotes    = 4096             // other events that wait; more are counted as lost
	maxKeys     = 256              // different facts of one jail in one window; more are counted together
	tallyWindow = 10 * time.Second // a fact that repeats is one event in this time
)

// ledger queues events for the supervisor.
type ledger struct {
	queue   chan entry
	conns   chan struct{}
	records chan struct{}
	notes   chan struct{}
}

// entry is an envelope and the place it holds until it is written.
type entry struct {
	envelope control.Envelope
	place    chan struct{}
}

func newLedger() *ledger {
	return &ledger{
		// Places and the ends of jails bound what is in the queue, so that
		// no sender ever waits.
		queue:   make(chan entry, maxRecords+maxNotes+maxJails),
		conns:   make(chan struct{}, maxConns),
		records: make(chan struct{}, maxRecords),
		notes:   make(chan struct{}, maxNotes),
	}
}

// admit takes the places of one connection: its own, and its event's.
func (l *ledger) admit() bool {
	select {
	case l.conns <- struct{}{}:
	default:
		return false
	}
	select {
	case l.records <- struct{}{}:
		return true
	default:
		<-l.conns
		return false
	}
}

// dismiss gives back the places of a connection that has no event.
func (l *ledger) dismiss() {
	<-l.records
	<-l.conns
}

// conclude writes the event of an admitted connection, whose place is free
// when the event has been written.
func (l *ledger) conclude(e control.Event) {
	l.queue <- entry{control.Envelope{Event: &e}, l.records}
	<-l.conns
}

// note writes an event if there is room.
func (l *ledger) note(e control.Event) bool {
	select {
	case l.notes <- struct{}{}:
		l.queue <- entry{control.Envelope{Event: &e}, l.notes}
		return true
	default:
		return false
	}
}

// end writes that a jail has no more events.
func (l *ledger) end(jail string) {
	l.queue <- entry{envelope: control.Envelope{Ended: jail}}
}

// finish lets write return when it has sent everything. Nothing may be queued
// after it.
func (l *ledger) finish() { close(l.queue) }

// write sends entries until finish, or until a send fails.
func (l *ledger) write(send func([]byte) error) error {
	for e := range l.queue {
		b, err := control.EncodeEnvelope(e.envelope)
		if err == nil {
			err = send(b)
		}
		if err != nil {
			return err
		}
		if e.place != nil {
			<-e.place
		}
	}
	return nil
}

// tally counts what repeats in one jail.
type tally struct {
	ledger *ledger
	jail   string
	now    func() time.Time
	lost   atomic.Uint64

	mu    sync.Mutex
	facts map[fact]*control.Event // Count 0: told, and not seen since
}

// fact is what makes two events alike.
type fact struct {
	kind, name, addr, protocol, reason, rule string
	port                                     uint16
}

func newTally(l *ledger, jail string) *tally {
	return &tally{ledger: l, jail: jail, now: func() time.Time { return time.Now().UTC() }, facts: make(map[fact]*control.Event)}
}

// add tells a fact at once when it is new, and counts it when it is not.
func (t *tally) add(e control.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.Jail, e.Time = t.jail, t.now()
	e = clean(e)
	known := t.facts[keyOf(e)]
	if known == nil && len(t.facts) >= maxKeys {
		e = control.Event{
			Kind: e.Kind, Jail: t.jail, Verdict: e.Verdict, Time: e.Time,
			Reason: "more than can be listed one by one",
		}
		known = t.facts[keyOf(e)]
	}
	if known == nil {
		e.Count = 1
		t.tell(e)
		e.Count = 0
		t.facts[keyOf(e)] = &e
		return
	}
	if known.Count == 0 {
		known.Time = e.Time
	}
	known.Count++
}

func keyOf(e control.Event) fact {
	addr := ""
	if e.Addr.IsValid() {
		addr = e.Addr.String()
	}
	return fact{e.Kind, e.Name, addr, e.Protocol, e.Reason + e.Verdict, e.Rule, e.Port}
}

// flush tells what was counted and forgets what was not seen again.
func (t *tally) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, e := range t.facts {
		if e.Count == 0 {
			delete(t.facts, k)
			continue
		}
		t.tell(*e)
		e.Count = 0
	}
	if n := t.lost.Load(); n > 0 {
		e := control.Event{Kind: control.KindLost, Jail: t.jail, Verdict: control.Deny, Count: n, Time: t.now()}
		if t.ledger.note(e) {
			t.lost.Add(-n)
		}
	}
}

func (t *tally) tell(e control.Event) {
	if !t.ledger.note(e) {
		t.lost.Add(e.Count)
	}
}

// clean bounds an event's text so that it always passes control's checks.
func clean(e control.Event) control.Event {
	e.Name, e.Reason, e.Protocol = bounded(e.Name), bounded(e.Reason), bounded(e.Protocol)
	e.Count = max(e.Count, 1)
	return e
}

// bounded returns printable ASCII of a length that Check allows.
func bounded(s string) string {
	const bound = 300
	if len(s) > bound {
		s = s[:bound] + "..."
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return bounded(ascii(s))
		}
	}
	return s
}

func ascii(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return string(out)
}
