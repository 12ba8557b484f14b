//go:build kernel

package bpf

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
)

// patience ends a test that would wait for ever; nothing depends on its size.
const patience = time.Minute

func TestMain(m *testing.M) {
	if action := os.Getenv("BPF_VICTIM"); action != "" {
		os.Exit(victim(action))
	}
	os.Exit(m.Run())
}

// thread is a goroutine on a thread of its own, in a network namespace of its
// own: lo is up, and every address is local, as in a jail.
type thread struct {
	work chan func()
	ns   *os.File
}

func newThread(t testing.TB) *thread {
	t.Helper()
	th := &thread{work: make(chan func())}
	ready := make(chan error)
	go th.run(ready)
	if err := <-ready; err != nil {
		t.Fatalf("network namespace: %v", err)
	}
	t.Cleanup(func() { close(th.work); th.ns.Close() })
	return th
}

func (th *thread) run(ready chan error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if unix.Gettid() == unix.Getpid() {
		inner := make(chan error)
		go th.run(inner)
		ready <- <-inner
		runtime.UnlockOSThread()
		return
	}
	ready <- th.enter()
	for f := range th.work {
		f()
	}
}

func (th *thread) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	var err error
	if th.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, cidr := range []string{"0.0.0.0/0", "::/0"} {
		_, dst, err := net.ParseCIDR(cidr)
		if err != nil {
			return err
		}
		route := &netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}
		if err := netlink.RouteAdd(route); err != nil {
			return fmt.Errorf("route %s: %w", cidr, err)
		}
	}
	return nil
}

func (th *thread) do(f func()) {
	done := make(chan struct{})
	th.work <- func() { defer close(done); f() }
	<-done
}

// fixture is one jail with its namespace, sockets and cgroup, and no seccomp or
// mounts: only what the probes see.
type fixture struct {
	t       testing.TB
	probes  *Probes
	jail    *Jail
	thread  *thread
	cgroup  string
	tcp     [2]*net.TCPListener
	udp     [2]*net.UDPConn
	sockets [4]*os.File
}

var cgroupCount struct {
	sync.Mutex
	n int
}

func newCgroup(t testing.TB, parent string) string {
	t.Helper()
	mount, err := cgroupMount()
	if err != nil {
		t.Fatal(err)
	}
	if parent == "" {
		parent = mount
	}
	cgroupCount.Lock()
	cgroupCount.n++
	dir := filepath.Join(parent, fmt.Sprintf("clawjail-bpf-test-%d-%d", os.Getpid(), cgroupCount.n))
	cgroupCount.Unlock()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeCgroup(t, dir) })
	return dir
}

// removeCgroup kills what is left inside and waits until the kernel lets go.
func removeCgroup(t testing.TB, dir string) {
	if err := os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0); err != nil {
		t.Errorf("kill %s: %v", dir, err)
	}
	deadline := time.Now().Add(patience)
	for {
		err := os.Remove(dir)
		if err == nil || time.Now().After(deadline) {
			if err != nil {
				t.Errorf("remove cgroup: %v", err)
			}
			return
		}
		runtime.Gosched()
	}
}

func loadProbes(t testing.TB, o Options) *Probes {
	t.Helper()
	p, err := Load(o)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close probes: %v", err)
		}
	})
	return p
}

func jailConfig() JailConfig {
	return JailConfig{
		Name:        "test",
		AllowUDPDNS: []netip.AddrPort{netip.MustParseAddrPort("198.18.0.1:53"), netip.MustParseAddrPort("[fd63:6c61:776a::1]:53")},
		VirtualV4:   netip.MustParsePrefix("198.18.0.0/15"),
		VirtualV6:   netip.MustParsePrefix("fd63:6c61:776a::/64"),
		AllowAddrs:  []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:443"), netip.MustParseAddrPort("[2001:db8::7]:0")},
		FailedReads: true,
	}
}

func newFixture(t testing.TB, p *Probes, c JailConfig) *fixture {
	t.Helper()
	f := &fixture{t: t, probes: p, thread: newThread(t), cgroup: newCgroup(t, "")}
	f.thread.do(func() { f.listen() })
	j, err := p.Add(c, f.cgroup, f.thread.ns, f.sockets[0], f.sockets[1], f.sockets[2], f.sockets[3])
	if err != nil {
		t.Fatal(err)
	}
	f.jail = j
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close jail: %v", err)
		}
		for i := range f.tcp {
			f.tcp[i].Close()
			f.udp[i].Close()
		}
		for _, s := range f.sockets {
			s.Close()
		}
	})
	return f
}

func (f *fixture) listen() {
	if err := f.listenAll(); err != nil {
		f.t.Errorf("listen: %v", err)
	}
}

func (f *fixture) listenAll() error {
	var lc net.ListenConfig
	lc.SetMultipathTCP(false)
	for i, a := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := lc.Listen(f.t.Context(), "tcp", a)
		if err != nil {
			return err
		}
		f.tcp[i] = l.(*net.TCPListener)
		if f.sockets[i], err = f.tcp[i].File(); err != nil {
			return err
		}
	}
	for i, a := range []string{"198.18.0.1:53", "[fd63:6c61:776a::1]:53"} {
		// IPv6 binds only to addresses of an interface, whatever the routes say.
		lc.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_FREEBIND, 1) })
		}
		u, err := lc.ListenPacket(f.t.Context(), "udp", a)
		if err != nil {
			return err
		}
		f.udp[i] = u.(*net.UDPConn)
		if f.sockets[2+i], err = f.udp[i].File(); err != nil {
			return err
		}
	}
	return nil
}

// command runs in a cgroup and in the jail's network namespace.
func (f *fixture) command(cgroup string, env []string, argv ...string) *exec.Cmd {
	f.t.Helper()
	dir, err := os.Open(cgroup)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { dir.Close() })
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return cmd
}

// run starts the command on the fixture's thread and waits for its output.
func (f *fixture) run(cmd *exec.Cmd) (string, int) {
	f.t.Helper()
	var out []byte
	f.thread.do(func() { out, _ = cmd.CombinedOutput() })
	if cmd.ProcessState == nil {
		f.t.Fatalf("%v did not start", cmd)
	}
	return string(out), cmd.ProcessState.Pid()
}

// inside runs argv in the jail and returns its output and pid.
func (f *fixture) inside(argv ...string) (string, int) {
	f.t.Helper()
	return f.run(f.command(f.cgroup, nil, argv...))
}

// victim runs one action of this test binary inside the jail.
func (f *fixture) victim(action string, args ...string) (string, int) {
	f.t.Helper()
	argv := append([]string{"/proc/self/exe"}, args...)
	return f.run(f.command(f.cgroup, []string{"BPF_VICTIM=" + action}, argv...))
}

// until reads events until want is satisfied, and returns all of them.
func until(t testing.TB, p *Probes, what string, want func(wire.Event) bool) []wire.Event {
	t.Helper()
	var all []wire.Event
	found := make(chan error, 1)
	go func() {
		for {
			e, err := p.Read()
			if err != nil {
				found <- err
				return
			}
			all = append(all, e)
			if want(e) {
				found <- nil
				return
			}
		}
	}()
	select {
	case err := <-found:
		if err != nil {
			t.Fatalf("%s: read: %v", what, err)
		}
		return all
	case <-time.After(patience):
		t.Fatalf("%s: no such event", what)
		return nil
	}
}

// exitOf matches the end of a process, after which all it did has been read.
func exitOf(pid int) func(wire.Event) bool {
	return func(e wire.Event) bool { return e.Class == wire.Exit && int(e.Pid) == pid }
}

// allowPing must run on the fixture's thread: the file is its namespace's.
func allowPing(t testing.TB) {
	if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 2147483647"), 0); err != nil {
		t.Error(err)
	}
}
