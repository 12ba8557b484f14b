package approval

import (
	"context"
	"slices"
	"time"
)

// Decide applies an approver's answer. What it returns is what the waiters got.
// An error is a *Refusal: nothing was decided by this answer.
func (q *Queue) Decide(a Answer) (Request, Decision, error) {
	if a.Scope == (Scope{}) {
		a.Scope = Once()
	}
	e, enough, err := q.claim(a)
	if err != nil {
		return Request{}, Decision{}, err
	}
	if !enough {
		return q.consent(e, a)
	}
	q.begin(e)
	r := e.request
	q.mu.Unlock()
	d := Decision{Outcome: Rejected, Scope: a.Scope, By: a.By, Reason: clipText(a.Reason, MaxReason), File: clipText(a.File, MaxPath)}
	if a.Approve {
		d.Outcome = Approved
	}
	d = q.settle(e, d)
	if a.Scope.Kind != ScopeOnce {
		q.keepScope(r)
	}
	q.forget(r.ID)
	return r, d, nil
}

// claim finds the request that an answer applies to, and says if the answer is
// enough to decide it. It waits for an approval that is being recorded. Without
// an error Queue.mu is held.
func (q *Queue) claim(a Answer) (e *entry, enough bool, err error) {
	for {
		q.mu.Lock()
		if e, err = q.check(a); err != nil {
			q.mu.Unlock()
			return nil, false, err
		}
		if done := e.recording; done != nil {
			q.mu.Unlock()
			<-done
			continue
		}
		enough = true
		if a.Approve {
			enough, err = q.consenting(e, a)
		}
		if err != nil {
			q.mu.Unlock()
			return nil, false, err
		}
		return e, enough, nil
	}
}

// check says whether an answer applies to an open request.
func (q *Queue) check(a Answer) (*entry, error) {
	if err := a.Scope.Validate(); err != nil {
		return nil, refuse(ErrScope, a.ID, "", "%v", err)
	}
	e, err := q.find(a.ID)
	if err != nil {
		return nil, err
	}
	r := &e.request
	now := q.clock.Boot()
	switch {
	case e.state == deciding:
		return nil, refuse(ErrDecided, r.ID, "", "request %s is being decided by somebody else", r.ID)
	case now >= r.Deadline:
		// The sweep has not come by yet; the time is up all the same.
		return nil, refuseClosed(Decision{ID: r.ID, Outcome: TimedOut, At: q.clock.Wall()})
	case a.Digest == "":
		return nil, refuse(ErrDigest, r.ID, "", "the answer to request %s does not name the digest of what was shown", r.ID)
	case a.Digest != r.Digest:
		return nil, refuse(ErrDigest, r.ID, "look at it again: clawjail pending "+r.ID,
			"request %s is not what was shown: its digest is %s", r.ID, r.Digest)
	case a.Approve && q.opt.FourEyes && slices.Contains(a.By.accounts(), r.StartedBy):
		return nil, refuse(ErrFourEyes, r.ID, "somebody else has to approve it",
			"user %d started the jail of request %s, and may not approve for it (four_eyes)", r.StartedBy, r.ID)
	case a.Approve && a.Waiting > 0 && r.Waiting > a.Waiting:
		return nil, refuse(ErrMore, r.ID, "look at it again: clawjail pending "+r.ID,
			"request %s: %d identical calls wait, %d were shown", r.ID, r.Waiting, a.Waiting)
	case a.Scope.Kind != ScopeOnce && !q.grants.room(*r, now):
		return nil, refuse(ErrFull, r.ID, "decide this one with --once, or write a rule into the policy",
			"request %s: too many decisions are remembered already (%d of a jail, %d in all)", r.ID, MaxGrants, MaxAllGrants)
	}
	return e, nil
}

// EndJail ends the requests of a jail that ended, forgets its scopes, and
// answers every later request of it with JailEnded.
func (q *Queue) EndJail(jail string) {
	q.mu.Lock()
	q.ended.put(jail, struct{}{})
	scopes := q.grants.drop(jail)
	var mine []*entry
	for _, e := range q.byID {
		if e.request.Jail == jail && q.begin(e) {
			mine = append(mine, e)
		}
	}
	q.mu.Unlock()
	q.settleAll(mine, Decision{Outcome: JailEnded})
	q.dropScopes(scopes)
}

// Contain denies the requests of a jail that an incident stopped, and forgets
// its scopes. Later requests wait as any.
func (q *Queue) Contain(jail, reason string) int {
	q.mu.Lock()
	scopes := q.grants.drop(jail)
	var mine []*entry
	for _, e := range q.byID {
		if e.request.Jail == jail && q.begin(e) {
			mine = append(mine, e)
		}
	}
	q.mu.Unlock()
	q.settleAll(mine, Decision{Outcome: Denied, Reason: clipText(reason, MaxReason)})
	q.dropScopes(scopes)
	return len(mine)
}

// Sweep ends the requests whose time is up and says how long nothing else will
// end: at most maxNap. Run calls it.
func (q *Queue) Sweep() time.Duration {
	q.mu.Lock()
	now := q.clock.Boot()
	nap := maxNap
	var late []*entry
	for _, e := range q.byID {
		switch left := e.request.Deadline - now; {
		case e.state != open:
		case left > 0:
			nap = min(nap, left)
		case q.begin(e):
			late = append(late, e)
		}
	}
	q.grants.expire(now)
	over := q.grants.ranOut()
	q.next = now + nap
	q.mu.Unlock()
	q.settleAll(late, Decision{Outcome: TimedOut})
	q.dropScopes(over)
	return nap
}

// maxNap bounds the time between two sweeps. Timers stand still while the host
// is suspended and CLOCK_BOOTTIME does not; so much later than its deadline may
// a request be told of it. It cannot be approved in that time.
const maxNap = 10 * time.Second

// Run lets requests expire until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	for {
		timer, stop := q.clock.Timer(q.Sweep())
		select {
		case <-timer:
		case <-q.wake:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
	}
}

// poke makes Run look at the deadlines again, if one is earlier than it knows.
// Queue.mu is held.
func (q *Queue) poke(deadline time.Duration) {
	if deadline >= q.next {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default: // it has not looked since the last time
	}
}

// Restore brings back the requests that were open when the supervisor ended.
// They wait for their waiters, which Submit with the same ID or the same
// content. Those of another boot are dropped: nobody waits for them. Call it
// before the first Submit. It gives what is open now.
func (q *Queue) Restore(journaled []Request) []View {
	var dropped []string
	q.mu.Lock()
	for _, r := range journaled {
		if r.Boot != q.opt.Boot || q.byID[r.ID] != nil || q.full(r.Jail) != "" {
			dropped = append(dropped, r.ID)
			continue
		}
		r.Waiting = 0
		e := &entry{request: r, state: open, restored: true, done: make(chan struct{})}
		e.trail.Rule = q.rule(r)
		q.insert(e)
		q.poke(r.Deadline)
	}
	q.mu.Unlock()
	q.forget(dropped...)
	return q.List()
}

// Retain ends the requests and forgets the scopes of jails that are not alive.
// Restore and Recall bring back those of every jail; call this when it is known
// which jails came back too.
func (q *Queue) Retain(alive func(jail string) bool) {
	gone := map[string]bool{}
	for _, v := range q.List() {
		gone[v.Jail] = true
	}
	q.mu.Lock()
	for jail := range q.grants.jails {
		gone[jail] = true
	}
	q.mu.Unlock()
	for jail := range gone {
		gone[jail] = !alive(jail)
	}
	for jail, is := range gone {
		if is {
			q.EndJail(jail)
		}
	}
}

// Close answers every waiter with Interrupted and leaves the open requests in
// the journal. Later requests are denied.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	var all []*entry
	for _, e := range q.byID {
		if q.begin(e) {
			all = append(all, e)
		}
	}
	q.mu.Unlock()
	for _, e := range all {
		q.settle(e, Decision{Outcome: Interrupted})
	}
	q.EndWatches()
}
