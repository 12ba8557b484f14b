package approval

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// NoAccount stands where the uid of a person does who has none on this host.
const NoAccount = math.MaxUint32

// Same reports whether two are known to be one person.
func (b By) Same(o By) bool {
	if b.Person != "" && b.Person == o.Person {
		return true
	}
	for _, mine := range b.accounts() {
		if slices.Contains(o.accounts(), mine) {
			return true
		}
	}
	return false
}

// accounts are the accounts of this host that are known to be somebody's.
func (b By) accounts() []uint32 {
	var out []uint32
	if b.UID != NoAccount {
		out = append(out, b.UID)
	}
	if b.Login != nil {
		out = append(out, *b.Login)
	}
	return out
}

// consenting says whether an approval is enough, with those that were given, or
// why it does not count. Queue.mu is held.
func (q *Queue) consenting(e *entry, a Answer) (enough bool, err error) {
	need := e.trail.Rule.People
	if need <= 1 {
		return true, nil
	}
	r := &e.request
	category := e.trail.Rule.Category
	if a.Scope.Kind == ScopeAlways {
		return false, refuse(ErrScope, r.ID, "approve it once; a rule that allows it is written by hand",
			"request %s takes %d people (four_eyes of %s), and one of them cannot allow it for ever", r.ID, need, category)
	}
	valid := e.standing()
	for _, c := range valid {
		switch {
		case c.By.Same(a.By):
			return false, refuse(ErrSame, r.ID, "somebody else has to approve it as well",
				"%s approved request %s already: it takes %d different people (four_eyes of %s)", c.By, r.ID, need, category)
		case a.Scope.wider(c.Scope):
			return false, refuse(ErrScope, r.ID, fmt.Sprintf("approve it %s as well, or deny it", c.Scope),
				"%s approved request %s %s, and not %s", c.By, r.ID, c.Scope, a.Scope)
		}
	}
	return len(valid)+1 >= need, nil
}

// standing are the approvals that still count: whoever saw fewer identical calls
// than wait now approved something else.
func (e *entry) standing() []Consent {
	return slices.DeleteFunc(slices.Clone(e.trail.Consents), func(c Consent) bool {
		return c.Waiting > 0 && c.Waiting < e.request.Waiting
	})
}

// wider reports whether a scope reaches further than another.
func (s Scope) wider(than Scope) bool {
	order := []ScopeKind{ScopeOnce, ScopeFor, ScopeJail, ScopeAlways}
	a, b := slices.Index(order, s.Kind), slices.Index(order, than.Kind)
	return a > b || a == b && s.For > than.For
}

// consent takes an approval that is not enough: it is recorded, kept, and shown
// to whoever decides next. The caller holds Queue.mu, which is let go.
func (q *Queue) consent(e *entry, a Answer) (Request, Decision, error) {
	r := e.request
	c := Consent{By: a.By, At: q.clock.Wall().UTC().Truncate(time.Millisecond), Scope: a.Scope, Reason: clipText(a.Reason, MaxReason), Waiting: a.Waiting}
	given := append(e.standing(), c)
	done := make(chan struct{})
	e.recording = done
	q.mu.Unlock()

	d := Decision{ID: r.ID, Digest: r.Digest, Outcome: Seconding, Scope: a.Scope, By: a.By, Reason: c.Reason, Held: q.clock.Boot() - r.Asked,
		At: c.At, Needs: e.trail.Rule.People - len(given), Category: e.trail.Rule.Category}
	err := q.opt.OnDecision(r, d)

	q.mu.Lock()
	e.recording = nil
	close(done)
	ended := e.state > open
	if err == nil && !ended {
		e.trail.Consents = given
		q.publish(Event{Kind: Changed, View: q.view(e)})
	}
	prior := e.decision
	q.mu.Unlock()
	switch {
	case err != nil:
		return Request{}, Decision{}, refuse(ErrUnrecorded, r.ID, "", "the approval of request %s could not be recorded, and does not count: %v", r.ID, err)
	case ended && prior.ID == "":
		return Request{}, Decision{}, refuse(ErrDecided, r.ID, "", "request %s was decided by somebody else meanwhile", r.ID)
	case ended:
		return Request{}, Decision{}, refuseClosed(prior)
	}
	q.keepTrail(r.ID)
	return r, d, nil
}

// together names everybody whose approvals made one.
func (e *entry) together() string {
	var names []string
	for _, c := range e.standing() {
		names = append(names, c.By.String())
	}
	return strings.Join(names, ", ")
}
