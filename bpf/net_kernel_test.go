//go:build kernel

package bpf

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"clawjail/bpf/wire"
)

// attempts are judged by jailConfig. What is allowed ends in the errno of a
// connection that nobody takes, or in none.
var attempts = []struct {
	attempt string
	want    string
}{
	{"connect tcp 127.0.0.1:9", "ECONNREFUSED"},
	{"connect tcp 127.255.255.254:9", "ECONNREFUSED"},
	{"connect tcp [::1]:9", "ECONNREFUSED"},
	{"connect tcp [::ffff:127.0.0.1]:9", "ECONNREFUSED"},
	{"connect tcp 0.0.0.0:9", "ECONNREFUSED"},
	{"connect tcp [::]:9", "ECONNREFUSED"},
	{"connect tcp 198.18.0.5:443", "ok"},
	{"connect tcp 198.19.255.255:1", "ok"},
	{"connect tcp [::ffff:198.18.0.5]:443", "ok"},
	{"connect tcp [fd63:6c61:776a::5]:443", "ok"},
	{"connect tcp 198.18.0.1:53", "ok"},
	{"connect udp 198.18.0.1:53", "ok"},
	{"connect udp [fd63:6c61:776a::1]:53", "ok"},
	{"connect udp [::ffff:198.18.0.1]:53", "ok"},
	{"send udp 198.18.0.1:53", "ok"},
	{"send udp [fd63:6c61:776a::1]:53", "ok"},
	{"send udp [::ffff:198.18.0.1]:53", "ok"},
	{"connect udp 127.0.0.1:9", "ok"},
	{"connect udp [::1]:9", "ok"},
	{"connect tcp 192.0.2.7:443", "ok"},
	{"connect tcp [::ffff:192.0.2.7]:443", "ok"},
	{"connect tcp [2001:db8::7]:65535", "ok"},

	{"connect tcp 192.0.2.7:80", "EPERM"},
	{"connect udp 192.0.2.7:443", "EPERM"},
	{"connect tcp 192.0.2.8:443", "EPERM"},
	{"connect tcp [2001:db8::8]:443", "EPERM"},
	{"connect tcp [::ffff:192.0.2.8]:443", "EPERM"},
	{"connect tcp [::7f00:1]:9", "EPERM"}, // v4-compatible, not loopback
	{"connect tcp 198.17.255.255:443", "EPERM"},
	{"connect tcp 198.20.0.0:443", "EPERM"},
	{"connect tcp [fd63:6c61:776a:1::5]:443", "EPERM"},
	{"connect tcp 169.254.169.254:80", "EPERM"},
	{"connect tcp 10.0.0.1:80", "EPERM"},
	{"connect udp 198.18.0.1:54", "EPERM"},
	{"connect udp 198.18.0.5:443", "EPERM"},
	{"connect udp 8.8.8.8:53", "EPERM"},
	{"connect udp [2001:4860:4860::8888]:53", "EPERM"},
	{"send udp 8.8.8.8:53", "EPERM"},
	{"send udp 198.18.0.5:443", "EPERM"},
	{"send udp [2001:4860:4860::8888]:53", "EPERM"},
	{"send udp [::ffff:8.8.8.8]:53", "EPERM"},
	{"send udp [fd63:6c61:776a::1]:54", "EPERM"},
	{"fastopen tcp 8.8.8.8:53", "EPERM"},

	{"socket 2 1 0", "ok"},
	{"socket 10 1 262", "ok"},   // MPTCP
	{"socket 2 2 1", "EPERM"},   // ping
	{"socket 10 2 58", "EPERM"}, // ping, IPv6
	{"socket 2 3 1", "EPERM"},   // raw
	{"socket 10 3 58", "EPERM"},
	{"socket 2 2 136", "EPERM"}, // UDP-Lite
}

func TestReach(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	var args []string
	for _, a := range attempts {
		args = append(args, a.attempt)
	}
	// Ping sockets are refused by a sysctl of the namespace before any hook.
	f.thread.do(func() { allowPing(t) })
	out, pid := f.victim("net", args...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(attempts) {
		t.Fatalf("output %q", out)
	}
	for i, a := range attempts {
		if want := a.attempt + " " + a.want; lines[i] != want {
			t.Errorf("got %q, want %q", lines[i], want)
		}
	}
	checkReachEvents(t, until(t, p, "exit", exitOf(pid)), pid)
}

// checkReachEvents wants one event for each attempt in order, denied or not.
func checkReachEvents(t *testing.T, events []wire.Event, pid int) {
	t.Helper()
	var got, want []string
	for _, e := range events {
		if int(e.Pid) != pid {
			continue
		}
		switch e.Class {
		case wire.Connect, wire.Send:
			got = append(got, fmt.Sprintf("%s %d %s %v", e.Class, e.Proto, e.Addr, e.Denied))
		case wire.Sock:
			got = append(got, fmt.Sprintf("%s %d/%d %v", e.Class, e.Flags>>16, e.Flags&0xffff, e.Denied))
		}
	}
	for _, a := range attempts {
		f := strings.Fields(a.attempt)
		denied := a.want == "EPERM"
		if f[0] == "socket" {
			if denied {
				want = append(want, fmt.Sprintf("sock %s/%s true", f[2], f[3]))
			}
			continue
		}
		proto := map[string]int{"tcp": 6, "udp": 17}[f[1]]
		class := map[string]string{"connect": "connect", "send": "send", "fastopen": "connect"}[f[0]]
		addr := netip.MustParseAddrPort(f[2])
		addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
		want = append(want, fmt.Sprintf("%s %d %s %v", class, proto, addr, denied))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestOtherCgroupsReachWhatTheyLike(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	beside := f.command(newCgroup(t, ""), []string{"BPF_VICTIM=net"}, "/proc/self/exe", "connect udp 8.8.8.8:53")
	if out, _ := f.run(beside); strings.TrimSpace(out) != "connect udp 8.8.8.8:53 ok" {
		t.Errorf("outside: %q", out)
	}
	nested := f.command(newCgroup(t, f.cgroup), []string{"BPF_VICTIM=net"}, "/proc/self/exe", "connect udp 8.8.8.8:53")
	if out, _ := f.run(nested); strings.TrimSpace(out) != "connect udp 8.8.8.8:53 EPERM" {
		t.Errorf("nested: %q", out)
	}
}

func TestTwoJailsHaveTheirOwnRules(t *testing.T) {
	p := loadProbes(t, Options{})
	one := newFixture(t, p, jailConfig())
	c := jailConfig()
	c.VirtualV4, c.AllowAddrs = netip.Prefix{}, []netip.AddrPort{netip.MustParseAddrPort("203.0.113.9:1")}
	two := newFixture(t, p, c)
	args := []string{"connect tcp 198.18.0.5:443", "connect tcp 203.0.113.9:1", "connect tcp 192.0.2.7:443"}
	for i, want := range []string{"ok EPERM ok", "EPERM ok EPERM"} {
		out, _ := []*fixture{one, two}[i].victim("net", args...)
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			f := strings.Fields(line)
			got = append(got, f[len(f)-1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("jail %d: %v, want %s", i+1, got, want)
		}
	}
}

// The listener sees where the client wanted to go, whatever the address.
func TestLookupBringsConnectionsToTheListener(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	for i, dst := range []string{"198.18.3.4:443", "[fd63:6c61:776a::9]:80"} {
		out, _ := f.victim("net", "connect tcp "+dst)
		if !strings.HasSuffix(strings.TrimSpace(out), "ok") {
			t.Fatalf("connect: %q", out)
		}
		f.tcp[i].SetDeadline(time.Now().Add(patience))
		c, err := f.tcp[i].Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.LocalAddr().String(); got != dst {
			t.Errorf("accepted for %s, want %s", got, dst)
		}
		c.Close()
	}
}

// Questions to any allowed resolver arrive at the socket, and its answers at a
// client that is not connected.
func TestLookupBringsDNSToTheResolver(t *testing.T) {
	p := loadProbes(t, Options{})
	c := jailConfig()
	c.AllowUDPDNS = append(c.AllowUDPDNS, netip.MustParseAddrPort("198.18.0.2:53"))
	f := newFixture(t, p, c)
	for i := range f.udp {
		go func() {
			b := make([]byte, 10)
			for {
				n, from, err := f.udp[i].ReadFromUDPAddrPort(b)
				if err != nil {
					return
				}
				f.udp[i].WriteToUDPAddrPort(b[:n], from)
			}
		}()
	}
	out, _ := f.victim("net", "ask udp 198.18.0.1:53", "ask udp 198.18.0.2:53", "ask udp [fd63:6c61:776a::1]:53")
	if strings.Count(out, "ok\n") != 3 {
		t.Errorf("got %q", out)
	}
}

// Servers of the jail itself stay reachable on loopback, and answers reach
// sockets that are not connected.
func TestLoopbackStaysTheJailsOwn(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	f.thread.do(func() {
		for _, a := range []string{"127.0.0.1:0", "[::1]:0"} {
			l, err := net.Listen("tcp", a)
			if err != nil {
				t.Error(err)
				return
			}
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			s, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(c, "hello")
			c.Close()
			if b, err := io.ReadAll(s); string(b) != "hello" || err != nil {
				t.Errorf("%s: read %q, %v", a, b, err)
			}
			s.Close()
			l.Close()
		}
	})
}
