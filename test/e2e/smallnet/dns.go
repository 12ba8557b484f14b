package smallnet

import (
	"net"
	"strings"

	"github.com/miekg/dns"
)

// nameServer answers from the zone and writes down every question.
type nameServer struct {
	zone map[string]record
	log  *eventLog
}

func (n nameServer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	for _, question := range q.Question {
		name := strings.ToLower(strings.TrimSuffix(question.Name, "."))
		n.log.add(Event{Kind: "dns", Name: name, Detail: dns.TypeToString[question.Qtype], From: w.RemoteAddr().String()})
		rec, ok := n.zone[name]
		if !ok {
			m.Rcode = dns.RcodeNameError
			continue
		}
		header := func(t uint16) dns.RR_Header {
			return dns.RR_Header{Name: question.Name, Rrtype: t, Class: dns.ClassINET, Ttl: 60}
		}
		switch question.Qtype {
		case dns.TypeA:
			for _, a := range rec.v4 {
				m.Answer = append(m.Answer, &dns.A{Hdr: header(dns.TypeA), A: net.IP(a.AsSlice())})
			}
		case dns.TypeAAAA:
			for _, a := range rec.v6 {
				m.Answer = append(m.Answer, &dns.AAAA{Hdr: header(dns.TypeAAAA), AAAA: net.IP(a.AsSlice())})
			}
		}
	}
	// A lost answer is asked for again.
	_ = w.WriteMsg(m)
}

// startDNS serves UDP and TCP on both families and returns once it listens.
func startDNS(z map[string]record, log *eventLog) error {
	h := nameServer{zone: z, log: log}
	for _, address := range []string{gateway4, gateway6} {
		address = net.JoinHostPort(address, "53")
		pc, err := net.ListenPacket("udp", address)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		// They end with the process, which is the internet's whole life.
		go func() { _ = (&dns.Server{PacketConn: pc, Handler: h}).ActivateAndServe() }()
		go func() { _ = (&dns.Server{Listener: l, Handler: h}).ActivateAndServe() }()
	}
	return nil
}
