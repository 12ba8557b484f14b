package supervisor

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestOpenFilesAreRaisedForChildren: the runtime keeps the limit that the
// process was started with for its children, unless it is told otherwise.
func TestOpenFilesAreRaisedForChildren(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before) })
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1024, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	if err := raiseOpenFiles(); err != nil && before.Max >= openFiles {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", "ulimit -n").Output()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(out)), 10, 64)
	if want := min(openFiles, before.Max); err != nil || n < want && before.Max >= openFiles {
		t.Errorf("a child may open %d files, not %d: %v", n, want, err)
	}
}
