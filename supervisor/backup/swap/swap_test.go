package swap

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// host is two directories with something old in them, and two staged trees.
type host struct {
	t       *testing.T
	dir     string
	journal string
	pairs   []Pair
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, dir: t.TempDir()}
	h.journal = Journal(filepath.Join(h.dir, "etc", "clawjail"))
	for _, p := range []struct{ place, staged string }{{"lib/clawjail", "lib/" + StagePrefix + "1/state"}, {"etc/clawjail", "etc/" + StagePrefix + "2/config"}} {
		place, staged := filepath.Join(h.dir, p.place), filepath.Join(h.dir, p.staged)
		h.write(place, "old")
		h.write(staged, "new")
		h.pairs = append(h.pairs, Pair{Staged: staged, Place: place, Before: place + ".before"})
	}
	return h
}

// write makes a tree with a key in it.
func (h *host) write(dir, text string) {
	h.t.Helper()
	err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700)
	for _, name := range []string{"file", "keys/key"} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// says is what a tree says, which is one thing: old, new or nothing.
func (h *host) says(dir string) string {
	h.t.Helper()
	var said []string
	for _, name := range []string{"file", "keys/key"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b = nil
		}
		said = append(said, string(b))
	}
	if said[0] != said[1] {
		h.t.Errorf("%s is a mixture: %q", dir, said)
	}
	return said[0]
}

// all is what both places say.
func (h *host) all() (both []string) {
	for _, p := range h.pairs {
		both = append(both, h.says(p.Place))
	}
	return both
}

var errPower = errors.New("the power is gone")

// cutAt has the power go at a step.
func cutAt(n int) (at func(string) error, name *string) {
	count, stopped := 0, ""
	return func(step string) error {
		if count++; count > n {
			stopped = step
			return errPower
		}
		return nil
	}, &stopped
}

// Wherever the power goes, and goes again while the rest is done, what is there in
// the end is all new or all old, and what was there before is kept.
func TestThePowerGoes(t *testing.T) {
	steps := map[string]bool{}
	for first := 0; ; first++ {
		h := newHost(t)
		at, name := cutAt(first)
		if _, err := do(h.journal, h.pairs, at); err == nil {
			break
		} else if !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		steps[strings.Fields(*name)[0]] = true
		began := there(h.journal)
		for second := 0; ; second++ {
			at, _ := cutAt(second)
			_, err := finish(h.journal, at)
			if err == nil {
				break
			}
			if !errors.Is(err, errPower) {
				t.Fatalf("at %s: %v", *name, err)
			}
		}
		both := h.all()
		if began && both[0] == "old" || both[0] != both[1] {
			t.Errorf("at %s: the places say %q", *name, both)
		}
		if both[0] != "new" {
			continue
		}
		for _, p := range h.pairs {
			if h.says(p.Before) != "old" || there(p.Staged) || there(h.journal) {
				t.Errorf("at %s: %s before says %q, staged %v", *name, p.Place, h.says(p.Before), there(p.Staged))
			}
		}
	}
	for _, want := range []string{"mark", "journal", "exchange", "keep", "forget", "unmark"} {
		if !steps[want] {
			t.Errorf("the power never went at %q", want)
		}
	}
}

func TestWhatIsSwapped(t *testing.T) {
	h := newHost(t)
	if err := os.RemoveAll(h.pairs[1].Place); err != nil {
		t.Fatal(err)
	}
	before, err := Do(h.journal, h.pairs)
	if err != nil || len(before) != 1 || before[0] != h.pairs[0].Before {
		t.Fatalf("%q, %v", before, err)
	}
	if both := h.all(); both[0] != "new" || both[1] != "new" {
		t.Errorf("the places say %q", both)
	}
	for _, p := range h.pairs {
		if left, _ := filepath.Glob(filepath.Join(p.Place, ".clawjail-restored-*")); len(left) != 0 {
			t.Errorf("marks are left: %q", left)
		}
	}
	if before, err := Finish(h.journal); before != nil || err != nil {
		t.Errorf("nothing to finish: %q, %v", before, err)
	}
}

// Something cannot be exchanged: what was before goes back, and the journal goes.
func TestWhatCannotBeSwapped(t *testing.T) {
	h := newHost(t)
	at := func(step string) error {
		if step == "exchange "+h.pairs[1].Place {
			return os.RemoveAll(h.pairs[1].Staged)
		}
		return nil
	}
	if _, err := do(h.journal, h.pairs, at); err == nil || !strings.Contains(err.Error(), "not in") {
		t.Fatal(err)
	}
	if both := h.all(); both[0] != "old" || both[1] != "old" || there(h.journal) {
		t.Errorf("the places say %q, journal %v", both, there(h.journal))
	}
}

func TestWhoIsFirst(t *testing.T) {
	h := newHost(t)
	busy := func(step string) error {
		if strings.HasPrefix(step, "exchange") {
			if _, err := Finish(h.journal); !errors.Is(err, ErrRunning) {
				t.Errorf("finished while it runs: %v", err)
			}
		}
		return nil
	}
	if _, err := do(h.journal, h.pairs, busy); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "another version": `{"version":2,"mark":"m","pairs":[{"staged":"/a","place":"/b","before":"/c"}]}`,
		"no pairs": `{"version":1,"mark":"m","pairs":[]}`, "a path": `{"version":1,"mark":"../m","pairs":[{"staged":"/a","place":"/b","before":"/c"}]}`,
		"relative": `{"version":1,"mark":"m","pairs":[{"staged":"a","place":"/b","before":"/c"}]}`,
	} {
		if err := os.WriteFile(h.journal, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Finish(h.journal); err == nil {
			t.Errorf("%s: taken", name)
		}
		if err := os.Chmod(h.journal, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Finish(h.journal); err == nil || !strings.Contains(err.Error(), "not ours") {
			t.Errorf("%s: that anybody can write: %v", name, err)
		}
		if err := os.Chmod(h.journal, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Do(h.journal, newHost(t).pairs); err == nil || !strings.Contains(err.Error(), "not finished") {
			t.Errorf("%s: begun beside it: %v", name, err)
		}
	}
}
