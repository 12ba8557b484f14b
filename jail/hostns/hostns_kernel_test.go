//go:build kernel

package hostns_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/hostns"
)

// sandboxMark says that this process is to be tried in a sandbox; it holds the
// directory of the process that has the host's namespaces.
const sandboxMark = "CLAWJAIL_TEST_SANDBOX"

func TestMain(m *testing.M) {
	if host := os.Getenv(sandboxMark); host != "" {
		if err := inSandbox(host); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestFromASandbox: children are where they are asked to be, the process stays
// where it was, and its other children are there, too.
func TestFromASandbox(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), sandboxMark+"=/proc/"+fmt.Sprint(os.Getpid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func inSandbox(host string) error {
	sandbox, outside := namespaces("/proc/self"), namespaces(host)
	if sandbox["mnt"] == outside["mnt"] || sandbox["net"] == outside["net"] {
		return errors.New("it is no sandbox")
	}
	h, err := hostns.Open(host)
	if err != nil {
		return err
	}
	defer h.Close()
	if want := filepath.Join(host, "mountinfo"); h.Mountinfo() != want {
		return fmt.Errorf("mounts are listed by %s", h.Mountinfo())
	}
	for range 30 { // on all kinds of threads
		for _, c := range []struct {
			kinds    int
			mnt, net string
		}{
			{hostns.Mounts | hostns.Network, outside["mnt"], outside["net"]},
			{hostns.Network, sandbox["mnt"], outside["net"]},
			{hostns.Mounts, outside["mnt"], sandbox["net"]},
		} {
			is, group, err := child(func(cmd *exec.Cmd) error { return h.Start(cmd, c.kinds) })
			if err != nil {
				return err
			}
			if is != c.mnt+" "+c.net || filepath.Base(group) != hostns.CgroupName {
				return fmt.Errorf("kinds %#x: a child is in %s, cgroup %s", c.kinds, is, group)
			}
		}
		is, group, err := child((*exec.Cmd).Start)
		if err != nil {
			return err
		}
		if is != sandbox["mnt"]+" "+sandbox["net"] || filepath.Base(group) == hostns.CgroupName {
			return fmt.Errorf("another child is in %s, cgroup %s", is, group)
		}
		var inside string
		if err := h.Do(hostns.Mounts|hostns.Network, func() error {
			ns := namespaces("/proc/thread-self")
			inside = ns["mnt"] + ns["net"]
			return nil
		}); err != nil || inside != outside["mnt"]+outside["net"] {
			return fmt.Errorf("a thread is in %s: %v", inside, err)
		}
		if now := namespaces("/proc/self"); now["mnt"] != sandbox["mnt"] || now["net"] != sandbox["net"] {
			return fmt.Errorf("the process itself is in %v", now)
		}
	}
	return nil
}

// namespaces are those of a process.
func namespaces(proc string) map[string]string {
	out := map[string]string{}
	for _, kind := range []string{"mnt", "net"} {
		out[kind], _ = os.Readlink(filepath.Join(proc, "ns", kind)) // empty is what no process has
	}
	return out
}

// child starts one, and tells its namespaces and its unified cgroup.
func child(start func(*exec.Cmd) error) (ns, group string, err error) {
	var out strings.Builder
	cmd := exec.Command("/bin/sh", "-c", "echo $(readlink /proc/self/ns/mnt /proc/self/ns/net); cat /proc/self/cgroup")
	cmd.Stdout = &out
	if err := start(cmd); err != nil {
		return "", "", err
	}
	if err := cmd.Wait(); err != nil {
		return "", "", err
	}
	ns, rest, _ := strings.Cut(out.String(), "\n")
	for line := range strings.Lines(rest) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			group = strings.TrimSpace(path)
		}
	}
	return ns, group, nil
}

// TestCloseRemovesTheCgroup when nobody is in it, and leaves it to who is.
func TestCloseRemovesTheCgroup(t *testing.T) {
	unified, err := jail.EnsureUnified()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(unified, hostns.CgroupName)
	h, err := hostns.Open("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sleep", "1000")
	if err := h.Start(cmd, hostns.Network); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the cgroup of a child that lives: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if h, err = hostns.Open("/proc/self"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cgroup stays: %v", err)
	}
}

// TestNoHost is the supervisor without a sandbox.
func TestNoHost(t *testing.T) {
	var h *hostns.Host
	is, _, err := child(func(cmd *exec.Cmd) error { return h.Start(cmd, hostns.Mounts|hostns.Network) })
	own := namespaces("/proc/self")
	if err != nil || is != own["mnt"]+" "+own["net"] {
		t.Errorf("%s, %v", is, err)
	}
	if err := h.Do(hostns.Mounts, func() error { return unix.ENOTDIR }); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("%v", err)
	}
	if err := h.Close(); err != nil || h.Mountinfo() != "/proc/self/mountinfo" {
		t.Errorf("%v, %s", err, h.Mountinfo())
	}
	for _, proc := range []string{"/proc/nobody", "/dev/null"} {
		if _, err := hostns.Open(proc); err == nil {
			t.Errorf("%s has namespaces", proc)
		}
	}
}
