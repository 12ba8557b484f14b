package approval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnApprovalReachesTheWaiter(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	w.clock.pass(90 * time.Second)
	if _, err := w.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	d := <-got
	if !d.Allowed() || d.By.Name != "ana" || d.Held != 90*time.Second || d.Digest != v.Digest || d.ID != v.ID {
		t.Errorf("decision %+v", d)
	}
	if len(w.List()) != 0 || len(w.journal.all()) != 0 {
		t.Error("something is left of it")
	}
	if len(w.records) != 1 || !w.records[0].Allowed() {
		t.Errorf("records %+v", w.records)
	}
}

func TestOnceIsOnce(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	if _, err := w.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	<-got
	again, _ := w.hold(push("j1")) // is held again
	if again.ID == v.ID {
		t.Error("the id was used again")
	}
}

func TestAnswersThatDoNotApply(t *testing.T) {
	tests := []struct {
		name   string
		answer func(*world, View) Answer
		before func(*world, View)
		want   error
	}{
		{name: "another digest", want: ErrDigest,
			answer: func(_ *world, v View) Answer { return Answer{ID: v.ID, Digest: strings.Repeat("0", 64), Approve: true} }},
		{name: "no digest", want: ErrDigest,
			answer: func(_ *world, v View) Answer { return Answer{ID: v.ID, Approve: true} }},
		{name: "no such request", want: ErrUnknown,
			answer: func(*world, View) Answer { return Answer{ID: "zzzzzzzz", Approve: true} }},
		{name: "no id", want: ErrUnknown, answer: func(*world, View) Answer { return Answer{} }},
		{name: "decided before", want: ErrDecided, before: func(w *world, v View) { _, _ = w.approve(v, Once()) }},
		{name: "timed out", want: ErrExpired, before: func(w *world, _ View) { w.clock.pass(31 * time.Minute); w.Sweep() }},
		{name: "timed out, not swept yet", want: ErrExpired, before: func(w *world, _ View) { w.clock.pass(30 * time.Minute) }},
		{name: "ended jail", want: ErrJailEnded, before: func(w *world, _ View) { w.EndJail("j1") }},
		{name: "whoever started the jail", want: ErrFourEyes,
			answer: func(_ *world, v View) Answer {
				return Answer{ID: v.ID, Digest: v.Digest, Approve: true, By: By{UID: 1000}}
			}},
		{name: "more wait than were seen", want: ErrMore, before: func(w *world, _ View) {
			w.submit(w.t.Context(), push("j1"))
			w.next(Changed)
		}, answer: func(_ *world, v View) Answer { return Answer{ID: v.ID, Digest: v.Digest, Approve: true, Waiting: 1} }},
		{name: "a scope that is none", want: ErrScope,
			answer: func(_ *world, v View) Answer {
				return Answer{ID: v.ID, Digest: v.Digest, Scope: Scope{Kind: "forever"}}
			}},
		{name: "a time that is none", want: ErrScope,
			answer: func(_ *world, v View) Answer { return Answer{ID: v.ID, Digest: v.Digest, Scope: Scope{Kind: ScopeFor}} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.FourEyes = true })
			v, got := w.hold(push("j1"))
			if tt.before != nil {
				tt.before(w, v)
			}
			a := Answer{ID: v.ID, Digest: v.Digest, Approve: true, By: By{UID: 7}}
			if tt.answer != nil {
				a = tt.answer(w, v)
			}
			_, d, err := w.Decide(a)
			var r *Refusal
			if !errors.Is(err, tt.want) || !errors.As(err, &r) || r.Message == "" || d.Allowed() {
				t.Fatalf("decide: %+v, %v; want %v", d, err, tt.want)
			}
			select {
			case d := <-got:
				if d.Allowed() && tt.want != ErrDecided {
					t.Errorf("the waiter was told %+v", d)
				}
			default:
			}
		})
	}
}

func TestWhoStartedAJailMayDeny(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.FourEyes = true })
	v, got := w.hold(push("j1"))
	if _, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, By: By{UID: 1000}, Reason: "mine"}); err != nil {
		t.Fatal(err)
	}
	if d := <-got; d.Outcome != Rejected || d.Reason != "mine" {
		t.Errorf("%+v", d)
	}
}

func TestHowRequestsEnd(t *testing.T) {
	tests := []struct {
		name string
		end  func(*world, View)
		want string
	}{
		{"nobody answers", func(w *world, _ View) { w.clock.pass(30 * time.Minute); w.Sweep() }, "denied: timed out"},
		{"a human denies", func(w *world, v View) { _, _, _ = w.Decide(Answer{ID: v.ID, Digest: v.Digest}) }, "denied: rejected"},
		{"the jail ends", func(w *world, _ View) { w.EndJail("j1") }, "denied: the jail ended"},
		{"the supervisor stops", func(w *world, _ View) { w.Close() }, "denied: the supervisor stopped"},
		{"the wall clock jumps a day ahead", func(w *world, v View) { w.clock.jump(24 * time.Hour); w.Sweep(); _, _ = w.approve(v, Once()) }, "approved"},
		{"the wall clock jumps a day back", func(w *world, _ View) { w.clock.jump(-24 * time.Hour); w.clock.pass(30 * time.Minute); w.Sweep() }, "denied: timed out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			v, got := w.hold(push("j1"))
			tt.end(w, v)
			if d := <-got; d.Outcome.String() != tt.want || d.Allowed() != (tt.want == "approved") {
				t.Errorf("ended as %q, want %q", d.Outcome, tt.want)
			}
		})
	}
}

func TestIdenticalRequestsFold(t *testing.T) {
	w := newWorld(t)
	first, a := w.hold(push("j1"))
	r := push("j1")
	r.Parents = nil
	b := w.submit(t.Context(), r)
	v := w.next(Changed).View
	if v.ID != first.ID || v.Waiting != 2 || len(w.List()) != 1 {
		t.Fatalf("%+v", v)
	}
	if _, err := w.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	if !(<-a).Allowed() || !(<-b).Allowed() {
		t.Error("not both went on")
	}
	if len(w.records) != 1 {
		t.Errorf("%d records", len(w.records))
	}
}

func TestOtherJailsDoNotFold(t *testing.T) {
	w := newWorld(t)
	a, _ := w.hold(push("j1"))
	b, _ := w.hold(push("j2"))
	if a.ID == b.ID || len(w.List()) != 2 {
		t.Error("two jails share a request")
	}
}

func TestAWaiterThatGoesAway(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	gone := w.submit(ctx, push("j1"))
	v := w.next(Added).View
	stays := w.submit(t.Context(), push("j1"))
	w.next(Changed)
	cancel()
	if d := <-gone; d.Outcome != Withdrawn {
		t.Errorf("%+v", d)
	}
	w.next(Changed)
	if _, err := w.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	if !(<-stays).Allowed() {
		t.Error("the other one was denied")
	}
}

func TestTheLastWaiterTakesTheRequestAlong(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	gone := w.submit(ctx, push("j1"))
	v := w.next(Added).View
	cancel()
	if d := <-gone; d.Outcome != Withdrawn {
		t.Errorf("%+v", d)
	}
	if _, err := w.approve(v, Once()); !errors.Is(err, ErrGone) {
		t.Errorf("approve: %v", err)
	}
}

func TestFlood(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits = Limits{Jail: 3, Total: 5} })
	for i := range 3 {
		w.hold(push("loud", fmt.Sprint(i)))
	}
	d, err := w.Submit(t.Context(), push("loud", "one too many"))
	if err != nil || d.Outcome != Flooded || d.Outcome.String() != "denied: too many open requests" {
		t.Fatalf("%+v, %v", d, err)
	}
	if len(w.records) != 1 || w.records[0].Outcome != Flooded {
		t.Errorf("records %+v", w.records)
	}
	w.hold(push("quiet"))
	w.hold(push("other"))
	if d, _ := w.Submit(t.Context(), push("late")); d.Outcome != Flooded {
		t.Errorf("over the total: %+v", d)
	}
	var jails []string
	for _, v := range w.List() {
		jails = append(jails, v.Jail)
	}
	if got := strings.Join(jails, " "); got != "loud quiet other loud loud" {
		t.Errorf("order %s", got)
	}
}

func TestOneJailsJournalDoesNotHoldUpAnother(t *testing.T) {
	w := newWorld(t)
	w.journal.blocked, w.journal.entered = make(chan struct{}), make(chan struct{}, 1)
	slow := w.submit(t.Context(), push("slow"))
	<-w.journal.entered
	if len(w.List()) != 0 {
		t.Error("shown before it was journaled")
	}
	if _, err := w.Find("x"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	w.EndJail("slow")
	if d := <-w.wait(slow); d.Outcome != JailEnded {
		t.Errorf("%+v", d)
	}
}

// wait lets the journal go on first.
func (w *world) wait(ch <-chan Decision) <-chan Decision {
	close(w.journal.blocked)
	return ch
}

func TestAFullDiskDenies(t *testing.T) {
	w := newWorld(t)
	w.journal.put = errors.New("no space left on device")
	d, err := w.Submit(t.Context(), push("j1"))
	if err != nil || d.Outcome != Unrecorded || !strings.Contains(d.String(), "no space left") {
		t.Fatalf("%+v, %v", d, err)
	}
	if len(w.List()) != 0 || len(w.records) != 1 {
		t.Error("it was shown, or not recorded")
	}
}

func TestAnApprovalThatCannotBeRecordedDenies(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	w.record = errors.New("audit log: no space left on device")
	d, err := w.approve(v, Scope{Kind: ScopeJail})
	if err != nil || d.Outcome != Unrecorded || (<-got).Allowed() {
		t.Fatalf("%+v, %v", d, err)
	}
	w.record = nil
	w.hold(push("j1")) // and nothing was remembered
}

func TestFind(t *testing.T) {
	w := newWorld(t)
	v, _ := w.hold(push("j1"))
	for _, key := range []string{v.ID, v.ID[:5], strings.ToUpper(v.ID[:6]), " " + v.ID} {
		if got, err := w.Find(key); err != nil || got.ID != v.ID {
			t.Errorf("Find(%q): %v", key, err)
		}
	}
	for i := range 40 { // 33 ids cannot all begin differently
		w.hold(push(fmt.Sprint("f", i)))
	}
	ambiguous := 0
	for _, v := range w.List() {
		if _, err := w.Find(v.ID[:1]); errors.Is(err, ErrAmbiguous) {
			ambiguous++
		}
	}
	if ambiguous == 0 {
		t.Error("no beginning is ambiguous")
	}
}

func TestInvalidRequestsAreDenied(t *testing.T) {
	w := newWorld(t)
	for _, r := range []Request{{}, {Jail: "j", Gate: "mind"}, {Jail: "j", Gate: GateFile, Path: strings.Repeat("a", MaxPath+1)},
		{Jail: "j", Gate: GateExec, Notes: make([]string, MaxLines+1)}} {
		d, err := w.Submit(t.Context(), r)
		if err == nil || d.Allowed() {
			t.Errorf("%+v was taken: %+v", r.Gate, d)
		}
	}
}

func TestARejectionAnswersForAMoment(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	if _, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Reason: "no", By: By{UID: 7}}); err != nil {
		t.Fatal(err)
	}
	<-got
	d, err := w.Submit(t.Context(), push("j1"))
	if err != nil || d.Outcome != Rejected || d.Grant != v.ID || d.Reason != "no" || len(w.records) != 2 {
		t.Errorf("at once: %+v, %v, %d records", d, err, len(w.records))
	}
	w.hold(push("j1", "--force")) // something else asks
	w.clock.pass(rejectedFor)
	w.hold(push("j1")) // and so does the same, later
}
