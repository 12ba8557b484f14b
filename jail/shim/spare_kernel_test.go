//go:build kernel

package shim_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim"
)

func prepare(t *testing.T) *shim.Spare {
	t.Helper()
	s, err := shim.Prepare(binaries.shim, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpareBecomesAJail(t *testing.T) {
	before := look(t)
	spare, s := prepare(t), sh(t, "exit 5")
	if !spare.Usable() {
		t.Fatal("a new one is not usable")
	}
	var at shim.Placed
	h, c, err := spare.Start(ctx(t), s, shim.Stdio{}, func(p shim.Placed) error {
		at = p
		for _, f := range []*os.File{p.NetNS, p.TCP4, p.UDP4} {
			if f == nil {
				t.Error("a file is missing")
			}
		}
		if st, err := os.Stat(p.CgroupPath); err != nil || st.Sys() == nil {
			t.Errorf("cgroup: %v", err)
		}
		p.Close()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.CgroupPath == "" || c.CgroupPath != at.CgroupPath || c.CgroupID != at.CgroupID || c.NetNS != nil {
		t.Errorf("placed %+v, created %+v", at, c.Placed)
	}
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Wait(ctx(t)); err != nil || exit.Code != 5 {
		t.Errorf("%+v, %v", exit, err)
	}
	c.Close()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	nothingLeft(t, s, c)
	if after := look(t); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestSpareIsRefusedItsPlace(t *testing.T) {
	before := look(t)
	s := newSpec(t, "/bin/sleep", "1000")
	refused := errors.New("no")
	_, _, err := prepare(t).Start(ctx(t), s, shim.Stdio{}, func(p shim.Placed) error {
		p.Close()
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	nothingLeft(t, s, &shim.Created{})
	if after := look(t); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestSpareEnds(t *testing.T) {
	before := look(t)
	if err := prepare(t).Close(); err != nil {
		t.Error(err)
	}
	// One that was killed says so when it is to be used.
	spare := prepare(t)
	kill(t, spare)
	s := newSpec(t, "/bin/true")
	if _, _, err := spare.Start(ctx(t), s, shim.Stdio{}, nil); err == nil {
		t.Error("a dead shim made a jail")
	}
	nothingLeft(t, s, &shim.Created{})
	if after := look(t); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// kill kills a spare shim and waits until that is noticed.
func kill(t *testing.T, s *shim.Spare) {
	t.Helper()
	if err := unix.Kill(s.PID(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return !s.Usable() })
}

// until polls, bounded by the test's context.
func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c := ctx(t); !done(); {
		select {
		case <-tick.C:
		case <-c.Done():
			t.Fatal(c.Err())
		}
	}
}

// The shim has a copy of the host's mounts, which follows them only where they
// are shared.
func TestSpareIsStaleAfterAMount(t *testing.T) {
	spare := prepare(t)
	defer spare.Close()
	if !spare.Usable() {
		t.Fatal("a new one is not usable")
	}
	dir := filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("test", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if spare.Usable() {
		t.Error("usable, and it does not see what was mounted")
	}
}
