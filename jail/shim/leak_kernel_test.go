//go:build kernel

package shim_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
)

// nothingLeft checks that a jail that has ended left nothing on the host.
func nothingLeft(t *testing.T, s jail.Spec, c *shim.Created) {
	t.Helper()
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range append(h.V1, h.Unified) {
		if _, err := os.Stat(filepath.Join(root, s.CgroupParent, s.ID)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("cgroup in %s: %v", root, err)
		}
	}
	if _, err := os.Stat(s.StateDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("state directory: %v", err)
	}
	proc := filepath.Join("/proc", itoa(c.InitPID))
	if b, err := os.ReadFile(proc + "/cgroup"); err == nil && bytes.Contains(b, []byte(s.ID)) {
		if !dead(proc) {
			t.Errorf("process %d is there", c.InitPID)
		}
	}
}

// dead reports whether a process is one no more: when its shim was killed, the
// host's process 1 is to reap it, whenever it does.
func dead(proc string) bool {
	b, err := os.ReadFile(proc + "/status")
	return err != nil || bytes.Contains(b, []byte("State:\tZ"))
}

// host is what a leak would add to.
type host struct {
	processes, mounts, cgroups, fds, namespaces int
}

func look(t *testing.T) host {
	t.Helper()
	var h host
	namespaces := map[string]bool{}
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		if exe, err := os.Readlink(p + "/exe"); err == nil && strings.HasPrefix(exe, binaries.shim) {
			h.processes++
		}
		if cg, err := os.ReadFile(p + "/cgroup"); err == nil && bytes.Contains(cg, []byte(parent)) && !dead(p) {
			h.processes++
			for _, ns := range []string{"net", "pid", "mnt"} {
				if l, err := os.Readlink(p + "/ns/" + ns); err == nil {
					namespaces[l] = true
				}
			}
		}
	}
	h.namespaces = len(namespaces)
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	h.mounts = len(strings.Split(string(b), "\n"))
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h.fds = len(fds)
	hs, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range append(hs.V1, hs.Unified) {
		if _, err := os.Stat(filepath.Join(root, parent)); err == nil {
			h.cgroups++
		}
	}
	return h
}

// The parent cgroup of these tests goes with the last jail, so all of this
// holds only while no other test runs: none here is parallel.
func TestRunsLeaveNothing(t *testing.T) {
	s := sh(t, "sleep 1000 & exit 3")
	run(t, s) // whatever is made once
	before := look(t)
	for range rounds(50) {
		if _, exit := run(t, s); exit.Code != 3 {
			t.Fatalf("%+v", exit)
		}
	}
	if after := look(t); after != before {
		t.Errorf("before %+v, after %d runs %+v", before, rounds(50), after)
	}
	if before.cgroups != 0 || before.processes != 0 {
		t.Errorf("left %+v", before)
	}
}

func TestManyAtOnce(t *testing.T) {
	n := rounds(16)
	before := look(t)
	var specs []jail.Spec
	for range n {
		specs = append(specs, sh(t, "read x; exit 4"))
	}
	var wg sync.WaitGroup
	for _, s := range specs {
		wg.Go(func() {
			h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Close()
			defer c.Close()
			if err := h.Go(ctx(t)); err != nil {
				t.Error(err)
			}
			if exit, err := h.Wait(ctx(t)); err != nil || exit.Code != 4 {
				t.Errorf("%+v, %v", exit, err)
			}
		})
	}
	wg.Wait()
	if after := look(t); after != before {
		t.Errorf("before %+v, after %d jails at once %+v", before, n, after)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	before := look(t)
	for name, spoil := range map[string]func(*jail.Spec){
		"no such source":  func(s *jail.Spec) { s.Mounts[0].Source = "/no/such/dir" },
		"no such command": func(s *jail.Spec) { s.Argv = []string{"/no/such"} },
		"no such cwd":     func(s *jail.Spec) { s.Cwd = "/no/such" },
		"no stage":        func(s *jail.Spec) { s.StageBinary = "/no/such" },
		"bad stage":       func(s *jail.Spec) { s.StageBinary = "/bin/true" },
		"unknown syscall": func(s *jail.Spec) { s.Filter = []byte("12345678") },
		"too little room": func(s *jail.Spec) { s.Limits.MemoryBytes = 4096 },
		"a future Landlock": func(s *jail.Spec) {
			s.LandlockABI, s.Landlock = 99, []jail.PathRule{{Path: "/usr", Dir: true}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpec(t, "/bin/true")
			spoil(&s)
			if _, _, err := try(t, s); err == nil {
				t.Error("it started")
			} else {
				t.Log(err)
			}
			nothingLeft(t, s, &shim.Created{})
		})
	}
	if after := look(t); after != before {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestSupervisorGone(t *testing.T) {
	s := sh(t, "trap '' TERM HUP; setsid sleep 1000 & sleep 1000")
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	h.Close()
	nothingLeft(t, s, c)
}

func TestShimKilled(t *testing.T) {
	for _, released := range []bool{false, true} {
		s := sh(t, "trap '' TERM HUP; setsid sleep 1000 & sleep 1000")
		h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if released {
			if err := h.Go(ctx(t)); err != nil {
				t.Fatal(err)
			}
		}
		if err := unix.Kill(h.PID(), unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Wait(ctx(t)); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("wait: %v", err)
		}
		h.Close()
		nothingLeft(t, s, c)
	}
}

func TestShimTerminated(t *testing.T) {
	s := newSpec(t, "/bin/sleep", "1000")
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(h.PID(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Wait(ctx(t)); err == nil {
		t.Error("no error")
	}
	h.Close()
	nothingLeft(t, s, c)
}

// The tree is built over one of the host's directories, in the shim's own
// mount namespace. What the shim needs later may well lie there.
func TestEverythingBelowTheHiddenDirectory(t *testing.T) {
	dir, err := os.MkdirTemp("/mnt", "clawjail-test")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := sh(t, "echo x >f; cat f")
	copied := filepath.Join(dir, "stage")
	b, err := os.ReadFile(binaries.stage)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, b, 0o755); err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(work, testUID, testGID); err != nil {
		t.Fatal(err)
	}
	s.StageBinary, s.StateDir, s.Mounts[0].Source = copied, filepath.Join(dir, "state", s.ID), work
	want(t, s, "x")
	nothingLeft(t, s, &shim.Created{})
}

// What a shim costs while its jail runs.
func TestShimIsSmall(t *testing.T) {
	s := launch(t, newSpec(t, "/bin/sleep", "1000"))
	rss := func(pid int) int {
		b, err := os.ReadFile(filepath.Join("/proc", itoa(pid), "smaps_rollup"))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines(string(b)) {
			if f := strings.Fields(line); f[0] == "Pss:" {
				return atoi(t, f[1])
			}
		}
		return 0
	}
	shimKB := rss(s.h.PID())
	// The reaper is the shim's child in another pid namespace.
	var reaperKB int
	children, _ := os.ReadFile(filepath.Join("/proc", itoa(s.h.PID()), "task", itoa(s.h.PID()), "children"))
	for _, child := range strings.Fields(string(children)) {
		comm, _ := os.ReadFile(filepath.Join("/proc", child, "comm"))
		if slices.Contains([]string{"clawjail-reaper", "clawjail-reape"}, strings.TrimSpace(string(comm))) {
			reaperKB = rss(atoi(t, child))
		}
	}
	t.Logf("proportional set: shim %d kB, process 1 %d kB", shimKB, reaperKB)
	if shimKB+reaperKB > 25<<10 {
		t.Errorf("the shim takes %d kB", shimKB+reaperKB)
	}
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}
