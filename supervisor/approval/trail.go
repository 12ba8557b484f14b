package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of a trail; the table in doc.go lists them.
const (
	MaxSeen     = 32
	MaxSent     = 64
	MaxStepped  = 16
	MaxConsents = 8
)

// Rule is what an operator decided about requests of one kind.
type Rule struct {
	Category string // empty: none is about it
	Severity string
	People   int // different ones that an approval takes; 0: one
}

// Trail is what people were told of a request, who looked at it, and who
// approved it so far. The digest does not cover it.
type Trail struct {
	Rule     Rule // not kept: the configuration says it
	Steps    []Stepped
	Sent     []Sent
	Seen     []Seen
	Consents []Consent
}

// Stepped is a step of an escalation that was made.
type Stepped struct {
	Step  int // from 1
	To    string
	After time.Duration // that the request had waited
	At    time.Time
	// Channels are those that the step was for; Kept those of them that quiet
	// hours keep it from.
	Channels, Kept []string
	// Again counts from 1 how often the step was repeated; 0 is the first time.
	Again int
}

// Sent is what became of one message.
type Sent struct {
	Event   string // asked, escalated, seconded
	Channel string
	Outcome string // sent, givenup, quiet…
	At      time.Time
}

// Seen is somebody who looked at all of a request.
type Seen struct {
	By By
	At time.Time
}

// Consent is an approval that takes further people.
type Consent struct {
	By      By
	At      time.Time
	Scope   Scope
	Reason  string
	Waiting int // identical calls that this person saw; 0: not told
}

// Trails keeps trails over a restart, as a Journal keeps requests. latest gives
// the trail as it is when it is written, so that an older one never takes the
// place of a newer one; it is false when the request has ended. Remove of the
// Journal removes trails with their requests.
type Trails interface {
	PutTrail(id string, latest func() (Trail, bool)) error
}

// clone is for those who do not hold Queue.mu.
func (t Trail) clone() Trail {
	t.Steps, t.Sent, t.Seen, t.Consents = slices.Clone(t.Steps), slices.Clone(t.Sent), slices.Clone(t.Seen), slices.Clone(t.Consents)
	return t
}

// Needs is how many more people have to approve.
func (t Trail) Needs() int { return max(1, t.Rule.People) - len(t.Consents) }

// Told reports whether a step was made.
func (t Trail) Told(step int) bool {
	return slices.ContainsFunc(t.Steps, func(s Stepped) bool { return s.Step == step })
}

// Again is how often a step was repeated.
func (t Trail) Again(step int) int {
	for _, s := range t.Steps {
		if s.Step == step && s.Again > 0 {
			return s.Again
		}
	}
	return 0
}

// Severity is how much a request matters, from what it touches.
func Severity(r Request) string {
	if slices.ContainsFunc(r.Impact, func(l string) bool { return strings.HasPrefix(l, touchesMoney+":") }) {
		return "critical"
	}
	switch r.Reversible {
	case ReversibleNo:
		return "high"
	case ReversibleYes:
		return "low"
	}
	return "medium"
}

// See notes that somebody looked at a request, once for each person, and gives
// it as it is then. first is false for who did so before.
func (q *Queue) See(key string, by By) (v View, first bool, err error) {
	q.mu.Lock()
	e, err := q.find(key)
	if err != nil {
		q.mu.Unlock()
		return View{}, false, err
	}
	t := &e.trail
	first = len(t.Seen) < MaxSeen && !slices.ContainsFunc(t.Seen, func(s Seen) bool { return s.By.Same(by) })
	if first {
		t.Seen = append(t.Seen, Seen{By: by, At: q.clock.Wall().UTC().Truncate(time.Millisecond)})
		if e.state == open {
			q.publish(Event{Kind: Changed, View: q.view(e)})
		}
	}
	v = q.view(e)
	q.mu.Unlock()
	if first {
		q.keepTrail(v.ID)
	}
	return v, first, nil
}

// Ended gives how a request ended, and what people were told, saw and said of it
// until then. The last MaxDecided are remembered; the audit log has all of them.
func (q *Queue) Ended(id string) (Decision, Trail, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c, ok := q.done.get(id)
	return c.decision, c.trail.clone(), ok
}

// Step notes that a step of an escalation was made. It is false when the request
// has ended meanwhile.
func (q *Queue) Step(id string, s Stepped) bool {
	return q.note(id, func(t *Trail) {
		i := slices.IndexFunc(t.Steps, func(o Stepped) bool { return o.Step == s.Step && o.Again > 0 })
		switch {
		case s.Again > 0 && i >= 0:
			t.Steps[i] = s // the last time is what matters; the audit log has all
		case len(t.Steps) < MaxStepped && (s.Again > 0 || !t.Told(s.Step)):
			t.Steps = append(t.Steps, s)
		}
	})
}

// Deliver notes what became of a message about a request. A later word about the
// same message to the same channel takes the place of the earlier one.
func (q *Queue) Deliver(id string, s Sent) bool {
	return q.note(id, func(t *Trail) {
		i := slices.IndexFunc(t.Sent, func(o Sent) bool { return o.Event == s.Event && o.Channel == s.Channel })
		switch {
		case i >= 0:
			t.Sent[i] = s
		case len(t.Sent) < MaxSent:
			t.Sent = append(t.Sent, s)
		}
	})
}

func (q *Queue) note(id string, change func(*Trail)) bool {
	q.mu.Lock()
	e := q.byID[id]
	if e == nil || e.state > open {
		q.mu.Unlock()
		return false
	}
	change(&e.trail)
	q.mu.Unlock()
	q.keepTrail(id)
	return true
}

// keepTrail makes a trail durable. What is lost is noted again: people are told
// or counted once more, which is the safe way to forget.
func (q *Queue) keepTrail(id string) {
	if q.opt.Trails == nil {
		return
	}
	err := q.opt.Trails.PutTrail(id, func() (Trail, bool) {
		q.mu.Lock()
		defer q.mu.Unlock()
		e := q.byID[id]
		if e == nil {
			return Trail{}, false
		}
		return e.trail.clone(), true
	})
	if err != nil && q.opt.OnError != nil {
		q.opt.OnError(fmt.Errorf("keep who was told of request %s: %w", id, err))
	}
}

// Follow brings back the trails of restored requests. Those of others are left
// alone: the journal removes them with their requests.
func (q *Queue) Follow(kept map[string]Trail) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, t := range kept {
		if e := q.byID[id]; e != nil {
			t.Rule = e.trail.Rule
			e.trail = t
		}
	}
}

// rule asks what the operator decided about a request.
func (q *Queue) rule(r Request) Rule {
	var out Rule
	if q.opt.Rules != nil {
		out = q.opt.Rules(r)
	}
	out.Severity = cmp.Or(out.Severity, Severity(r))
	out.People = min(max(1, out.People), MaxConsents)
	return out
}
