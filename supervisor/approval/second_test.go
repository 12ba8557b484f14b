package approval

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// payments takes two people for everything.
func payments(o *Options) {
	o.Rules = func(Request) Rule { return Rule{Category: "payments", People: 2} }
}

func uid(n uint32) *uint32 { return &n }

var (
	ana  = By{UID: 1001, Name: "ana", Person: "ana"}
	ben  = By{UID: 1002, Name: "ben"}
	cleo = By{UID: NoAccount, Name: "cleo (console, approver)", Person: "cleo"}
)

func (w *world) as(by By, v View, approve bool) (Decision, error) {
	_, d, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Approve: approve, By: by, Waiting: v.Waiting})
	return d, err
}

func TestTwoPeopleApprove(t *testing.T) {
	w := newWorld(t, payments)
	v, got := w.hold(push("j1"))
	d, err := w.as(ana, v, true)
	if err != nil || d.Outcome != Seconding || d.Allowed() || d.Needs != 1 {
		t.Fatalf("the first: %+v, %v", d, err)
	}
	if ev := w.next(Changed); len(ev.View.Trail.Consents) != 1 || ev.View.Trail.Needs() != 1 || ev.View.Trail.Consents[0].By != ana {
		t.Errorf("shown to the others: %+v", ev.View.Trail)
	}
	select {
	case d := <-got:
		t.Fatalf("it went on with one: %+v", d)
	default:
	}
	if d, err = w.as(cleo, v, true); err != nil || !d.Allowed() || d.With != "ana" {
		t.Fatalf("the second: %+v, %v", d, err)
	}
	if d := <-got; !d.Allowed() || d.By != cleo {
		t.Errorf("%+v", d)
	}
	if len(w.records) != 2 || w.records[0].Outcome != Seconding || w.records[1].Outcome != Approved {
		t.Errorf("%+v", w.records)
	}
}

// One person is one person by whatever name, and is told so.
func TestOnePersonTwice(t *testing.T) {
	tests := []struct {
		name          string
		first, second By
	}{
		{"the same account", ana, By{UID: 1001, Name: "ana"}},
		{"the console and the command line", cleo, By{UID: 1003, Name: "cleo", Person: "cleo"}},
		{"with the account that the console knows", By{UID: 1001, Name: "ana (console, admin)", Person: "ana.k"}, ana},
		{"as root with sudo", ana, By{UID: 0, Name: "root", Login: uid(1001)}},
		{"first as root with sudo", By{UID: 0, Name: "root", Login: uid(1001)}, ana},
		{"root and root", By{UID: 0, Name: "root", Login: uid(1001)}, By{UID: 0, Name: "root", Login: uid(1002)}},
		{"in somebody's place", ana, By{UID: 1001, Name: "ana", Person: "ana", For: "ben"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, payments)
			v, got := w.hold(push("j1"))
			if _, err := w.as(tt.first, v, true); err != nil {
				t.Fatal(err)
			}
			_, err := w.as(tt.second, v, true)
			var r *Refusal
			if !errors.Is(err, ErrSame) || !errors.As(err, &r) || !strings.Contains(r.Message, "takes 2 different people (four_eyes of payments)") || r.Hint == "" {
				t.Fatalf("%v", err)
			}
			if _, err := w.as(ben, v, true); err != nil {
				t.Fatal(err)
			}
			if !(<-got).Allowed() {
				t.Error("two people are not enough")
			}
		})
	}
}

// One person denies, before or after another approved.
func TestOnePersonDenies(t *testing.T) {
	w := newWorld(t, payments)
	v, got := w.hold(push("j1"))
	if _, err := w.as(ana, v, true); err != nil {
		t.Fatal(err)
	}
	if d, err := w.as(ana, v, false); err != nil || d.Outcome != Rejected { // she thought again
		t.Fatalf("%+v, %v", d, err)
	}
	if d := <-got; d.Outcome != Rejected {
		t.Errorf("%+v", d)
	}
	if _, err := w.as(cleo, v, true); !errors.Is(err, ErrDecided) || !strings.Contains(err.Error(), "already denied by ana") {
		t.Errorf("%v", err)
	}
}

func TestScopesOfTwo(t *testing.T) {
	w := newWorld(t, payments)
	v, got := w.hold(push("j1"))
	as := func(by By, s Scope) error {
		_, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Approve: true, By: by, Scope: s})
		return err
	}
	if err := as(ana, Scope{Kind: ScopeAlways}); !errors.Is(err, ErrScope) {
		t.Errorf("always: %v", err)
	}
	if err := as(ana, Scope{Kind: ScopeFor, For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []Scope{{Kind: ScopeFor, For: 2 * time.Hour}, {Kind: ScopeJail}} {
		if err := as(ben, s); !errors.Is(err, ErrScope) || !strings.Contains(err.Error(), "for 1h, and not") {
			t.Errorf("%s: %v", s, err)
		}
	}
	if err := as(ben, Scope{Kind: ScopeFor, For: time.Minute}); err != nil {
		t.Fatal(err)
	}
	<-got
	w.clock.pass(time.Minute)
	w.hold(push("j1")) // the shorter one holds
}

// Who approved three calls did not approve a fourth.
func TestMoreCallsThanTheFirstSaw(t *testing.T) {
	w := newWorld(t, payments)
	v, got := w.hold(push("j1"))
	if _, err := w.as(ana, v, true); err != nil {
		t.Fatal(err)
	}
	w.next(Changed)
	second := w.submit(t.Context(), push("j1"))
	v = w.next(Changed).View
	if v.Waiting != 2 {
		t.Fatalf("%+v", v)
	}
	if d, err := w.as(ben, v, true); err != nil || d.Allowed() || d.Needs != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if d, err := w.as(ana, v, true); err != nil || !d.Allowed() { // who is not counted twice: the first look was another
		t.Fatalf("%+v, %v", d, err)
	}
	if !(<-got).Allowed() || !(<-second).Allowed() {
		t.Error("they do not go on")
	}
}

// An approval that could not be recorded does not count.
func TestTheFirstIsNotRecorded(t *testing.T) {
	w := newWorld(t, payments)
	v, _ := w.hold(push("j1"))
	record := w.opt.OnDecision
	w.opt.OnDecision = func(Request, Decision) error { return errors.New("the disk is full") }
	if _, err := w.as(ana, v, true); !errors.Is(err, ErrUnrecorded) || !strings.Contains(err.Error(), "does not count") {
		t.Fatalf("%v", err)
	}
	w.opt.OnDecision = record
	if d, err := w.as(ben, v, true); err != nil || d.Allowed() {
		t.Errorf("%+v, %v", d, err)
	}
}

// However many approve and deny at once: it goes on only if two different people
// approved, and everybody is told what came of it.
func TestApproversAtOnce(t *testing.T) {
	for round := range 100 {
		w := newWorld(t, payments)
		v, got := w.hold(push("j1"))
		var all sync.WaitGroup
		var mu sync.Mutex
		decided := map[Outcome]int{}
		for n := range 6 {
			all.Go(func() {
				by := By{UID: uint32(1000 + n%3), Name: fmt.Sprint("u", n%3)} // each twice
				approve := round%2 == 0 || n != 5
				d, err := w.as(by, v, approve)
				var r *Refusal
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					decided[d.Outcome]++
				case !errors.As(err, &r) || !errors.Is(err, ErrSame) && !errors.Is(err, ErrDecided):
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		end := <-got
		switch end.Outcome {
		case Approved:
			if decided[Seconding] != 1 || decided[Approved] != 1 || decided[Rejected] != 0 || end.With == "" || end.With == end.By.Name {
				t.Fatalf("%v, %+v", decided, end)
			}
		case Rejected:
			if round%2 == 0 || decided[Rejected] != 1 || decided[Approved] != 0 || decided[Seconding] > 1 {
				t.Fatalf("%v, %+v", decided, end)
			}
		default:
			t.Fatalf("%+v", end)
		}
		w.Close()
	}
}

// The time runs out while the first approval is recorded.
func TestItEndsWhileTheFirstIsRecorded(t *testing.T) {
	w := newWorld(t, payments)
	v, got := w.hold(push("j1"))
	record := w.opt.OnDecision
	w.opt.OnDecision = func(r Request, d Decision) error {
		if d.Outcome == Seconding {
			w.clock.pass(DefaultTimeout)
			w.Sweep()
		}
		return record(r, d)
	}
	if _, err := w.as(ana, v, true); !errors.Is(err, ErrExpired) {
		t.Errorf("%v", err)
	}
	if d := <-got; d.Outcome != TimedOut {
		t.Errorf("%+v", d)
	}
}

func TestSeen(t *testing.T) {
	w := newWorld(t)
	v, _ := w.hold(push("j1"))
	for _, tt := range []struct {
		by    By
		first bool
	}{{ana, true}, {ana, false}, {cleo, true}, {By{UID: 1001, Name: "ana (console)", Person: "x"}, false}, {ben, true}} {
		got, first, err := w.See(v.ID[:4], tt.by)
		if err != nil || first != tt.first || got.ID != v.ID {
			t.Errorf("%s: %v, %v", tt.by, first, err)
		}
	}
	if ev := w.next(Changed); len(ev.View.Trail.Seen) != 1 || ev.View.Trail.Seen[0].By != ana {
		t.Errorf("%+v", ev.View.Trail)
	}
	for n := range MaxSeen {
		if _, _, err := w.See(v.ID, By{UID: uint32(5000 + n)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.List()[0].Trail.Seen; len(got) != MaxSeen {
		t.Errorf("%d are remembered", len(got))
	}
	if _, _, err := w.See("nothing", ana); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
}

func TestSeverity(t *testing.T) {
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Impact: []string{"money: pays"}, Reversible: ReversibleNo}, "critical"},
		{Request{Impact: []string{"data: removes it"}, Reversible: ReversibleNo}, "high"},
		{Request{Reversible: ReversibleYes}, "low"},
		{Request{}, "medium"},
	} {
		if got := Severity(tt.r); got != tt.want {
			t.Errorf("%+v: %s", tt.r, got)
		}
	}
}

// What was told, seen and approved outlives the queue, and what ended leaves
// nothing.
func TestTrailsOutliveTheQueue(t *testing.T) {
	kept := &trailBook{trails: map[string]Trail{}}
	w := newWorld(t, payments, func(o *Options) { o.Trails = kept })
	v, got := w.hold(push("j1"))
	if _, err := w.as(ana, v, true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.See(v.ID, ben); err != nil {
		t.Fatal(err)
	}
	if _, _, ended := w.Ended(v.ID); ended {
		t.Error("it has ended")
	}
	if !w.Step(v.ID, Stepped{Step: 1, To: "oncall"}) || !w.Step(v.ID, Stepped{Step: 1, To: "twice"}) ||
		!w.Deliver(v.ID, Sent{Event: "asked", Channel: "pager", Outcome: "later"}) || !w.Deliver(v.ID, Sent{Event: "asked", Channel: "pager", Outcome: "sent"}) {
		t.Error("it is not open")
	}
	w.Close()
	<-got
	next := newWorld(t, payments, func(o *Options) { o.Trails, o.Journal, o.Boot, o.Clock = kept, w.journal, "boot-1", w.clock })
	next.Restore(w.journal.all())
	next.Follow(kept.trails)
	trail := next.List()[0].Trail
	if trail.Needs() != 1 || len(trail.Seen) != 1 || len(trail.Steps) != 1 || !trail.Told(1) || trail.Told(2) || len(trail.Sent) != 1 || trail.Sent[0].Outcome != "sent" {
		t.Errorf("%+v", trail)
	}
	if _, err := next.as(ana, v, true); !errors.Is(err, ErrSame) {
		t.Errorf("the first again: %v", err)
	}
	if d, err := next.as(ben, v, true); err != nil || !d.Allowed() {
		t.Errorf("%+v, %v", d, err)
	}
	if d, trail, ended := next.Ended(v.ID); !ended || !d.Allowed() || d.With != "ana" || len(trail.Seen) != 1 {
		t.Errorf("%+v, %+v", d, trail)
	}
	if next.Step(v.ID, Stepped{Step: 2}) || next.Deliver(v.ID, Sent{}) {
		t.Error("a decided request is still told of")
	}
}

type trailBook struct {
	mu     sync.Mutex
	trails map[string]Trail
}

func (b *trailBook) PutTrail(id string, latest func() (Trail, bool)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := latest(); ok {
		b.trails[id] = t
	}
	return nil
}
