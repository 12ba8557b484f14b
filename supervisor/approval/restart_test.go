package approval

import (
	"testing"
	"time"
)

// restart gives the queue of the next supervisor over the same journal.
func (w *world) restart(boot string) *world {
	w.t.Helper()
	w.Close()
	next := newWorld(w.t, func(o *Options) { o.Journal, o.Boot, o.Clock = w.journal, boot, w.clock })
	next.journal, next.clock = w.journal, w.clock
	return next
}

func TestRestart(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	w.clock.pass(10 * time.Minute)
	w2 := w.restart("boot-1")
	if d := <-got; d.Outcome != Interrupted {
		t.Fatalf("%+v", d)
	}
	if len(w.records) != 0 {
		t.Errorf("an interruption is no decision: %+v", w.records)
	}
	views := w2.Restore(w.journal.all())
	if len(views) != 1 || views[0].ID != v.ID || views[0].Digest != v.Digest || views[0].Left != 20*time.Minute {
		t.Fatalf("%+v", views)
	}
	r := push("j1")
	r.ID = v.ID
	again := w2.submit(t.Context(), r)
	w2.next(Changed)
	if _, err := w2.approve(v, Once()); err != nil {
		t.Fatal(err)
	}
	if d := <-again; !d.Allowed() || d.Held != 10*time.Minute {
		t.Errorf("%+v", d)
	}
}

func TestADecisionBeforeTheWaiterIsBack(t *testing.T) {
	w := newWorld(t)
	v, got := w.hold(push("j1"))
	w2 := w.restart("boot-1")
	<-got
	w2.Restore(w.journal.all())
	if _, err := w2.approve(View{Request: Request{ID: v.ID, Digest: v.Digest}}, Once()); err != nil {
		t.Fatal(err)
	}
	stranger := push("j1", "other")
	stranger.ID = v.ID
	w2.hold(stranger) // the id alone is worth nothing
	r := push("j1")
	r.ID = v.ID
	if d, err := w2.Submit(t.Context(), r); err != nil || !d.Allowed() {
		t.Fatalf("%+v, %v", d, err)
	}
	w2.hold(r) // a second time it asks
}

func TestRestoredRequestsExpire(t *testing.T) {
	w := newWorld(t)
	_, got := w.hold(push("j1"))
	w2 := w.restart("boot-1")
	<-got
	w2.Restore(w.journal.all())
	w.clock.pass(time.Hour)
	w2.Sweep()
	if len(w2.List()) != 0 || len(w.journal.all()) != 0 {
		t.Error("it is still there")
	}
	if len(w2.records) != 1 || w2.records[0].Outcome != TimedOut {
		t.Errorf("%+v", w2.records)
	}
}

func TestAnotherBootForgets(t *testing.T) {
	w := newWorld(t)
	_, got := w.hold(push("j1"))
	w2 := w.restart("boot-2")
	<-got
	if views := w2.Restore(w.journal.all()); len(views) != 0 || len(w.journal.all()) != 0 {
		t.Error("a request of another boot is shown")
	}
}

func TestAfterClose(t *testing.T) {
	w := newWorld(t)
	w.Close()
	if d, err := w.Submit(t.Context(), push("j1")); err != nil || d.Outcome != Interrupted {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := w.Watch(t.Context()); err == nil {
		t.Error("a closed queue can be watched")
	}
}

func TestRequestsOfJailsThatDidNotComeBack(t *testing.T) {
	w := newWorld(t)
	_, a := w.hold(push("j1"))
	_, b := w.hold(push("j2"))
	w2 := w.restart("boot-1")
	<-a
	<-b
	w2.Restore(w.journal.all())
	w2.Retain(func(jail string) bool { return jail == "j2" })
	if list := w2.List(); len(list) != 1 || list[0].Jail != "j2" || len(w.journal.all()) != 1 {
		t.Errorf("%+v", list)
	}
	if len(w2.records) != 1 || w2.records[0].Outcome != JailEnded {
		t.Errorf("%+v", w2.records)
	}
}
