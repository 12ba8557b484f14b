package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/dnsgate"
	"clawjail/jail/egress/relay"
)

const (
	dnsPort = 53
	// dnsIdle and dnsQueries bound a DNS connection over TCP.
	dnsIdle    = 10 * time.Second
	dnsQueries = 1000
)

// openUDP takes over a DNS socket. It gets packets to any address, and must
// answer from that address: a resolver on the client's side drops others.
func (j *jail) openUDP(f *os.File, v6 bool) (func(context.Context), error) {
	pc, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	j.closers = append(j.closers, pc.Close)
	u, ok := pc.(*net.UDPConn)
	if !ok {
		return nil, errors.New("not a UDP socket")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		if v6 {
			// Without the second, the kernel sends only from addresses of
			// an interface, net/ipv6/datagram.c:ip6_datagram_send_ctl.
			optErr = errors.Join(
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1),
				unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1))
		} else {
			optErr = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	if err = errors.Join(err, os.NewSyscallError("setsockopt", optErr)); err != nil {
		return nil, err
	}
	return func(ctx context.Context) { j.udpLoop(ctx, u) }, nil
}

// udpLoop answers packets until the socket is closed.
func (j *jail) udpLoop(ctx context.Context, u *net.UDPConn) {
	const pause = 50 * time.Millisecond
	var b [dnsgate.MaxQuery + 1]byte
	var oob [128]byte
	for ctx.Err() == nil {
		n, oobn, _, from, err := u.ReadMsgUDPAddrPort(b[:], oob[:])
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			wait(ctx, pause) // no error of a UDP socket lasts
			continue
		}
		to := packetTarget(oob[:oobn])
		if dns := j.names.DNS(); to != dns.V4 && to != dns.V6 {
			continue
		}
		if j.quota.take(ctx) {
			j.tally.add(control.Event{Kind: control.KindDNS, Verdict: control.Deny, Reason: "too many questions: slowed down"})
		}
		if reply := j.answer(b[:n]); reply != nil {
			// A full buffer loses the answer; the client asks again.
			_, _, _ = u.WriteMsgUDPAddrPort(reply, packetSource(to), from)
		}
	}
}

// packetTarget returns the address that a packet was sent to, ip(7), ipv6(7).
func packetTarget(oob []byte) netip.Addr {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.Addr{}
	}
	for _, m := range messages {
		switch {
		case m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(m.Data[8:12])) // ipi_addr
		case m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(m.Data[:16])).Unmap()
		}
	}
	return netip.Addr{}
}

// packetSource asks the kernel to send from an address.
func packetSource(a netip.Addr) []byte {
	if a.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: a.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: a.As16()})
}

// serveDNS answers questions over TCP, RFC 7766.
func (j *jail) serveDNS(ctx context.Context, c *net.TCPConn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { relay.Reset(c) })
	defer stop()
	var b [2 + dnsgate.MaxQuery]byte
	for range dnsQueries {
		if c.SetDeadline(time.Now().Add(dnsIdle)) != nil {
			return
		}
		if _, err := io.ReadFull(c, b[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(b[:2]))
		if n > dnsgate.MaxQuery {
			j.record(dnsgate.Question{Reason: "query too long"})
			return
		}
		if _, err := io.ReadFull(c, b[2:2+n]); err != nil {
			return
		}
		if j.quota.take(ctx) {
			j.tally.add(control.Event{Kind: control.KindDNS, Verdict: control.Deny, Reason: "too many questions: slowed down"})
		}
		reply := j.answer(b[2 : 2+n])
		if reply == nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reply)), uint16(len(reply)))
		if _, err := c.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}

// answer answers one query and records it.
func (j *jail) answer(query []byte) (reply []byte) {
	defer func() {
		if p := recover(); p != nil {
			reply = nil
			j.record(dnsgate.Question{Reason: "internal error"})
		}
	}()
	reply, asked := dnsgate.Answer(query, j.lookup)
	j.record(asked)
	return reply
}

func (j *jail) record(q dnsgate.Question) {
	e := control.Event{
		Kind: control.KindDNS, Name: q.Name, Protocol: q.Type, Addr: q.Addr,
		Verdict: control.Allow, Reason: q.Reason,
	}
	e.Rule = j.set.Rule(q.Name)
	if q.Reason != "" {
		e.Verdict = control.Deny
	} else if !j.set.Knows(q.Name) {
		e.Rule = j.rules.AskRule
	}
	j.tally.add(e)
}
