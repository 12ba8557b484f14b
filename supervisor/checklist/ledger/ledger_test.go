package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLedgerKeepsWhatWasDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checklist.json")
	l, err := Open(path)
	if err != nil || len(l.All()) != 0 {
		t.Fatalf("a new ledger: %v, %v", l, err)
	}
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	var all sync.WaitGroup
	for _, k := range Tasks() {
		all.Go(func() {
			if err := l.Done(k.ID, Entry{At: at, By: "root", Note: k.Title}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Tasks() {
		if e := again.All()[k.ID]; !e.At.Equal(at) || e.By != "root" || e.Note != k.Title {
			t.Errorf("%s: %+v", k.ID, e)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info, err)
	}
}

func TestLedgerRefuses(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no task is called":    l.Done("sleep", Entry{}),
		"text of at most":      l.Done("log-review", Entry{Note: strings.Repeat("x", MaxNote+1)}),
		"text of at most 1000": l.Done("log-review", Entry{Note: "\xff"}),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if len(l.All()) != 0 {
		t.Error("something was written down")
	}
	broken := filepath.Join(dir, "b")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(broken); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("a broken ledger: %v", err)
	}
	if b, err := os.ReadFile(broken); err != nil || string(b) != "{" {
		t.Errorf("the broken ledger was changed: %q, %v", b, err)
	}
	gone := filepath.Join(dir, "no", "c")
	if l, err = Open(gone); err != nil {
		t.Fatal(err)
	}
	if err := l.Done("log-review", Entry{}); err == nil || len(l.All()) != 0 {
		t.Errorf("a ledger that cannot be written: %v, %v", err, l.All())
	}
}
