//go:build e2e

package races

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"clawjail/audit"
)

const (
	poolFiles     = 200
	deletionLimit = 20
)

const limited = base + `
exec: {default: allow}
delete: {limit: 20/h, over: deny}
`

// fill makes the files that are to be deleted.
func (f field) fill(t *testing.T) {
	t.Helper()
	dir := filepath.Join(f.dir, "p")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range poolFiles {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d", i)), fmt.Appendf(nil, "file %03d\n", i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	own(t, dir)
}

var filled = regexp.MustCompile(`^file [0-9]{3}\n$`)

// left counts the files that are still there, whatever they are called.
func (f field) left(t *testing.T) int {
	t.Helper()
	seen := map[string]bool{}
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() != int64(len("file 000\n")) {
			return err
		}
		text, err := os.ReadFile(path)
		if filled.Match(text) {
			seen[string(text)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(seen)
}

// TestDeletionLimit has many processes delete as much as they can.
func TestDeletionLimit(t *testing.T) {
	for _, name := range []string{"delete-many", "delete-flip", "delete-swap", "delete-appear"} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, limited)
			f.fill(t)
			r, o := f.attack(t, name, 10000)
			gone := poolFiles - f.left(t)
			t.Logf("%d of %d files are gone", gone, poolFiles)
			if gone > deletionLimit {
				t.Errorf("%d files are gone, %d may be", gone, deletionLimit)
			}
			// Not exactly as many as may be: what a process empties through a
			// descriptor after another one removed its name is lost twice, and
			// counted twice.
			if name == "delete-many" && gone < deletionLimit/2 {
				t.Errorf("only %d files are gone, %d may be", gone, deletionLimit)
			}
			if r.tries == 0 || r.refused == 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			over := 0
			for _, x := range records(t, o.name) {
				if x.Gate == audit.GateDelete && x.Verdict == "deny" || x.Gate == audit.GateFile && x.Verdict == "deny" {
					over++
				}
			}
			if over < r.refused {
				t.Errorf("the log has %d refusals, the attacker saw %d", over, r.refused)
			}
		})
	}
	well(t)
}

const asking = `version: 1
name: asking
extends: [locked]
files:
  - {path: "${WORKSPACE}", access: write, exec: true}
  - {path: "${WORKSPACE}/d", access: read, write: ask}
on_violation: deny
exec: {default: allow}
limits: {memory: 2GiB, cpus: 2, pids: 512, wall: 8h}
approval: {timeout: 1s}
`

// TestWriteAsk tries to change what only a human may allow, and nobody does.
func TestWriteAsk(t *testing.T) {
	for _, name := range []string{"write-flip", "write-swap"} {
		t.Run(name, func(t *testing.T) {
			f := newField(t, asking)
			kept := filepath.Join(f.dir, "d", "f")
			if err := os.Mkdir(filepath.Dir(kept), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(kept, []byte("kept\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			own(t, filepath.Dir(kept))
			before, err := os.Stat(kept)
			if err != nil {
				t.Fatal(err)
			}
			r, _ := f.attack(t, name, 10000)
			if r.good == 0 || r.refused == 0 {
				t.Errorf("the race was not run: %+v", r)
			}
			after, err := os.Stat(kept)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(kept)
			if err != nil || string(text) != "kept\n" {
				t.Errorf("the file holds %q: %v", text, err)
			}
			if !os.SameFile(before, after) || before.Mode() != after.Mode() || !before.ModTime().Equal(after.ModTime()) {
				t.Errorf("the file is another: %v, %v", before, after)
			}
			entries, err := os.ReadDir(filepath.Dir(kept))
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory holds %v: %v", entries, err)
			}
		})
	}
	well(t)
}
