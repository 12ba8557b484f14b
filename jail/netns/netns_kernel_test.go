//go:build kernel

package netns_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/netns"
)

// inside runs f on a thread in the namespace; the thread is thrown away.
func inside(t *testing.T, ns *os.File, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- os.NewSyscallError("setns", err)
			return
		}
		done <- f()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func deadline() time.Time { return time.Now().Add(10 * time.Second) }

// Without sk_lookup, a connection to any address at the sockets' own port
// arrives: that is the routes' part of the work.
func TestEveryAddressIsLocal(t *testing.T) {
	s, err := netns.Make()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		listener *os.File
		to       string
	}{
		{s.TCP4, "127.0.0.1"}, {s.TCP4, "198.18.0.9"}, {s.TCP4, "8.8.8.8"},
		{s.TCP6, "::1"}, {s.TCP6, "fd63:6c61:776a::9"}, {s.TCP6, "2001:db8::1"},
	} {
		t.Run(c.to, func(t *testing.T) {
			l, err := net.FileListener(c.listener)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			want := netip.AddrPortFrom(netip.MustParseAddr(c.to), netns.Port)
			inside(t, s.NS, func() error {
				conn, err := net.DialTimeout("tcp", want.String(), 10*time.Second)
				if err != nil {
					return err
				}
				return conn.Close()
			})
			if err := l.(*net.TCPListener).SetDeadline(deadline()); err != nil {
				t.Fatal(err)
			}
			got, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			if got.LocalAddr().String() != want.String() {
				t.Errorf("connection to %s arrived as one to %s", want, got.LocalAddr())
			}
		})
	}
}

// A datagram to the DNS address arrives, and the answer can be sent from it.
func TestDatagramAnswersFromItsDestination(t *testing.T) {
	s, err := netns.Make()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		socket *os.File
		to     string
	}{{s.UDP4, "198.18.0.1"}, {s.UDP6, "fd63:6c61:776a::1"}} {
		t.Run(c.to, func(t *testing.T) {
			pc, err := net.FilePacketConn(c.socket)
			if err != nil {
				t.Fatal(err)
			}
			defer pc.Close()
			server := pc.(*net.UDPConn)
			if err := server.SetDeadline(deadline()); err != nil {
				t.Fatal(err)
			}
			to := netip.AddrPortFrom(netip.MustParseAddr(c.to), netns.Port)
			inside(t, s.NS, func() error {
				client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
				if err != nil {
					return err
				}
				defer client.Close()
				if err := client.SetDeadline(deadline()); err != nil {
					return err
				}
				if _, err := client.Write([]byte("question")); err != nil {
					return err
				}
				buf := make([]byte, 64)
				n, from, err := server.ReadFromUDPAddrPort(buf)
				if err != nil || string(buf[:n]) != "question" {
					return fmt.Errorf("server read %q: %v", buf[:n], err)
				}
				if _, _, err := server.WriteMsgUDPAddrPort([]byte("answer"), source(to.Addr()), from); err != nil {
					return fmt.Errorf("answer: %w", err)
				}
				// A connected socket takes only what comes from its peer.
				n, err = client.Read(buf)
				if err != nil || string(buf[:n]) != "answer" {
					return fmt.Errorf("client read %q: %v", buf[:n], err)
				}
				return nil
			})
		})
	}
}

// source is the control message that sets the source address.
func source(a netip.Addr) []byte {
	if a.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
}

func TestNothingButLoopback(t *testing.T) {
	s, err := netns.Make()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	inside(t, s.NS, func() error {
		links, err := net.Interfaces()
		if err != nil {
			return err
		}
		if len(links) != 1 || links[0].Name != "lo" || links[0].Flags&net.FlagUp == 0 {
			return fmt.Errorf("interfaces: %+v", links)
		}
		return nil
	})
}

// The addresses of the resolvers are lo's, at once, and connections to them and
// to all others come from where they came from.
func TestAddress(t *testing.T) {
	s, err := netns.Make()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Address(netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("fd63:6c61:776a::1"), netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	inside(t, s.NS, func() error {
		addrs, err := net.InterfaceAddrs()
		if err != nil {
			return err
		}
		got := make([]string, 0, 4)
		for _, a := range addrs {
			got = append(got, a.String())
		}
		if want := "127.0.0.1/8 198.18.0.1/32 ::1/128 fd63:6c61:776a::1/128"; !sameWords(strings.Join(got, " "), want) {
			return fmt.Errorf("addresses %v, want %s", got, want)
		}
		for _, to := range []string{"198.18.0.9:53", "[fd63:6c61:776a::9]:53", "8.8.8.8:53", "[2001:db8::1]:53"} {
			c, err := net.DialTimeout("tcp", to, 10*time.Second)
			if err != nil {
				return err
			}
			c.Close()
		}
		return nil
	})
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

func TestMakeLeaksNothing(t *testing.T) {
	count := func() int {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	for range 2 { // the poller's own descriptors
		s, err := netns.Make()
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	before := count()
	for range 50 {
		s, err := netns.Make()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors before, %d after 50 namespaces", before, after)
	}
}

func BenchmarkMake(b *testing.B) {
	for b.Loop() {
		s, err := netns.Make()
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
