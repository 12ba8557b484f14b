//go:build e2e

package chaos

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mark says that this process runs in a host of its own.
const mark = "CLAWJAIL_CHAOS_HOST"

// outside is an address that no jail has; hosts listen at it.
const outside = "203.0.113.1"

// Directories of the host.
const (
	runDir   = "/run/clawjail"
	stateDir = "/var/lib/clawjail"
	auditDir = stateDir + "/audit"
	homes    = "/home"
)

// ownHost runs the test again with directories and a network of its own.
func ownHost(t *testing.T) bool {
	t.Helper()
	if os.Getenv(mark) == "" {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=0")
		cmd.Env = append(os.Environ(), mark+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	for _, m := range []struct{ dir, options string }{
		{runDir, "mode=755"}, {"/etc/clawjail", "mode=755"}, {stateDir, "mode=700"}, {auditDir, "mode=700,size=1g"}, {homes, "mode=755"},
	} {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("tmpfs", m.dir, "tmpfs", 0, m.options); err != nil {
			t.Fatalf("mount %s: %v", m.dir, err)
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	addr, err := netlink.ParseAddr(outside + "/32")
	if err == nil {
		err = netlink.AddrAdd(lo, addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("/etc/clawjail/config.yaml", []byte("version: 1\njails: {on_supervisor_loss: hold}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return true
}

// bin is a built binary; the build tree is what is under test, or what
// CLAWJAIL_BIN names.
func bin(t *testing.T, name string) string {
	t.Helper()
	dir := "../../bin"
	if named := os.Getenv("CLAWJAIL_BIN"); named != "" {
		dir = named
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	return path
}

// clawjail runs one command line of the CLI to its end.
func clawjail(t *testing.T, args ...string) (string, error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), bin(t, "clawjail"), args...)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"}
	out, err := c.CombinedOutput()
	return string(out), err
}

// daemon is the supervisor, which ends and comes back.
type daemon struct {
	t   *testing.T
	log string

	mu  sync.Mutex
	cmd *exec.Cmd
}

func (d *daemon) start() {
	d.t.Helper()
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	ready, theirs, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer ready.Close()
	cmd := exec.Command(bin(d.t, "clawjaild"), "--ready-fd", "3")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stderr, cmd.ExtraFiles = log, []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	theirs.Close()
	said, err := io.ReadAll(ready)
	if err != nil || string(said) != "ready\n" {
		d.t.Fatalf("the supervisor says %q, %v\n%s", said, err, d.said())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cmd = cmd
}

// end ends it with a signal, and waits until it is gone.
func (d *daemon) end(sig unix.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.t.Errorf("the supervisor has ended by itself: %v\n%s", err, d.said())
	}
	_ = d.cmd.Wait()
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// said is the end of its log.
func (d *daemon) said() string {
	b, _ := os.ReadFile(d.log)
	return string(b[max(0, len(b)-16<<10):])
}

// running are the living processes of a program that was built for the test.
func running(t *testing.T, name string) (pids []int) {
	t.Helper()
	own := bin(t, name)
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err != nil || strings.TrimSuffix(exe, " (deleted)") != own {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err == nil && sameHost(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sameHost reports whether a process is of this test: it has our network.
func sameHost(pid int) bool {
	ours, err := os.Readlink("/proc/self/ns/net")
	theirs, err2 := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	return err == nil && err2 == nil && ours == theirs
}
