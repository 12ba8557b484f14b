package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"clawjail/audit"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/approval/show"
	"clawjail/supervisor/config"
	"clawjail/supervisor/notify"
)

// What records of people are about.
const (
	opEscalate = "escalate" // a step was made
	opSeen     = "seen"     // somebody looked at a held request
)

// maxPause bounds the time between two looks at what is held. Timers stand still
// while the host is suspended, and CLOCK_BOOTTIME does not; so much late may a step
// be then.
const maxPause = 10 * time.Second

// tellApprovals tells of what is held and of what was done, and escalates what
// nobody decides, until ctx ends.
func (s *Supervisor) tellApprovals(ctx context.Context) {
	if !s.herald.Wanted(notify.Approval) && !s.herald.Wanted(notify.Notice) && !s.approvals.rota.Escalates() {
		return
	}
	events, err := s.approvals.Watch(ctx)
	if err != nil {
		s.log.Error("watch what is held, to tell of it", "error", err)
		return
	}
	t := newTeller(s)
	t.all() // what was held before this supervisor
	for {
		timer := time.NewTimer(min(t.escalate(), maxPause))
		select {
		case ev, open := <-events:
			timer.Stop()
			if !open {
				return
			}
			t.hear(ev)
			t.drain(events)
		case <-timer.C:
		}
	}
}

// teller is what tells of one queue. It belongs to one goroutine.
type teller struct {
	s *Supervisor
	// By request that is open: how many approvals were told of, and the channels
	// that steps have told. An event may be older than they are.
	consents map[string]int
	reached  map[string][]string
}

func newTeller(s *Supervisor) teller {
	return teller{s: s, consents: map[string]int{}, reached: map[string][]string{}}
}

// drain hears what has happened already, so that a burst is looked at once.
func (t *teller) drain(events <-chan approval.Event) {
	for range cap(events) {
		select {
		case ev, open := <-events:
			if open {
				t.hear(ev)
			}
		default:
			return
		}
	}
}

func (t *teller) hear(ev approval.Event) {
	switch ev.Kind {
	case approval.Added:
		t.s.herald.Tell(t.s.askedMessage(ev.View))
	case approval.Changed:
		t.seconded(ev.View)
	case approval.Removed:
		t.s.herald.Withdraw(ev.View.ID)
		t.s.herald.Tell(t.s.decidedMessage(ev.View, ev.Decision), t.reached[ev.View.ID]...)
		delete(t.consents, ev.View.ID)
		delete(t.reached, ev.View.ID)
	case approval.Told:
		t.s.herald.Tell(noticeMessage(ev.Notice))
	case approval.Resync: // what was missed is asked for
		t.all()
	}
}

// all tells of what is held and was not told of.
func (t *teller) all() {
	list := t.s.approvals.List()
	clear(t.consents)
	clear(t.reached)
	for _, v := range list {
		if !slices.ContainsFunc(v.Trail.Sent, func(o approval.Sent) bool { return o.Event == eventAsked }) {
			t.s.herald.Tell(t.s.askedMessage(v)) // keys keep it from being told twice
		}
		if n := len(v.Trail.Consents); n > 0 {
			t.consents[v.ID] = n
		}
		for _, st := range v.Trail.Steps {
			t.reached[v.ID] = append(t.reached[v.ID], st.Channels...)
		}
	}
}

// seconded tells that an approval takes somebody else as well.
func (t *teller) seconded(v approval.View) {
	n := len(v.Trail.Consents)
	if n > t.consents[v.ID] {
		t.s.herald.Tell(t.s.secondedMessage(v), t.reached[v.ID]...)
	}
	if n > 0 {
		t.consents[v.ID] = n
	}
}

// escalate makes every step that is due, and gives the time until the next one. How
// long a request has waited is CLOCK_BOOTTIME's, which nobody sets; what was made
// is in the journal beside the request, so that another supervisor goes on there.
func (t *teller) escalate() time.Duration {
	next := maxPause
	if !t.s.approvals.rota.Escalates() {
		return next
	}
	for _, v := range t.s.approvals.List() {
		k, ok := t.s.approvals.rota.Category(v.Gate, v.Op)
		if !ok || v.Left <= 0 {
			continue
		}
		next = min(next, t.again(v, k))
		for i, st := range k.Escalate {
			switch after := time.Duration(st.After); {
			case v.Trail.Told(i + 1):
			case v.Waited < after:
				next = min(next, after-v.Waited)
			default:
				t.step(v, k.Name, i+1, st.To, after)
			}
		}
	}
	return next
}

// again repeats the last step if that is due, and gives the time until it is. What
// was missed meanwhile is told once.
func (t *teller) again(v approval.View, k config.Category) time.Duration {
	n, every := len(k.Escalate), k.Again()
	if n == 0 || every == 0 || !v.Trail.Told(n) {
		return maxPause
	}
	last := k.Escalate[n-1]
	since := v.Waited - time.Duration(last.After)
	due := int(since / every)
	if due > v.Trail.Again(n) {
		t.repeat(v, k.Name, approval.Stepped{Step: n, To: last.To, After: v.Waited, Again: due})
	}
	return time.Duration(due+1)*every - since
}

// repeat tells the group of the last step once more, over the channels that it
// would not pile up on.
func (t *teller) repeat(v approval.View, category string, st approval.Stepped) {
	now := time.Now()
	m := t.s.repeatedMessage(v, st)
	st.At = now.UTC().Truncate(time.Millisecond)
	st.Channels = t.s.herald.Reachable(m, t.s.approvals.rota.Channels(st.To, now))
	t.s.herald.TellOnly(m, st.Channels)
	for _, c := range st.Channels {
		if !slices.Contains(t.reached[v.ID], c) { // somebody else may stand in by now
			t.reached[v.ID] = append(t.reached[v.ID], c)
		}
	}
	if !t.s.approvals.Step(v.ID, st) {
		t.s.herald.Withdraw(v.ID) // somebody decided meanwhile
		return
	}
	text := fmt.Sprintf("step %d of %s again (%d), after %s: request %s, told %s by %s", st.Step, category, st.Again, show.Duration(st.After), v.ID, st.To, strings.Join(st.Channels, ", "))
	if len(st.Channels) == 0 {
		text = fmt.Sprintf("step %d of %s again (%d), after %s: request %s, no channel of %s is free now", st.Step, category, st.Again, show.Duration(st.After), v.ID, st.To)
	}
	t.s.approvals.escalations.Add(1)
	t.s.notePeople(v.Request, opEscalate, st.To, text, approval.By{})
}

// step tells the group of one step. It is told before that is kept: a crash in
// between tells it again, and not never.
func (t *teller) step(v approval.View, category string, n int, to string, after time.Duration) {
	now := time.Now()
	m := t.s.escalatedMessage(v, n)
	if after == 0 {
		m = t.s.askedMessage(v)
	}
	channels := t.s.approvals.rota.Channels(to, now)
	kept := t.s.herald.TellOnly(m, channels)
	t.reached[v.ID] = append(t.reached[v.ID], channels...)
	st := approval.Stepped{Step: n, To: to, After: after, At: now.UTC().Truncate(time.Millisecond), Channels: channels, Kept: slices.Sorted(maps.Keys(kept))}
	if !t.s.approvals.Step(v.ID, st) {
		t.s.herald.Withdraw(v.ID) // somebody decided meanwhile
		return
	}
	text := fmt.Sprintf("step %d of %s after %s: request %s, told %s by %s", n, category, show.Duration(after), v.ID, to, strings.Join(channels, ", "))
	if len(channels) == 0 {
		text = fmt.Sprintf("step %d of %s after %s: request %s, nobody of %s can be reached", n, category, show.Duration(after), v.ID, to)
		t.s.log.Error("nobody was told of a held request", "request", v.ID, "group", to)
	}
	for _, c := range st.Kept {
		text += fmt.Sprintf("; %s not before %s (quiet hours)", c, kept[c].Format(time.RFC3339))
	}
	t.s.approvals.escalations.Add(1)
	t.s.notePeople(v.Request, opEscalate, to, text, approval.By{})
}

// notePeople records what people were told of a request, or that they looked at it.
func (s *Supervisor) notePeople(r approval.Request, op, name, text string, by approval.By) {
	who := by.String()
	if who != "" {
		who += uidNote(by)
	}
	err := s.audit.append(audit.Record{Time: time.Now(), Jail: r.Jail, Gate: audit.GateSupervisor,
		Subject:  audit.Subject{Op: op, Name: name, Message: text},
		Decision: &audit.Decision{ID: r.ID, Digest: r.Digest, By: who}})
	if err != nil {
		s.log.Error("record what people were told", "request", r.ID, "what", op, "error", err)
	}
}
