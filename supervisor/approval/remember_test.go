package approval

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// kept is a journal of scopes in memory that keeps their encoded form.
type kept struct {
	mu   sync.Mutex
	t    *testing.T
	list map[string][]byte
	fail error
}

func (k *kept) Keep(m Remembered) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	b, err := EncodeRemembered(m)
	if err != nil {
		return err
	}
	k.list[m.Name()] = b
	return nil
}

func (k *kept) Drop(names ...string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range names {
		delete(k.list, n)
	}
	return nil
}

func (k *kept) all() []Remembered {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []Remembered
	for name, b := range k.list {
		m, err := DecodeRemembered(b)
		if err != nil || m.Name() != name {
			k.t.Fatalf("%s: %v", b, err)
		}
		out = append(out, m)
	}
	return out
}

// decide answers one new request of a jail.
func (w *world) decide(r Request, allow bool, scope Scope) Decision {
	w.t.Helper()
	v, got := w.hold(r)
	_, _, err := w.Decide(Answer{ID: v.ID, Digest: v.Digest, Approve: allow, Scope: scope, By: By{UID: 7, Name: "ana"}, Reason: "a \x1b reason"})
	if err != nil {
		w.t.Fatal(err)
	}
	return <-got
}

func TestScopesOutliveTheSupervisor(t *testing.T) {
	k := &kept{t: t, list: map[string][]byte{}}
	w := newWorld(t, func(o *Options) { o.Scopes = k })
	w.decide(push("j1", "hour"), true, Scope{Kind: ScopeFor, For: time.Hour})
	w.decide(push("j1", "minute"), true, Scope{Kind: ScopeFor, For: time.Minute})
	w.decide(push("j1", "never"), false, Scope{Kind: ScopeJail})
	w.decide(push("j1", "once"), true, Once())
	w.decide(push("j2", "jail"), true, Scope{Kind: ScopeJail})
	if n := len(k.all()); n != 4 {
		t.Fatalf("%d scopes are kept, want those wider than once", n)
	}
	w.clock.pass(30 * time.Minute)
	w2 := w.restart("boot-1")
	w2.opt.Scopes = k
	w2.Recall(k.all())
	w2.Retain(func(jail string) bool { return jail == "j1" })
	for arg, want := range map[string]Outcome{"hour": Approved, "never": Rejected} {
		d, err := w2.Submit(t.Context(), push("j1", arg))
		if err != nil || d.Outcome != want || d.By.Name != "ana" || d.Grant == "" {
			t.Errorf("%s: %+v, %v", arg, d, err)
		}
	}
	w2.hold(push("j1", "minute")) // has run out
	w2.hold(push("j1", "once"))
	if d, _ := w2.Submit(t.Context(), push("j2", "jail")); d.Outcome != JailEnded {
		t.Errorf("the jail that did not come back: %+v", d)
	}
	if n := len(k.all()); n != 2 {
		t.Errorf("%d scopes are kept", n)
	}
	w2.clock.pass(31 * time.Minute)
	w2.hold(push("j1", "hour")) // the end stands in the time since the boot
	w2.Sweep()
	if n := len(k.all()); n != 1 {
		t.Errorf("%d scopes are kept after one ran out", n)
	}
	w2.EndJail("j1")
	if n := len(k.all()); n != 0 {
		t.Errorf("%d scopes are kept after the jail ended", n)
	}
}

// Supervisors whose jails die with them retain none.
func TestNoJailCameBack(t *testing.T) {
	k := &kept{t: t, list: map[string][]byte{}}
	w := newWorld(t, func(o *Options) { o.Scopes = k })
	w.decide(push("j1"), true, Scope{Kind: ScopeJail})
	w2 := w.restart("boot-1")
	w2.opt.Scopes = k
	w2.Recall(k.all())
	w2.Retain(func(string) bool { return false })
	if d, _ := w2.Submit(t.Context(), push("j1")); d.Allowed() || len(k.all()) != 0 {
		t.Errorf("%+v, %d kept", d, len(k.all()))
	}
}

func TestScopesOfAnotherBoot(t *testing.T) {
	k := &kept{t: t, list: map[string][]byte{}}
	w := newWorld(t, func(o *Options) { o.Scopes = k })
	w.decide(push("j1"), true, Scope{Kind: ScopeFor, For: time.Hour})
	w2 := w.restart("boot-2")
	w2.opt.Scopes = k
	w2.Recall(k.all())
	if len(k.all()) != 0 {
		t.Error("it is kept")
	}
	w2.hold(push("j1"))
}

func TestAScopeThatCannotBeKept(t *testing.T) {
	k := &kept{t: t, list: map[string][]byte{}, fail: errors.New("no space")}
	var told []error
	w := newWorld(t, func(o *Options) { o.Scopes = k; o.OnError = func(err error) { told = append(told, err) } })
	w.decide(push("j1"), true, Scope{Kind: ScopeJail})
	if d, _ := w.Submit(t.Context(), push("j1")); !d.Allowed() {
		t.Errorf("while the supervisor lives: %+v", d)
	}
	if len(told) != 1 || !strings.Contains(told[0].Error(), "no space") {
		t.Errorf("told %v", told)
	}
}

func remembered() Remembered {
	return Remembered{Jail: "j1", Gate: GateExec, Key: "key", Until: time.Hour, Boot: "b",
		Decision: Decision{ID: "12345678", Digest: strings.Repeat("a", 64), Outcome: Approved, Scope: Scope{Kind: ScopeFor, For: time.Minute},
			By: By{UID: 7, Name: "a\x1bna"}, Reason: "\xff", At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}}
}

func TestRememberedIsStrict(t *testing.T) {
	good, err := EncodeRemembered(remembered())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another member":           {`{`, `{"x":1,`},
		"another outcome":          {`"approved"`, `"timed out"`},
		"a single use":             {`"scope":"for","for_ns":60000000000`, `"scope":"once"`},
		"an end that nobody gave":  {`"scope":"for","for_ns":60000000000`, `"scope":"jail"`},
		"no end":                   {`"until_boot_ns":3600000000000`, `"until_boot_ns":0`},
		"a digest that is none":    {`"digest":"a`, `"digest":"`},
		"no jail":                  {`"jail":"j1"`, `"jail":""`},
		"text behind it":           {`"boot":"b"}`, `"boot":"b"}{}`},
		"a reason beyond its size": {`"boot":"b"`, `"boot":"` + strings.Repeat("x", MaxName+1) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), change[0], change[1], 1)
			if m, err := DecodeRemembered([]byte(bad)); bad == string(good) || err == nil {
				t.Errorf("%s: %+v", bad, m)
			}
		})
	}
}

func FuzzDecodeRemembered(f *testing.F) {
	good, err := EncodeRemembered(remembered())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"jail":"j"}`))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeRemembered(b)
		if err != nil {
			return
		}
		again, err := EncodeRemembered(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeRemembered(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Error(d)
		}
	})
}
