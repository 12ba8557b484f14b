package dnsgate

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/vaddr"
)

var (
	v4 = netip.MustParseAddr("198.18.7.7")
	v6 = netip.MustParseAddr("fd63:6c61:776a::7")
)

// lookup knows ok.test, and full.test in a table that is full.
func lookup(name string) (netip.Addr, netip.Addr, bool, error) {
	switch name {
	case "ok.test":
		return v4, v6, true, nil
	case "full.test":
		return netip.Addr{}, netip.Addr{}, true, vaddr.ErrFull
	}
	return netip.Addr{}, netip.Addr{}, false, nil
}

func query(name string, qtype uint16, change ...func(*dns.Msg)) []byte {
	m := new(dns.Msg)
	m.SetQuestion(name, qtype)
	for _, c := range change {
		c(m)
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func class(c uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.Question[0].Qclass = c } }

func edns(version uint8) func(*dns.Msg) {
	return func(m *dns.Msg) { m.SetEdns0(4096, true); m.IsEdns0().SetVersion(version) }
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		query  []byte
		rcode  int
		answer string
		reason string
	}{
		{"A", query("ok.test.", dns.TypeA), dns.RcodeSuccess, "198.18.7.7", ""},
		{"AAAA", query("ok.test.", dns.TypeAAAA), dns.RcodeSuccess, "fd63:6c61:776a::7", ""},
		{"another case", query("oK.TeSt.", dns.TypeA), dns.RcodeSuccess, "198.18.7.7", ""},
		{"ANY", query("ok.test.", dns.TypeANY), dns.RcodeSuccess, "198.18.7.7", ""},
		{"HTTPS", query("ok.test.", dns.TypeHTTPS), dns.RcodeSuccess, "", ""},
		{"SVCB", query("ok.test.", dns.TypeSVCB), dns.RcodeSuccess, "", ""},
		{"TXT", query("ok.test.", dns.TypeTXT), dns.RcodeSuccess, "", ""},
		{"CNAME", query("ok.test.", dns.TypeCNAME), dns.RcodeSuccess, "", ""},
		{"unknown type", query("ok.test.", 65280), dns.RcodeSuccess, "", ""},
		{"EDNS", query("ok.test.", dns.TypeA, edns(0)), dns.RcodeSuccess, "198.18.7.7", ""},
		{"EDNS of a later version", query("ok.test.", dns.TypeA, edns(1)), dns.RcodeBadVers, "", "EDNS version 1"},
		{"another name", query("no.test.", dns.TypeA), dns.RcodeNameError, "", "not allowed"},
		{"below an exact name", query("x.ok.test.", dns.TypeA), dns.RcodeNameError, "", "not allowed"},
		{"with a search domain", query("ok.test.corp.example.", dns.TypeA), dns.RcodeNameError, "", "not allowed"},
		{"TXT of another name", query("data.no.test.", dns.TypeTXT), dns.RcodeNameError, "", "not allowed"},
		{"root", query(".", dns.TypeNS), dns.RcodeNameError, "", "not a host name"},
		{"reverse", query("1.0.18.198.in-addr.arpa.", dns.TypePTR), dns.RcodeNameError, "", "not allowed"},
		{"bytes that are no name", query("a\\.b\\000.test.", dns.TypeA), dns.RcodeNameError, "", "not a host name"},
		{"an address", query("127.0.0.1.", dns.TypeA), dns.RcodeNameError, "", "not a host name"},
		{"full table", query("full.test.", dns.TypeA), dns.RcodeServerFailure, "", "used up"},
		{"CHAOS", query("ok.test.", dns.TypeTXT, class(dns.ClassCHAOS)), dns.RcodeRefused, "", "class 3"},
		{"any class", query("ok.test.", dns.TypeA, class(dns.ClassANY)), dns.RcodeRefused, "", "class 255"},
		{"transfer", query("ok.test.", dns.TypeAXFR), dns.RcodeRefused, "", "type AXFR"},
		{"update", query("ok.test.", dns.TypeA, func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }), dns.RcodeNotImplemented, "", "opcode 5"},
		{"two questions", query("ok.test.", dns.TypeA, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), dns.RcodeFormatError, "", "malformed"},
		{"no question", query("ok.test.", dns.TypeA, func(m *dns.Msg) { m.Question = nil }), dns.RcodeFormatError, "", "malformed"},
		{"answer in a query", query("ok.test.", dns.TypeA, func(m *dns.Msg) {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "x.", Rrtype: 1, Class: 1}, A: v4.AsSlice()}}
		}), dns.RcodeFormatError, "", "malformed"},
		{"record in place of OPT", query("ok.test.", dns.TypeA, func(m *dns.Msg) {
			m.Extra = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "x.", Rrtype: 1, Class: 1}, A: v4.AsSlice()}}
		}), dns.RcodeFormatError, "", "malformed"},
		{"cut", query("ok.test.", dns.TypeA)[:20], dns.RcodeFormatError, "", "malformed"},
		{"pointer to itself", append(query(".", dns.TypeA)[:12], 0xc0, 12, 0, 1, 0, 1), dns.RcodeFormatError, "", "malformed"},
		{"too long", append(query("ok.test.", dns.TypeA), make([]byte, MaxQuery)...), dns.RcodeFormatError, "", "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, asked := Answer(c.query, lookup)
			var r dns.Msg
			if err := r.Unpack(out); err != nil {
				t.Fatal(err)
			}
			if r.Rcode != c.rcode || !r.Response || r.Id != binary.BigEndian.Uint16(c.query) {
				t.Errorf("reply %v", &r)
			}
			if c.reason == "" != (asked.Reason == "") || !strings.Contains(asked.Reason, c.reason) {
				t.Errorf("recorded %+v, want reason %q", asked, c.reason)
			}
			if got := addresses(&r); got != c.answer {
				t.Errorf("answer %q, want %q", got, c.answer)
			}
			if len(out) > dns.MinMsgSize {
				t.Errorf("reply of %d bytes", len(out))
			}
		})
	}
}

func addresses(m *dns.Msg) string {
	var out []string
	for _, rr := range m.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			out = append(out, rr.A.String())
		case *dns.AAAA:
			out = append(out, rr.AAAA.String())
		}
	}
	return strings.Join(out, " ")
}

func TestReplyKeepsWhatTheClientCompares(t *testing.T) {
	in := query("Ok.TEST.", dns.TypeA, edns(0), func(m *dns.Msg) { m.CheckingDisabled = true })
	out, asked := Answer(in, lookup)
	var r dns.Msg
	if err := r.Unpack(out); err != nil {
		t.Fatal(err)
	}
	opt := r.IsEdns0()
	if r.Question[0].Name != "Ok.TEST." || r.Answer[0].Header().Name != "Ok.TEST." {
		t.Errorf("case lost: %v", &r)
	}
	if asked.Name != "ok.test" || asked.Type != "A" || asked.Addr != v4 {
		t.Errorf("recorded %+v", asked)
	}
	if opt == nil || !opt.Do() || opt.UDPSize() != udpSize || !r.RecursionAvailable || !r.RecursionDesired || !r.CheckingDisabled {
		t.Errorf("flags: %v", &r)
	}
}

func TestNoReply(t *testing.T) {
	reply := query("ok.test.", dns.TypeA, func(m *dns.Msg) { m.Response = true })
	for _, in := range [][]byte{nil, make([]byte, headerSize-1), reply} {
		if out, asked := Answer(in, lookup); out != nil || asked.Reason == "" {
			t.Errorf("%x is answered %x, %+v", in, out, asked)
		}
	}
}

func TestLongNamesFit(t *testing.T) {
	label := strings.Repeat("a", 63)
	name := label + "." + label + "." + label + "." + strings.Repeat("b", 61) + "."
	out, _ := Answer(query(name, dns.TypeAAAA, edns(0)), func(string) (netip.Addr, netip.Addr, bool, error) { return v4, v6, true, nil })
	var r dns.Msg
	if err := r.Unpack(out); err != nil || len(r.Answer) != 1 || len(out) > dns.MinMsgSize {
		t.Errorf("%d bytes, %v: %v", len(out), err, &r)
	}
}

// FuzzAnswer looks for crashes, replies that do not parse, and replies that
// tell more than the table.
func FuzzAnswer(f *testing.F) {
	f.Add(query("ok.test.", dns.TypeA))
	f.Add(query("ok.test.", dns.TypeHTTPS, edns(0)))
	f.Add(query("no.test.", dns.TypeTXT, class(dns.ClassCHAOS)))
	f.Add(append(query(".", dns.TypeA)[:12], 0xc0, 12, 0, 1, 0, 1))
	f.Add(query("a\\.b\\000.test.", dns.TypeA))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, asked := Answer(in, lookup)
		if len(asked.Name) > control.MaxName+3 {
			t.Fatalf("recorded name of %d bytes", len(asked.Name))
		}
		for i := range len(asked.Name) {
			if c := asked.Name[i]; c < ' ' || c > '~' {
				t.Fatalf("recorded name %q", asked.Name)
			}
		}
		if out == nil {
			return
		}
		var r dns.Msg
		if err := r.Unpack(out); err != nil || !r.Response || len(out) > dns.MinMsgSize {
			t.Fatalf("reply %x of %d bytes: %v", out, len(out), err)
		}
		if len(r.Answer) > 0 && (asked.Name != "ok.test" || asked.Reason != "") {
			t.Fatalf("%+v is answered %v", asked, &r)
		}
	})
}
