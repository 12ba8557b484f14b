package approval

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestScopes(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1", "origin"))
	if _, err := w.approve(v, Scope{Kind: ScopeFor, For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	<-got
	d, err := w.Submit(t.Context(), push("j1", "origin"))
	if err != nil || !d.Allowed() || d.Grant != v.ID || d.ID != "" || d.By.Name != "ana" {
		t.Fatalf("within the hour: %+v, %v", d, err)
	}
	if n := len(w.records); n != 2 || w.records[1].Grant != v.ID {
		t.Errorf("%d records", n)
	}
	w.hold(push("j1", "elsewhere")) // other arguments
	w.hold(push("j2", "origin"))    // another jail
	other := push("j1", "origin")
	other.Cwd = "/elsewhere"
	w.hold(other) // another directory
	w.clock.jump(-48 * time.Hour)
	w.clock.pass(time.Hour)
	w.hold(push("j1", "origin")) // the hour is over, whatever the wall clock says
}

func TestJailScopeEndsWithTheJail(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	if _, err := w.approve(v, Scope{Kind: ScopeJail}); err != nil {
		t.Fatal(err)
	}
	<-got
	w.clock.pass(100 * 24 * time.Hour)
	w.Sweep()
	if d, _ := w.Submit(t.Context(), push("j1")); !d.Allowed() {
		t.Errorf("%+v", d)
	}
	w.EndJail("j1")
	if d, _ := w.Submit(t.Context(), push("j1")); d.Outcome != JailEnded {
		t.Errorf("%+v", d)
	}
}

func TestADenialCanLastToo(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	if _, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Scope: Scope{Kind: ScopeJail}, Reason: "never"}); err != nil {
		t.Fatal(err)
	}
	<-got
	if d, _ := w.Submit(t.Context(), push("j1")); d.Outcome != Rejected || d.Reason != "never" {
		t.Errorf("%+v", d)
	}
}

func TestTheTableOfScopesIsBounded(t *testing.T) {
	w := newWorld(t)
	for i := range MaxGrants {
		v, got := w.hold(push("j1", fmt.Sprint(i)))
		if _, err := w.approve(v, Scope{Kind: ScopeJail}); err != nil {
			t.Fatal(err)
		}
		<-got
	}
	v, got := w.hold(push("j1", "one more"))
	if _, err := w.approve(v, Scope{Kind: ScopeJail}); !errors.Is(err, ErrFull) {
		t.Fatalf("approve: %v", err)
	}
	if _, err := w.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	if !(<-got).Allowed() {
		t.Error("a single use was denied")
	}
}

func TestDeletionsShareTheLimit(t *testing.T) {
	w := newWorld(t)
	del := func(path string) Request {
		return Request{Jail: "j1", Gate: GateDelete, Op: "unlink", Path: path, Rule: "delete"}
	}
	v, got := w.hold(del("/w/a"))
	if _, err := w.approve(v, Scope{Kind: ScopeFor, For: time.Minute}); err != nil {
		t.Fatal(err)
	}
	<-got
	if d, _ := w.Submit(t.Context(), del("/w/b")); !d.Allowed() {
		t.Errorf("%+v", d)
	}
}
