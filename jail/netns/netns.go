package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Port is where the sockets are bound: a datagram's answer leaves from the port
// that its socket has, and resolvers take answers from port 53 only.
const Port = 53

// backlog is how many connections wait for accept(2) before the kernel drops
// further ones; it is clamped by net.core.somaxconn (4096).
const backlog = 4096

// Sockets is a network namespace and the sockets in it.
type Sockets struct {
	NS *os.File
	// TCP4 and TCP6 listen, UDP4 and UDP6 are bound. TCP6 and UDP6 are nil if
	// the kernel has no IPv6.
	TCP4, TCP6, UDP4, UDP6 *os.File
}

// Close closes all files.
func (s *Sockets) Close() error {
	var errs []error
	for _, f := range []*os.File{s.NS, s.TCP4, s.TCP6, s.UDP4, s.UDP6} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Make makes a network namespace.
func Make() (*Sockets, error) {
	type result struct {
		s   *Sockets
		err error
	}
	done := make(chan result, 1) // one result, so that the thread never waits
	go func() {
		// Never unlocked: the thread is in the wrong namespace and ends with
		// the goroutine.
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The main thread never ends, and /proc/self shows its
			// namespaces. Leave it locked to this goroutine until another
			// one has done the work on another thread.
			s, err := Make()
			runtime.UnlockOSThread()
			done <- result{s, err}
			return
		}
		s, err := enter()
		done <- result{s, err}
	}()
	r := <-done
	return r.s, r.err
}

// enter moves the calling thread into a new namespace and sets it up.
func enter() (_ *Sockets, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, os.NewSyscallError("unshare(CLONE_NEWNET)", err)
	}
	s := &Sockets{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.NS, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return nil, err
	}
	v6 := haveIPv6()
	if err := routes(v6); err != nil {
		return nil, err
	}
	if s.TCP4, err = socket(unix.AF_INET, unix.SOCK_STREAM); err != nil {
		return nil, err
	}
	if s.UDP4, err = socket(unix.AF_INET, unix.SOCK_DGRAM); err != nil {
		return nil, err
	}
	if !v6 {
		return s, nil
	}
	if s.TCP6, err = socket(unix.AF_INET6, unix.SOCK_STREAM); err != nil {
		return nil, err
	}
	if s.UDP6, err = socket(unix.AF_INET6, unix.SOCK_DGRAM); err != nil {
		return nil, err
	}
	return s, nil
}

// haveIPv6 reports whether the kernel has IPv6 and it is not disabled.
func haveIPv6() bool {
	_, err := os.Stat("/proc/thread-self/net/if_inet6")
	return err == nil
}

// loIndex is the loopback device, always the first, net/core/dev.c.
const loIndex = 1

// routes brings up lo and declares every address local.
func routes(v6 bool) error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	link := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: loIndex}}
	if err := h.LinkSetUp(link); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	all := []net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}}
	if v6 {
		all = append(all, net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)})
	}
	for i := range all {
		route := &netlink.Route{
			LinkIndex: loIndex,
			Dst:       &all[i],
			Type:      unix.RTN_LOCAL,
			Table:     unix.RT_TABLE_LOCAL,
			Scope:     unix.RT_SCOPE_HOST,
		}
		if err := h.RouteAdd(route); err != nil {
			return fmt.Errorf("add route local %s dev lo: %w", all[i].String(), err)
		}
	}
	return nil
}

// Address gives lo addresses beside those of the loopback. Nothing needs them
// to be reached, but C libraries look for addresses of a family only where an
// interface has one that is not 127.0.0.1 or ::1 (AI_ADDRCONFIG in
// getaddrinfo(3)). Invalid addresses are passed over, and IPv6 ones where the
// kernel has none.
func (s *Sockets) Address(addrs ...netip.Addr) error {
	h, err := netlink.NewHandleAt(vnetns.NsHandle(s.NS.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	link := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: loIndex}}
	for _, a := range addrs {
		if !a.IsValid() || a.Is6() && s.TCP6 == nil {
			continue
		}
		addr := &netlink.Addr{
			IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())},
			Scope: unix.RT_SCOPE_HOST,
		}
		if a.Is6() {
			addr.Flags = unix.IFA_F_NODAD // nobody else can have it
		}
		if err := h.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("give lo the address %s: %w", a, err)
		}
	}
	return nil
}

// socket binds a socket to Port on every address of one family.
func socket(family, kind int) (_ *os.File, err error) {
	name := map[int]string{unix.SOCK_STREAM: "tcp", unix.SOCK_DGRAM: "udp"}[kind] +
		map[int]string{unix.AF_INET: "4", unix.AF_INET6: "6"}[family]
	// Protocol 0 is plain TCP, never MPTCP: sk_lookup does not take those.
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, os.NewSyscallError("socket", err))
	}
	f := os.NewFile(uintptr(fd), name)
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	var addr unix.Sockaddr = &unix.SockaddrInet4{Port: Port}
	if family == unix.AF_INET6 {
		addr = &unix.SockaddrInet6{Port: Port}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return nil, os.NewSyscallError("setsockopt(IPV6_V6ONLY)", err)
		}
		// An answer leaves from the address that was asked. Unlike IPv4, IPv6
		// wants that to be an interface's address, a local route does not do
		// (net/ipv6/datagram.c:ip6_datagram_send_ctl).
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1); err != nil {
			return nil, os.NewSyscallError("setsockopt(IPV6_FREEBIND)", err)
		}
	}
	if err := unix.Bind(fd, addr); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, backlog); err != nil {
			return nil, os.NewSyscallError("listen", err)
		}
	}
	return f, nil
}
