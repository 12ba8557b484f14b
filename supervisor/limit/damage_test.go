package limit

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDamagedFile: whatever is in the file, it is opened and counts, or is refused
// in words; nothing is let through beyond the limit, and nothing panics.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	l := Limit{Max: 5, Per: time.Hour}
	s, err := Open(good)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		if ok, _, err := s.Take(fmt.Sprintf("key/%d", i), l, 5); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	damages := map[string]func() []byte{
		"nothing":     func() []byte { return nil },
		"text":        func() []byte { return []byte("these are no limits\n") },
		"zeroes":      func() []byte { return make([]byte, len(whole)) },
		"one page":    func() []byte { return whole[:os.Getpagesize()] },
		"both metas":  func() []byte { return whole[:2*os.Getpagesize()] },
		"half":        func() []byte { return whole[:len(whole)/2] },
		"not aligned": func() []byte { return whole[:len(whole)-7] },
		"no metas":    func() []byte { b := append([]byte(nil), whole...); clear(b[:2*os.Getpagesize()]); return b },
	}
	for i := range 40 {
		damages[fmt.Sprintf("page %d", i)] = func() []byte {
			b := append([]byte(nil), whole...)
			at := rng.IntN(len(b)/os.Getpagesize()) * os.Getpagesize()
			for range 1 + rng.IntN(64) {
				b[at+rng.IntN(256)] = byte(rng.Uint32())
			}
			return b
		}
	}
	refused := 0
	for _, name := range slices.Sorted(maps.Keys(damages)) { // in an order, so that each run damages the same
		damage := damages[name]
		path := filepath.Join(dir, name+".db")
		if err := os.WriteFile(path, damage(), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(path)
		if err != nil {
			if refused++; !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		for i := range 120 {
			if used, err := s.Used(fmt.Sprintf("key/%d", i), l); err == nil && used < 5 && name != "nothing" {
				t.Errorf("%s: of key %d %d are used", name, i, used)
			}
		}
		_, _, _ = s.Take("new", l, 1) // writes, or denies
		_ = s.Close()
	}
	if refused < len(damages)/10 {
		t.Errorf("%d of %d were refused", refused, len(damages))
	}
	if _, err := Open(filepath.Join(dir, "text.db")); err == nil || !strings.Contains(err.Error(), "restore it from a backup") {
		t.Errorf("text: %v", err)
	}
}
