package resolve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

const (
	tryTime = 2 * time.Second // one question to one resolver
	rounds  = 2               // times that every resolver is asked
	udpSize = 1232
)

// ask asks the servers in turn until one knows about the name.
func ask(ctx context.Context, servers []netip.AddrPort, name string, qtype uint16) (answer, error) {
	err := errors.New("no resolvers")
	for range rounds {
		for _, s := range servers {
			var a answer
			a, err = exchange(ctx, s, name, qtype)
			if err == nil || errors.Is(err, ErrNoName) || errors.Is(err, ErrNoAddress) {
				return a, err
			}
			if ctx.Err() != nil {
				return answer{}, context.Cause(ctx)
			}
			err = fmt.Errorf("ask %s: %w", s, err)
		}
	}
	return answer{}, err
}

func exchange(ctx context.Context, server netip.AddrPort, name string, qtype uint16) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(dns.Fqdn(name), qtype) // takes a random id
	q.SetEdns0(udpSize, false)
	a, err := over(ctx, "udp", server, q, name)
	if err == nil && a.truncated {
		a, err = over(ctx, "tcp", server, q, name)
		if err == nil && a.truncated {
			err = errors.New("reply over TCP is cut")
		}
	}
	return a, err
}

// over asks over one transport. A packet that is not the reply is passed over
// and the wait goes on: a forged one must not end it.
func over(ctx context.Context, network string, server netip.AddrPort, q *dns.Msg, name string) (answer, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, server.String())
	if err != nil {
		return answer{}, err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	co := &dns.Conn{Conn: nc, UDPSize: udpSize}
	if err := co.WriteMsg(q); err != nil {
		return answer{}, err
	}
	for range maxPackets {
		b, err := co.ReadMsgHeader(nil)
		if err != nil {
			return answer{}, err
		}
		a, err := parseReply(b, q.Id, name, q.Question[0].Qtype)
		if !errors.Is(err, errOther) {
			return a, err
		}
	}
	return answer{}, errors.New("too many packets that are no reply")
}

// maxPackets bounds what one question reads.
const maxPackets = 16
