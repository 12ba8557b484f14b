//go:build kernel

package egress_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
)

// exchange asks the jail's DNS server from inside.
func (w *world) exchange(tb testing.TB, network, server, name string, qtype uint16) *dns.Msg {
	tb.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	var co *dns.Conn
	var err error
	w.jail.do(func() { co, err = dns.Dial(network, server) })
	if err != nil {
		tb.Fatal(err)
	}
	defer co.Close()
	// Connected: a reply from another address would not come.
	r, _, err := (&dns.Client{Net: network, Timeout: 5 * time.Second}).ExchangeWithConn(q, co)
	if err != nil {
		tb.Fatalf("%s %s: %v", network, server, err)
	}
	return r
}

// dial connects from inside the jail.
func (w *world) dial(tb testing.TB, to string) *net.TCPConn {
	tb.Helper()
	var c net.Conn
	var err error
	w.jail.do(func() { c, err = net.Dial("tcp", to) })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func (w *world) addresses(tb testing.TB, name string) (v4, v6 string) {
	tb.Helper()
	r4 := w.exchange(tb, "udp", "198.18.0.1:53", name, dns.TypeA)
	r6 := w.exchange(tb, "udp", "[fd63:6c61:776a::1]:53", name, dns.TypeAAAA)
	if len(r4.Answer) != 1 || len(r6.Answer) != 1 {
		tb.Fatalf("%v\n%v", r4, r6)
	}
	return r4.Answer[0].(*dns.A).A.String(), r6.Answer[0].(*dns.AAAA).AAAA.String()
}

func TestDNS(t *testing.T) {
	w := newWorld(t)
	w.add(t, egress.Rules{Dests: []egress.Dest{{Host: "api.example.com", Port: 443}, {Host: "*.wild.example.com", Port: 443}}})
	for _, server := range []string{"198.18.0.1:53", "[fd63:6c61:776a::1]:53"} {
		for _, network := range []string{"udp", "tcp"} {
			r := w.exchange(t, network, server, "Api.Example.Com.", dns.TypeA)
			if len(r.Answer) != 1 || r.Question[0].Name != "Api.Example.Com." {
				t.Errorf("%s %s: %v", network, server, r)
			}
			r = w.exchange(t, network, server, "evil.example.com.", dns.TypeA)
			if r.Rcode != dns.RcodeNameError {
				t.Errorf("%s %s: %v", network, server, r)
			}
		}
	}
	r := w.exchange(t, "udp", "198.18.0.1:53", "wild.example.com.", dns.TypeA)
	if r.Rcode != dns.RcodeNameError {
		t.Errorf("the name itself of a wildcard: %v", r)
	}
	if q := w.questions(); q != "" {
		t.Errorf("left the host: %q", q)
	}
	e := w.event(t, func(e egress.Event) bool { return e.Kind == egress.KindDNS && e.Verdict == egress.Deny })
	if e.Name != "evil.example.com" || e.Protocol != "A" || e.Reason == "" {
		t.Errorf("event %+v", e)
	}
}

// A flood of made-up names is counted, not listed.
func TestDNSFloodIsOneStory(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	w.add(t, egress.Rules{Dests: []egress.Dest{{Host: "api.example.com", Port: 443}}})
	var co *dns.Conn
	var err error
	w.jail.do(func() { co, err = dns.Dial("tcp", "198.18.0.1:53") })
	if err != nil {
		t.Fatal(err)
	}
	defer co.Close()
	const names = 900 // under the bound of one connection
	for i := range names {
		q := new(dns.Msg)
		q.SetQuestion(fmt.Sprintf("secret%d.evil.test.", i), dns.TypeTXT)
		if _, _, err := (&dns.Client{Net: "tcp"}).ExchangeWithConn(q, co); err != nil {
			t.Fatal(err)
		}
	}
	w.remove()
	total, events := uint64(0), 0
	for total < names {
		e := w.event(t, func(e egress.Event) bool { return e.Kind == egress.KindDNS })
		total += e.Count
		events++
	}
	w.removed(t)
	// 256 facts in a window of 10 s; a slow machine needs more windows.
	windows := 1 + int(time.Since(start)/(10*time.Second))
	if total != names || events > windows*300 {
		t.Errorf("%d questions in %d events and %d windows", total, events, windows)
	}
}

// remove begins to remove the jail: it ends when its events have been taken.
func (w *world) remove() {
	w.removing = make(chan error, 1)
	go func() { w.removing <- w.server.Remove(context.Background(), "j") }()
}

func (w *world) removed(tb testing.TB) {
	tb.Helper()
	if err := <-w.removing; err != nil {
		tb.Fatal(err)
	}
}

func readReset(tb testing.TB, c net.Conn) {
	tb.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
		tb.Errorf("read error %v, want a reset", err)
	}
}

// dialReset connects and wants a reset, which may come before connect returns.
func (w *world) dialReset(tb testing.TB, to string) {
	tb.Helper()
	var c net.Conn
	var err error
	w.jail.do(func() { c, err = net.Dial("tcp", to) })
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	readReset(tb, c)
}

func TestLimitsAndRemoval(t *testing.T) {
	w := newWorld(t)
	arrived := make(chan net.Conn, 10)
	w.serve(t, webAddr4+":9000", func(c net.Conn) { arrived <- c; discard(c) })
	w.add(t, egress.Rules{MaxConns: 3, Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}})
	v4, _ := w.addresses(t, "v4.example.com.")
	var held []*net.TCPConn
	for range 3 {
		held = append(held, w.dial(t, v4+":9000"))
		<-arrived
	}
	w.dialReset(t, v4+":9000")
	if e := w.conn(t); e.Verdict != egress.Deny || !strings.Contains(e.Reason, "too many") {
		t.Errorf("event %+v", e)
	}
	held[0].Close()
	if e := w.conn(t); e.Verdict != egress.Allow || e.Name != "v4.example.com" {
		t.Errorf("event %+v", e)
	}
	held[0] = w.dial(t, v4+":9000")
	<-arrived
	w.remove()
	for _, c := range held {
		readReset(t, c)
	}
	for range held {
		if e := w.conn(t); !strings.Contains(e.Reason, "closed by clawjail") {
			t.Errorf("event %+v", e)
		}
	}
	w.removed(t)
	if err := w.server.Remove(context.Background(), "j"); err == nil {
		t.Error("removed twice")
	}
	w.add(t, egress.Rules{Jail: "another", Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}})
	if err := w.server.Add(context.Background(), egress.Rules{Jail: "another"}, egress.Sockets{TCP4: os.Stdin}); err == nil {
		t.Error("added twice")
	}
}

// Two jails of one process: what one may reach the other may not, and its
// addresses mean nothing there.
func TestTwoJailsAndPrivateAddresses(t *testing.T) {
	w := newWorld(t)
	for _, addr := range []string{"127.0.0.1:9000", "[::1]:9000"} { // on a slow machine one family may answer late
		var own net.Listener
		var err error
		w.host.do(func() { own, err = net.Listen("tcp", addr) })
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		go func() {
			if c, err := own.Accept(); err == nil {
				io.WriteString(c, "host's loopback")
				c.Close()
			}
		}()
	}
	dests := []egress.Dest{{Host: "rebind.example.com", Port: 9000, Protocol: "tcp"}}
	w.add(t, egress.Rules{Jail: "open", AllowPrivate: true, Dests: dests})
	v4, _ := w.addresses(t, "rebind.example.com.")
	c := w.dial(t, v4+":9000")
	b, err := io.ReadAll(c)
	c.Close()
	if err != nil || string(b) != "host's loopback" {
		t.Errorf("%q, %v", b, err)
	}
	if e := w.conn(t); e.Verdict != egress.Allow || !e.Addr.IsLoopback() || e.Jail != "open" {
		t.Errorf("event %+v", e)
	}
	if err := w.server.Remove(context.Background(), "open"); err != nil {
		t.Fatal(err)
	}
	w.add(t, egress.Rules{Jail: "closed", Dests: dests})
	w.dialReset(t, v4+":9000") // the other jail's address
	if e := w.conn(t); e.Verdict != egress.Deny || e.Jail != "closed" || e.Name != "" {
		t.Errorf("event %+v", e)
	}
	v4, _ = w.addresses(t, "rebind.example.com.")
	w.dialReset(t, v4+":9000")
	if e := w.conn(t); e.Verdict != egress.Deny || !strings.Contains(e.Reason, "refused: ") {
		t.Errorf("event %+v", e)
	}
}

// Bytes are counted exactly, and an end of file one way leaves the other open.
func TestHalfCloseAndCounts(t *testing.T) {
	w := newWorld(t)
	const up, down = 20<<20 + 7, 30<<20 + 3
	w.serve(t, "["+webAddr6+"]:9000", func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c) // until the jail's end of file
		fmt.Fprintf(c, "%08d", n)
		io.CopyN(c, zeros{}, down-8)
	})
	w.add(t, egress.Rules{Dests: []egress.Dest{{Host: "v6.example.com", Port: 9000, Protocol: "tcp", Rule: "r"}}})
	_, v6 := w.addresses(t, "v6.example.com.")
	c := w.dial(t, "["+v6+"]:9000")
	if _, err := io.CopyN(c, zeros{}, up); err != nil {
		t.Fatal(err)
	}
	c.CloseWrite()
	var b [8]byte
	if _, err := io.ReadFull(c, b[:]); err != nil || string(b[:]) != strconv.Itoa(up) {
		t.Fatalf("server got %q, %v", b, err)
	}
	if n, err := io.Copy(io.Discard, c); err != nil || n != down-8 {
		t.Fatalf("%d bytes, %v", n, err)
	}
	c.Close()
	e := w.conn(t)
	if e.BytesUp != up || e.BytesDown != down || e.Verdict != egress.Allow || e.Reason != "" ||
		e.Addr != netip.MustParseAddr(webAddr6) || e.Port != 9000 || e.Rule != "r" || e.Duration <= 0 {
		t.Errorf("event %+v", e)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestIdleConnectionEnds(t *testing.T) {
	w := newWorld(t)
	w.serve(t, webAddr4+":9000", discard)
	w.add(t, egress.Rules{Idle: 50 * time.Millisecond, Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}})
	v4, _ := w.addresses(t, "v4.example.com.")
	w.dialReset(t, v4+":9000")
	if e := w.conn(t); e.Reason != "idle" {
		t.Errorf("event %+v", e)
	}
}

// A record is kept of each of many connections, and the process keeps up.
func TestManyConnections(t *testing.T) {
	w := newWorld(t)
	w.serve(t, webAddr4+":9000", func(c net.Conn) { io.WriteString(c, "x") })
	w.add(t, egress.Rules{MaxConns: 64, Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}}})
	v4, _ := w.addresses(t, "v4.example.com.")
	const conns = 1000
	var wg sync.WaitGroup
	work := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for range work {
				c := w.dial(t, v4+":9000")
				if b, err := io.ReadAll(c); err != nil || string(b) != "x" {
					t.Errorf("%q, %v", b, err)
				}
				c.Close()
			}
		})
	}
	go func() {
		defer close(work)
		for range conns {
			work <- struct{}{}
		}
	}()
	for range conns {
		if e := w.conn(t); e.Verdict != egress.Allow || e.BytesDown != 1 {
			t.Fatalf("event %+v", e)
		}
	}
	wg.Wait()
}

// The process has nothing that it does not need.
func TestProcessIsConfined(t *testing.T) {
	w := newWorld(t)
	w.add(t, egress.Rules{Dests: []egress.Dest{{Host: "api.example.com", Port: 443}}})
	pid := w.server.PID()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("\nUid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", egressUID), fmt.Sprintf("\nGid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", egressUID),
		"\nGroups:\t \n", "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n", "\nCapEff:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n",
	} {
		if !strings.Contains(string(status), want) {
			t.Errorf("status lacks %q:\n%s", want, status)
		}
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || len(env) > 0 {
		t.Errorf("environment %q, %v", env, err)
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		n, _ := strconv.Atoi(fd.Name())
		switch {
		case n < 2 && to == "/dev/null", n == 2 && strings.HasPrefix(to, "pipe:"):
		case strings.HasPrefix(to, "/sys/fs/cgroup/"): // the Go runtime reads its CPU limit
		case strings.HasPrefix(to, "socket:"), to == "anon_inode:[eventpoll]", to == "anon_inode:[eventfd]":
		default:
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
}

// When the process dies, everybody hears of it; sockets can go to another one.
func TestDeathAndSuccession(t *testing.T) {
	w := newWorld(t)
	arrived := make(chan struct{}, 2)
	w.serve(t, webAddr4+":9000", func(c net.Conn) { io.WriteString(c, "x"); arrived <- struct{}{}; discard(c) })
	rules := egress.Rules{
		Jail: "j", Upstream: []netip.AddrPort{netip.MustParseAddrPort(dnsAddr4 + ":53")},
		Dests: []egress.Dest{{Host: "v4.example.com", Port: 9000, Protocol: "tcp"}},
	}
	sockets := w.sockets(t)
	if err := w.server.Add(context.Background(), rules, sockets); err != nil {
		t.Fatal(err)
	}
	v4, _ := w.addresses(t, "v4.example.com.")
	c := w.dial(t, v4+":9000")
	<-arrived
	if err := unix.Kill(w.server.PID(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-w.server.Done()
	for range w.server.Events() {
	}
	_, _ = io.ReadAll(c) // ends, one way or another
	if err := w.server.Add(context.Background(), rules, sockets); !errors.Is(err, egress.ErrEnded) {
		t.Errorf("add to a dead process: %v", err)
	}
	w.start(t)
	if err := w.server.Add(context.Background(), rules, sockets); err != nil {
		t.Fatal(err)
	}
	if again, _ := w.addresses(t, "v4.example.com."); again != v4 {
		t.Errorf("address %s became %s", v4, again)
	}
	c = w.dial(t, v4+":9000")
	<-arrived
	c.Close()
	if e := w.conn(t); e.Verdict != egress.Allow {
		t.Errorf("event %+v", e)
	}
}

// The reason why it does not start is in the error, not only in a log.
func TestStartSaysWhy(t *testing.T) {
	bin := binary(t)
	wrapper := filepath.Join(filepath.Dir(bin), "few")
	script := "#!/bin/sh\nulimit -n 1000\nexec " + bin + "\n"
	if err := os.WriteFile(wrapper, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := egress.Start(t.Context(), nil, wrapper, egressUID, egressUID, quiet(), nil)
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "may open 1000 files") {
		t.Errorf("error %v", err)
	}
}

func TestStartFails(t *testing.T) {
	bin := binary(t)
	for name, start := range map[string]func() (*egress.Server, error){
		"as root": func() (*egress.Server, error) { return egress.Start(t.Context(), nil, bin, 0, 0, nil, nil) },
		"no such binary": func() (*egress.Server, error) {
			return egress.Start(t.Context(), nil, bin+"x", egressUID, egressUID, nil, nil)
		},
		"not ours": func() (*egress.Server, error) {
			return egress.Start(t.Context(), nil, "/bin/true", egressUID, egressUID, quiet(), nil)
		},
	} {
		if s, err := start(); err == nil {
			s.Close()
			t.Errorf("%s: started", name)
		} else {
			t.Log(err)
		}
	}
}
