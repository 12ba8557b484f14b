package tracee

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// That a file on read-only mounts is fixed is tested in jails, by test/races.
func TestWhatCanBeChangedIsNotFixed(t *testing.T) {
	task, err := Open(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer task.Close()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := task.Resolve(unix.AT_FDCWD, name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, by := range []string{name, "file", "./file", filepath.Dir(name) + "//file", "/dev/fd/3", ""} {
		if task.Fixed(r, by) {
			t.Errorf("%q is fixed", by)
		}
	}
}
