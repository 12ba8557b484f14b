package dnsgate

import (
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"

	"clawjail/jail/egress/match"
)

// Limits of a query.
const (
	headerSize = 12
	// MaxQuery is the longest query answered: one question of 255 bytes and
	// an OPT record with a few options fit several times.
	MaxQuery = 4096
	// udpSize is what answers say they take, DNS flag day 2020.
	udpSize = 1232
	// ttl is short: virtual addresses do not change, but a name that the
	// policy drops must not live on in caches.
	ttl = 60
)

// Lookup gives the virtual addresses of a canonical name; one that is not valid
// is a family without answers. known is false for a name that policy does not
// allow; an error is a table that is full.
type Lookup func(name string) (v4, v6 netip.Addr, known bool, err error)

// Question is what a query asked, for the record.
type Question struct {
	// Name is canonical, or escaped text when it is no host name.
	Name string
	Type string
	// Addr is the virtual IPv4 address of an allowed name.
	Addr netip.Addr
	// Reason says why it was refused; "" is answered.
	Reason string
}

// Answer returns the reply to a query, or nil when there must be none: to
// garbage too short to have an id, and to replies.
func Answer(query []byte, lookup Lookup) ([]byte, Question) {
	if len(query) < headerSize {
		return nil, Question{Reason: "malformed query"}
	}
	const qr = 0x80
	if query[2]&qr != 0 {
		return nil, Question{Reason: "a reply, not a query"}
	}
	if opcode := int(query[2]>>3) & 0xf; opcode != dns.OpcodeQuery {
		return bare(query, dns.RcodeNotImplemented), Question{Reason: "opcode " + number(opcode)}
	}
	if !wellFormed(query) {
		return bare(query, dns.RcodeFormatError), Question{Reason: "malformed query"}
	}
	var q dns.Msg
	if err := q.Unpack(query); err != nil || len(q.Question) != 1 {
		return bare(query, dns.RcodeFormatError), Question{Reason: "malformed query"}
	}
	reply, asked := reply(&q, lookup)
	out, err := reply.Pack()
	if err != nil {
		return bare(query, dns.RcodeServerFailure), Question{Name: asked.Name, Type: asked.Type, Reason: "answer does not pack"}
	}
	return out, asked
}

// wellFormed looks at the counts before anything is unpacked: one question,
// no records but one OPT, and no compression pointer in the question, which
// could only point into itself.
func wellFormed(query []byte) bool {
	count := func(i int) uint16 { return binary.BigEndian.Uint16(query[4+2*i:]) }
	if len(query) > MaxQuery || count(0) != 1 || count(1) != 0 || count(2) != 0 || count(3) > 1 {
		return false
	}
	for at := headerSize; at < len(query); {
		size := int(query[at])
		if size == 0 {
			return true
		}
		if size > 63 {
			return false
		}
		at += 1 + size
	}
	return false
}

// bare is an answer of a header alone.
func bare(query []byte, rcode int) []byte {
	out := make([]byte, headerSize)
	copy(out, query[:2])
	const qr, opcodeAndRD, ra = 0x80, 0x79, 0x80
	out[2] = qr | query[2]&opcodeAndRD
	out[3] = ra | byte(rcode)
	return out
}

func reply(q *dns.Msg, lookup Lookup) (*dns.Msg, Question) {
	r := new(dns.Msg)
	r.SetReply(q) // keeps the question's spelling: 0x20 clients compare it
	r.RecursionAvailable = true
	r.CheckingDisabled = q.CheckingDisabled
	r.Compress = true

	question := q.Question[0]
	asked := Question{Name: printable(question.Name), Type: typeName(question.Qtype)}
	refuse := func(rcode int, reason string) (*dns.Msg, Question) {
		r.Rcode = rcode
		asked.Reason = reason
		return r, asked
	}
	if len(q.Extra) == 1 {
		opt, ok := q.Extra[0].(*dns.OPT)
		if !ok || opt.Hdr.Name != "." {
			return refuse(dns.RcodeFormatError, "malformed query")
		}
		r.SetEdns0(udpSize, opt.Do())
		if opt.Version() != 0 {
			return refuse(dns.RcodeBadVers, "EDNS version "+number(int(opt.Version())))
		}
	}
	if question.Qclass != dns.ClassINET {
		return refuse(dns.RcodeRefused, "class "+number(int(question.Qclass)))
	}
	switch question.Qtype {
	case dns.TypeAXFR, dns.TypeIXFR, dns.TypeMAILA, dns.TypeMAILB, dns.TypeTSIG, dns.TypeTKEY, dns.TypeOPT, dns.TypeNone:
		return refuse(dns.RcodeRefused, "type "+asked.Type)
	}
	name, err := match.Name(question.Name)
	if err != nil {
		return refuse(dns.RcodeNameError, "not a host name")
	}
	asked.Name = name
	v4, v6, known, err := lookup(name)
	switch {
	case err != nil:
		return refuse(dns.RcodeServerFailure, err.Error())
	case !known:
		return refuse(dns.RcodeNameError, "name is not allowed")
	}
	asked.Addr = v4
	header := dns.RR_Header{Name: question.Name, Class: dns.ClassINET, Ttl: ttl}
	switch {
	case v4.IsValid() && (question.Qtype == dns.TypeA || question.Qtype == dns.TypeANY):
		header.Rrtype = dns.TypeA
		r.Answer = append(r.Answer, &dns.A{Hdr: header, A: v4.AsSlice()})
	case v6.IsValid() && question.Qtype == dns.TypeAAAA:
		header.Rrtype = dns.TypeAAAA
		r.Answer = append(r.Answer, &dns.AAAA{Hdr: header, AAAA: v6.AsSlice()})
	}
	return r, asked
}
