package direct

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func note(jail string) Note {
	return Note{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Boot: "b", Jail: jail, Name: "n", Stands: true, By: "uid 0", Reason: "r"}
}

func TestNotes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	if err := Read(dir, nil); err != nil {
		t.Errorf("without a directory: %v", err)
	}
	want := note("aaaaaaaaaaaaa")
	for _, n := range []Note{want, note("bbbbbbbbbbbbb")} {
		if err := Leave(dir, n); err != nil {
			t.Fatal(err)
		}
	}
	full := errors.New("full")
	taken := 0
	err := Read(dir, func(n Note) error {
		if n.Jail == want.Jail {
			taken++
			if n != want {
				t.Errorf("%+v", n)
			}
			return nil
		}
		return full
	})
	if !errors.Is(err, full) || taken != 1 {
		t.Errorf("%v, %d", err, taken)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("what could not be recorded stays: %v, %v", left, err)
	}
}

func TestWhatIsNoNote(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name+suffix)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	put("a", `{"jail":"aaaaaaaaaaaaa"}`, 0o644) // anybody could have read it, but who could have written?
	put("b", `{"jail":"../../../etc"}`, 0o600)
	put("c", `{"jail":"aaaaaaaaaaaaa","more":1}`, 0o600)
	put("d", strings.Repeat(" ", maxNoteBytes+1), 0o600)
	put("e", "", 0o600)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "f"+suffix)); err != nil {
		t.Fatal(err)
	}
	err := Read(dir, func(n Note) error { t.Errorf("taken: %+v", n); return nil })
	if err == nil || strings.Count(err.Error(), "is no note") != 6 {
		t.Errorf("%v", err)
	}
	if err := Read(dir, nil); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestOnlyJails(t *testing.T) {
	for _, j := range []Jail{{ID: "user.slice", Path: "/sys/fs/cgroup/user.slice"}, {ID: "aaaaaaaaaaaaa", Path: "/sys/fs/cgroup/system.slice"}, {ID: "aaaaaaaaaaaaa", Path: "/tmp/aaaaaaaaaaaaa"}} {
		if _, err := Freeze(t.Context(), j); err == nil {
			t.Errorf("%+v: no error", j)
		}
	}
}
