package resolve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Bounds of a reply.
const (
	MaxAddrs  = 32
	maxCNAMEs = 16
	minTTL    = 5 * time.Second
	maxTTL    = 5 * time.Minute
)

// Errors about a name. Anything else is about resolvers.
var (
	ErrNoName    = errors.New("the name does not exist")
	ErrNoAddress = errors.New("the name has no address")
)

// errOther says that a packet is not the reply to a question: somebody else's
// or a guess. It is passed over.
var errOther = errors.New("not the reply to this question")

// answer is what a reply says.
type answer struct {
	addrs     []netip.Addr
	ttl       time.Duration
	truncated bool
}

// parseReply reads the reply to the question (id, name, qtype), where name is
// canonical. It returns errOther, ErrNoName, ErrNoAddress or what is wrong.
func parseReply(b []byte, id uint16, name string, qtype uint16) (answer, error) {
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		// A cut reply may end inside a record.
		if m.Id != id || !m.Response || !m.Truncated {
			return answer{}, errOther
		}
		return answer{truncated: true}, nil
	}
	if m.Id != id || !m.Response || m.Opcode != dns.OpcodeQuery || len(m.Question) != 1 {
		return answer{}, errOther
	}
	if q := m.Question[0]; q.Qtype != qtype || q.Qclass != dns.ClassINET || canonical(q.Name) != name {
		return answer{}, errOther
	}
	switch {
	case m.Truncated:
		return answer{truncated: true}, nil
	case m.Rcode == dns.RcodeNameError:
		return answer{}, ErrNoName
	case m.Rcode != dns.RcodeSuccess:
		return answer{}, fmt.Errorf("resolver says %s", dns.RcodeToString[m.Rcode])
	}
	return collect(m.Answer, name, qtype)
}

// collect follows the CNAME chain from name and takes the addresses at its
// end. Records of other names are not ours to believe.
func collect(rrs []dns.RR, name string, qtype uint16) (answer, error) {
	a := answer{ttl: maxTTL}
	next := make(map[string]*dns.CNAME)
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok {
			next[canonical(c.Hdr.Name)] = c
		}
	}
	for range maxCNAMEs {
		c := next[name]
		if c == nil {
			break
		}
		name = canonical(c.Target)
		a.shorten(c.Hdr.Ttl)
	}
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype != qtype || h.Class != dns.ClassINET || canonical(h.Name) != name || len(a.addrs) == MaxAddrs {
			continue
		}
		if addr, ok := addrOf(rr); ok {
			a.addrs = append(a.addrs, addr)
			a.shorten(h.Ttl)
		}
	}
	a.ttl = max(a.ttl, minTTL)
	if len(a.addrs) == 0 {
		return answer{}, ErrNoAddress
	}
	return a, nil
}

func (a *answer) shorten(ttl uint32) {
	a.ttl = min(a.ttl, time.Duration(ttl)*time.Second)
}

func addrOf(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		addr, ok := netip.AddrFromSlice(rr.A)
		return addr.Unmap(), ok
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}

func canonical(name string) string {
	return strings.TrimSuffix(strings.ToLower(name), ".")
}
