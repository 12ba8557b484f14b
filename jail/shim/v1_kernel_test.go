//go:build kernel

package shim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
)

const v1Env = "CLAWJAIL_TEST_V1"

// A host with cgroup v1 alone gets a private cgroup v2 mount. Such a host is
// made of this one in a mount namespace, by hiding the unified hierarchy; on
// one with cgroup v2 alone there is nothing to be tested.
func TestHostWithoutUnifiedHierarchy(t *testing.T) {
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	if len(h.V1) == 0 {
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestInsideV1$", "-test.v")
	// It does not build the binaries again: that takes minutes on a busy machine.
	cmd.Env = append(os.Environ(), v1Env+"="+h.Unified, "CLAWJAIL_BIN="+filepath.Dir(binaries.shim))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInsideV1") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInsideV1(t *testing.T) {
	unified := os.Getenv(v1Env)
	if unified == "" {
		return // runs in the namespace that the test above makes
	}
	for _, dir := range []string{unified} {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
	// /run of the host is not touched either.
	if err := unix.Mount("run", "/run", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	s := newSpec(t, "/bin/sleep", "1000")
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	defer c.Close()
	if !strings.HasPrefix(c.CgroupPath, jail.PrivateUnified+"/") {
		t.Errorf("cgroup %q", c.CgroupPath)
	}
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	g, err := jail.OpenCgroup(c.CgroupPath)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Freeze(ctx(t)); err != nil {
		t.Error(err)
	}
	if err := h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v, %v", exit, err)
	}
	h.Close() // returns when everything is removed
	nothingLeft(t, s, c)
}
