//go:build kernel

package jail_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

func roots(t *testing.T) []string {
	t.Helper()
	if _, err := jail.EnsureUnified(); err != nil {
		t.Fatal(err)
	}
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	return append(h.V1, h.Unified)
}

// Many start and end below one parent: nobody loses it between making it and
// using it, and the last one takes it away.
func TestParentsComeAndGo(t *testing.T) {
	parent := fmt.Sprintf("clawjail-parent-%d", os.Getpid())
	all := roots(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprintf("j%d", i)
			for range 25 {
				release, err := jail.HoldParents(parent)
				if err != nil {
					t.Error(err)
					return
				}
				for _, root := range all {
					// As libcontainer does: both, and not at once.
					if err := os.MkdirAll(filepath.Join(root, parent), 0o755); err != nil {
						t.Error(err)
					}
					if err := os.Mkdir(filepath.Join(root, parent, id), 0o755); err != nil {
						t.Error(err)
					}
				}
				release()
				if err := jail.RemoveCgroups(parent, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, root := range all {
		if _, err := os.Stat(filepath.Join(root, parent)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left in %s: %v", parent, root, err)
		}
	}
}

func TestCgroupHandle(t *testing.T) {
	parent := fmt.Sprintf("clawjail-handle-%d", os.Getpid())
	all := roots(t)
	dir := filepath.Join(all[len(all)-1], parent, "j")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := jail.RemoveCgroups(parent, "j"); err != nil {
			t.Error(err)
		}
	}()
	c, err := jail.OpenCgroup(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, cmd.Process.Pid), 0); err != nil {
		t.Fatal(err)
	}
	if pids, err := c.Procs(); err != nil || len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Errorf("processes %v, %v", pids, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil || st.Ino != c.ID() || c.Path() != dir {
		t.Errorf("id %d of %s, want %d, %v", c.ID(), c.Path(), st.Ino, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 10 {
		if err := c.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		if frozen, err := c.Frozen(); err != nil || !frozen {
			t.Fatalf("frozen %v, %v", frozen, err)
		}
		if err := c.Thaw(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.AwaitEmpty(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestOpenCgroupRefuses(t *testing.T) {
	for _, dir := range []string{t.TempDir(), "/no/such", "/proc/self/mounts"} {
		if c, err := jail.OpenCgroup(dir); err == nil {
			c.Close()
			t.Errorf("%s is taken for a cgroup", dir)
		}
	}
}

func TestWarmMovesNobody(t *testing.T) {
	roots(t)
	before, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	// It may be refused, where a cgroup with controllers has processes.
	if err := jail.Warm(); err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EOPNOTSUPP) {
		t.Error(err)
	}
	after, err := os.ReadFile("/proc/self/cgroup")
	if err != nil || string(after) != string(before) {
		t.Errorf("before\n%safter\n%s%v", before, after, err)
	}
}
