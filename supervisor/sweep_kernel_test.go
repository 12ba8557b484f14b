//go:build kernel

package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/config"
)

// state makes the state directory of a jail whose shim has this pid.
func stateOf(t *testing.T, f *fixture, id string, pid int) {
	t.Helper()
	dir := f.opt.Config.JailDir(id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "shim.pid"), []byte(fmt.Sprint(pid)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWhatAKilledSupervisorLeftIsRemoved: the process that still runs, its
// cgroup and its directory; the log has an end for its start.
func TestWhatAKilledSupervisorLeftIsRemoved(t *testing.T) {
	f := newFixture(t, config.AuditLossFreeze)
	id := newID()
	_, left := f.jail(id)
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	stateOf(t, f, id, gone.Process.Pid)
	if err := os.Mkdir(filepath.Join(f.opt.Config.RunDir, "jails", "not-a-jail"), 0o700); err != nil {
		t.Fatal(err)
	}
	ids, err := leftBehind(filepath.Join(f.opt.Config.RunDir, "jails"))
	if err != nil || !slices.Equal(ids, []string{id}) {
		t.Fatalf("left behind: %q, %v", ids, err)
	}
	if err := f.sweepJail(id, filepath.Base(f.parent)); err != nil {
		t.Fatal(err)
	}
	if err := left.Wait(); err == nil {
		t.Error("its process ended by itself")
	}
	for _, path := range []string{f.opt.Config.JailDir(id), filepath.Join(f.parent, id)} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(filepath.Join(f.opt.Config.RunDir, "jails", "not-a-jail")); err != nil {
		t.Error(err)
	}
	if list := f.records(); !slices.Contains(list, "jail "+id+" stop its supervisor and its shim were killed; what was left was removed at the next start") {
		t.Errorf("the log has %q", list)
	}
}

// TestShimThatOutlivesIsWaitedForAndKilled, and what only has its number is not.
func TestShimThatOutlivesIsWaitedForAndKilled(t *testing.T) {
	dir := t.TempDir()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	start := func(name string) (*exec.Cmd, string) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, program, 0o755); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(path, "1000")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		file := filepath.Join(dir, name+".pid")
		if err := os.WriteFile(file, []byte(fmt.Sprint(c.Process.Pid)), 0o600); err != nil {
			t.Fatal(err)
		}
		return c, file
	}
	other, file := start("other")
	if err := endShim(t.Context(), file, time.Nanosecond); err != nil {
		t.Error(err)
	}
	if err := other.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("another process was hit: %v", err)
	}
	shim, file := start("clawjail-shim")
	if err := endShim(t.Context(), file, time.Nanosecond); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := shim.Wait(); !errors.As(err, &exit) {
		t.Errorf("the shim ended with %v", err)
	}
	if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := endShim(t.Context(), file, time.Nanosecond); err == nil {
		t.Error("process 1 passed for a shim")
	}
}
