//go:build kernel

package bpf

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"clawjail/bpf/wire"
)

// testRing marks the programs of these tests: others on the host may run
// programs of the same names at the same time, with another ring.
const testRing = 64 << 10

// inventory names the programs and links in the kernel that write to a ring of
// that size, and the descriptors of this process.
func inventory(t *testing.T) []string {
	t.Helper()
	var all []string
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			break
		}
		id = next
		if name := programName(id); name != "" {
			all = append(all, "prog "+name)
		}
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		if info, err := links.Link.Info(); err == nil {
			if name := programName(info.Program); name != "" {
				all = append(all, "link "+name)
			}
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if err == nil && (strings.Contains(to, "bpf") || strings.Contains(to, "cgroup")) {
			all = append(all, "fd "+to)
		}
	}
	slices.Sort(all)
	return all
}

// programName is empty for programs that do not write to a testRing.
func programName(id ebpf.ProgramID) string {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	maps, _ := info.MapIDs()
	for _, id := range maps {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		ours := m.Type() == ebpf.RingBuf && m.MaxEntries() == testRing
		m.Close()
		if ours {
			return info.Name
		}
	}
	return ""
}

// settled reads the inventory until it holds nothing that it did not hold before:
// the kernel frees programs and links a little after the last descriptor is
// closed, those of an earlier test that were counted before among them.
func settled(t *testing.T, before []string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		after := inventory(t)
		left := added(before, after)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind:\n%s\nbefore:\n%s", strings.Join(left, "\n"), strings.Join(before, "\n"))
		}
	}
}

// added gives what the second of two sorted lists has more of.
func added(before, after []string) []string {
	var more []string
	for _, x := range after {
		for len(before) > 0 && before[0] < x {
			before = before[1:]
		}
		if len(before) > 0 && before[0] == x {
			before = before[1:]
			continue
		}
		more = append(more, x)
	}
	return more
}

func TestNothingIsLeftBehind(t *testing.T) {
	before := inventory(t)
	p, err := Load(Options{RingBytes: testRing, Linger: -1})
	if err != nil {
		t.Fatal(err)
	}
	loaded := inventory(t)
	for _, name := range []string{"prog process_exec", "prog net_connect4", "prog file_exit"} {
		if !slices.Contains(loaded, name) {
			t.Errorf("%s is not loaded", name)
		}
	}
	for _, l := range loaded {
		if strings.HasPrefix(l, "link ") && !slices.Contains(before, l) {
			t.Errorf("%s without a jail", l)
		}
	}
	t.Run("jail", func(t *testing.T) {
		f := newFixture(t, p, jailConfig())
		now := inventory(t)
		for _, name := range []string{"link process_exec", "link net_connect6", "link file_exit"} {
			if !slices.Contains(now, name) {
				t.Errorf("%s is missing", name)
			}
		}
		if n := lookups(t, f); n != 1 {
			t.Errorf("%d socket lookups in the jail's namespace, want 1", n)
		}
		if err := f.jail.Close(); err != nil {
			t.Error(err)
		}
		if n := lookups(t, f); n != 0 {
			t.Errorf("%d socket lookups after the jail was closed", n)
		}
	})
	settled(t, loaded)
	t.Run("jail that is left open", func(t *testing.T) {
		newFixture(t, p, jailConfig())
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	settled(t, before)
	if _, err := p.Read(); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if _, err := p.Stats(); !errors.Is(err, ErrClosed) {
		t.Errorf("stats after close: %v", err)
	}
}

func lookups(t *testing.T, f *fixture) int {
	t.Helper()
	q, err := link.QueryPrograms(link.QueryOptions{Target: int(f.thread.ns.Fd()), Attach: ebpf.AttachSkLookup})
	if err != nil {
		t.Fatal(err)
	}
	return len(q.Programs)
}

func TestManyJailsComeAndGoTogether(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: testRing, Linger: time.Millisecond})
	f := newFixture(t, p, jailConfig())
	before := inventory(t)
	var all sync.WaitGroup
	for range 50 { // one namespace takes 64 lookups, kernel/bpf/net_namespace.c
		dir := newCgroup(t, "")
		all.Go(func() {
			s := f.sockets
			j, err := p.Add(jailConfig(), dir, f.thread.ns, s[0], s[1], s[2], s[3])
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := p.Stats(); err != nil {
				t.Error(err)
			}
			if err := errors.Join(j.Close(), j.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	settled(t, before)
}

func TestAddRefuses(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: testRing, Linger: -1})
	f := newFixture(t, p, jailConfig())
	other := newCgroup(t, "")
	mount, err := cgroupMount()
	if err != nil {
		t.Fatal(err)
	}
	many := jailConfig()
	for range MaxAllowPerJail {
		many.AllowAddrs = append(many.AllowAddrs, many.AllowAddrs[0])
	}
	ns, s := f.thread.ns, f.sockets
	before := inventory(t)
	for _, row := range []struct {
		name, cgroup, want string
		config             JailConfig
		ns, tcp4           *os.File
	}{
		{"the same cgroup twice", f.cgroup, "is jail \"test\" already", jailConfig(), ns, s[0]},
		{"the root cgroup", mount, "level 0", jailConfig(), ns, s[0]},
		{"not a cgroup", t.TempDir(), "not on a cgroup v2", jailConfig(), ns, s[0]},
		{"no such cgroup", other + "x", "no such file", jailConfig(), ns, s[0]},
		{"no namespace", other, "no network namespace", jailConfig(), nil, s[0]},
		{"a socket missing", other, "socket 0 is missing", jailConfig(), ns, nil},
		{"a namespace that is none", other, "invalid argument", jailConfig(), os.Stderr, s[0]},
		{"too many addresses", other, "at most 256", many, ns, s[0]},
		{"prefixes exchanged", other, "is not IPv4", JailConfig{VirtualV4: jailConfig().VirtualV6}, ns, s[0]},
		{"an urgent class that is none", other, "urgent class", JailConfig{Urgent: []wire.Class{99}}, ns, s[0]},
	} {
		_, err := p.Add(row.config, row.cgroup, row.ns, row.tcp4, s[1], s[2], s[3])
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	settled(t, before)
}

// A jail whose hooks are attached but which has no rules yet reaches nothing.
func TestUnconfiguredJailReachesNothing(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	if err := p.core.Maps[coreMapNetconfs].Put(f.jail.ID(), coreNetconf{}); err != nil {
		t.Fatal(err)
	}
	out, _ := f.victim("net", "socket 2 1 0", "connect tcp 127.0.0.1:9")
	if strings.Count(out, "EPERM") != 2 {
		t.Errorf("got %q", out)
	}
}

func TestReadIsWokenByDenial(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	f.victim("net", "connect tcp 10.0.0.1:80")
	until(t, p, "denied connect", func(e wire.Event) bool { return e.Denied && e.Class == wire.Connect })
}

func TestLoadRefuses(t *testing.T) {
	for _, o := range []Options{{RingBytes: 1}, {RingBytes: 3 * 4096}, {RingBytes: 1 << 40}} {
		if _, err := Load(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestProbeFindsEveryFeature(t *testing.T) {
	before := inventory(t)
	f, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
	for _, x := range f.List {
		t.Logf("%-24s required %v: %v", x.Name, x.Required, x.Err)
	}
	settled(t, before)
}

func TestTracingGoesWithTheLastJailAndComesBack(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: testRing, Linger: time.Millisecond})
	for range 2 {
		deadline := time.Now().Add(patience)
		for slices.Contains(inventory(t), "link process_exec") {
			if time.Now().After(deadline) {
				t.Fatal("still attached without a jail")
			}
		}
		t.Run("jail", func(t *testing.T) {
			f := newFixture(t, p, jailConfig())
			_, pid := f.inside("/bin/true")
			until(t, p, "exit", exitOf(pid))
		})
	}
}

func TestFileProgramsAreAttachedForJailsThatWantThem(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: testRing, Linger: -1})
	c := jailConfig()
	c.NoFiles = true
	newFixture(t, p, c)
	if now := inventory(t); slices.Contains(now, "link file_exit") || !slices.Contains(now, "link process_exec") {
		t.Errorf("a jail without file events: %s", strings.Join(now, "\n"))
	}
	f := newFixture(t, p, jailConfig())
	if !slices.Contains(inventory(t), "link file_exit") {
		t.Error("a jail with file events has no program for them")
	}
	if err := f.jail.Close(); err != nil {
		t.Error(err)
	}
	if now := inventory(t); slices.Contains(now, "link file_exit") || !slices.Contains(now, "link process_exec") {
		t.Errorf("after the last jail with file events: %s", strings.Join(now, "\n"))
	}
}

func TestSettleWaitsForTheReader(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	exits := make(map[int32]bool)
	var mu sync.Mutex
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			e, err := p.Read()
			if err != nil {
				return
			}
			mu.Lock()
			exits[e.Pid] = exits[e.Pid] || e.Class == wire.Exit
			mu.Unlock()
		}
	}()
	for range 50 {
		_, pid := f.inside("/bin/true")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := p.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		mu.Lock()
		if !exits[int32(pid)] {
			t.Errorf("settled before the exit of %d was read", pid)
		}
		mu.Unlock()
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

func TestSettleEndsWithTheProbes(t *testing.T) {
	p := loadProbes(t, Options{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Settle(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("settle after close: %v", err)
	}
}
