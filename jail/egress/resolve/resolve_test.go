package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// upstream is a DNS server on loopback, UDP and TCP.
type upstream struct {
	addr  netip.AddrPort
	asked atomic.Int64
}

func serve(t *testing.T, answer func(tcp bool, q, r *dns.Msg) bool) *upstream {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{addr: netip.MustParseAddrPort(pc.LocalAddr().String())}
	handle := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		u.asked.Add(1)
		r := new(dns.Msg)
		r.SetReply(q)
		if answer(w.LocalAddr().Network() == "tcp", q, r) {
			_ = w.WriteMsg(r) // the test sees it when it does not come
		}
	})
	var wg sync.WaitGroup
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handle}, {Listener: l, Handler: handle}} {
		wg.Go(func() { _ = s.ActivateAndServe() })
	}
	t.Cleanup(func() { pc.Close(); l.Close(); wg.Wait() })
	return u
}

func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestResolve(t *testing.T) {
	u := serve(t, func(tcp bool, q, r *dns.Msg) bool {
		question := q.Question[0]
		add := func(texts ...string) {
			for _, text := range texts {
				if rr := record(t, text); rr.Header().Rrtype == question.Qtype || rr.Header().Rrtype == dns.TypeCNAME {
					r.Answer = append(r.Answer, rr)
				}
			}
		}
		switch question.Name {
		case "both.test.":
			add("both.test. 60 A 192.0.2.1", "both.test. 60 AAAA 2001:db8::1")
		case "four.test.":
			add("FOUR.test. 60 A 192.0.2.1")
		case "alias.test.":
			add("x.other. 60 A 192.0.2.9", "alias.test. 60 CNAME mid.test.", "end.test. 60 A 192.0.2.2", "mid.test. 60 CNAME End.test.")
		case "loop.test.":
			add("loop.test. 60 CNAME loop.test.", "other.test. 60 A 192.0.2.2")
		case "strange.test.":
			add("other.test. 60 A 192.0.2.2")
		case "empty.test.":
		case "big.test.":
			if !tcp {
				r.Truncated = true
				return true
			}
			for i := range 100 {
				add("big.test. 60 A 192.0.2." + string(rune('0'+i%10)))
			}
		case "broken.test.":
			r.Rcode = dns.RcodeServerFailure
		default:
			r.Rcode = dns.RcodeNameError
		}
		return true
	})
	r := New()
	servers := []netip.AddrPort{u.addr}
	for _, c := range []struct {
		name string
		want []netip.Addr
		err  error
		text string
	}{
		{"both.test", addrs("2001:db8::1", "192.0.2.1"), nil, ""},
		{"four.test", addrs("192.0.2.1"), nil, ""},
		{"alias.test", addrs("192.0.2.2"), nil, ""},
		{"loop.test", nil, ErrNoAddress, ""},
		{"strange.test", nil, ErrNoAddress, ""},
		{"empty.test", nil, ErrNoAddress, ""},
		{"none.test", nil, ErrNoName, ""},
		{"broken.test", nil, nil, "SERVFAIL"},
	} {
		got, err := r.Resolve(context.Background(), servers, c.name)
		if !slices.Equal(got, c.want) || c.err != nil && !errors.Is(err, c.err) || c.text != "" && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if got, err := r.Resolve(context.Background(), servers, "big.test"); err != nil || len(got) != MaxAddrs {
		t.Errorf("truncated over UDP: %d addresses, %v", len(got), err)
	}
	before := u.asked.Load()
	if _, err := r.Resolve(context.Background(), servers, "both.test"); err != nil || u.asked.Load() != before {
		t.Errorf("asked again: %v", err)
	}
	r.now = func() time.Time { return time.Now().Add(time.Hour) }
	if _, err := r.Resolve(context.Background(), servers, "both.test"); err != nil || u.asked.Load() == before {
		t.Errorf("not asked again after its time to live: %v", err)
	}
}

func TestNextServer(t *testing.T) {
	bad := serve(t, func(_ bool, _, r *dns.Msg) bool { r.Rcode = dns.RcodeRefused; return true })
	good := serve(t, func(_ bool, q, r *dns.Msg) bool {
		if q.Question[0].Qtype == dns.TypeA {
			r.Answer = append(r.Answer, record(t, "a.test. 60 A 192.0.2.1"))
		}
		return true
	})
	got, err := New().Resolve(context.Background(), []netip.AddrPort{bad.addr, good.addr}, "a.test")
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// A resolver that never answers for AAAA does not hold up A.
func TestOneFamilyIsSilent(t *testing.T) {
	u := serve(t, func(_ bool, q, r *dns.Msg) bool {
		r.Answer = append(r.Answer, record(t, "a.test. 60 A 192.0.2.1"))
		return q.Question[0].Qtype == dns.TypeA
	})
	got, err := New().Resolve(context.Background(), []netip.AddrPort{u.addr}, "a.test")
	if err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestManyWaitersOneQuestion(t *testing.T) {
	release := make(chan struct{})
	u := serve(t, func(_ bool, q, r *dns.Msg) bool {
		<-release
		r.Answer = append(r.Answer, record(t, "a.test. 60 A 192.0.2.1"))
		return true
	})
	r := New()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _, _ = r.Resolve(ctx, []netip.AddrPort{u.addr}, "a.test") })
	}
	wg.Go(func() {
		if _, err := r.Resolve(context.Background(), []netip.AddrPort{u.addr}, "a.test"); err != nil {
			t.Error(err)
		}
	})
	cancel()
	close(release)
	wg.Wait()
	if n := u.asked.Load(); n > 4 {
		t.Errorf("%d questions", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	r := New()
	old := make(chan struct{})
	close(old)
	for i := range maxCache {
		r.entries[key{name: string(rune(i))}] = &entry{ready: old, expires: time.Now().Add(time.Hour)}
	}
	r.makeRoom()
	if len(r.entries) != maxCache-1 {
		t.Errorf("%d entries", len(r.entries))
	}
	r.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	r.entries[key{name: "one more"}] = &entry{ready: old}
	r.makeRoom()
	if len(r.entries) != 0 {
		t.Errorf("%d expired entries", len(r.entries))
	}
}

func TestParseServers(t *testing.T) {
	got := parseServers([]byte("# c\nsearch x\nnameserver 192.0.2.1\nnameserver\nnameserver fe80::1%eth0\n nameserver 2001:db8::1 # x\nnameserver bad\nnameserver 192.0.2.2\n"))
	want := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53"), netip.MustParseAddrPort("[fe80::1%eth0]:53"), netip.MustParseAddrPort("[2001:db8::1]:53")}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if _, err := ReadServers("/dev/null"); err == nil {
		t.Error("no error for none")
	}
}

// FuzzReply looks for crashes and for addresses that are not the question's.
func FuzzReply(f *testing.F) {
	q := new(dns.Msg)
	q.SetQuestion("a.test.", dns.TypeA)
	q.Id = 7
	r := new(dns.Msg)
	r.SetReply(q)
	for _, text := range []string{"a.test. 60 CNAME b.test.", "b.test. 60 A 192.0.2.1"} {
		rr, err := dns.NewRR(text)
		if err != nil {
			f.Fatal(err)
		}
		r.Answer = append(r.Answer, rr)
	}
	b, err := r.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	r.Truncated = true
	if b, err = r.Pack(); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseReply(b, 7, "a.test", dns.TypeA)
		if len(a.addrs) > MaxAddrs || err != nil && len(a.addrs) > 0 {
			t.Fatalf("%d addresses, %v", len(a.addrs), err)
		}
		for _, addr := range a.addrs {
			if !addr.Is4() {
				t.Fatalf("%s for an A question", addr)
			}
		}
		if err == nil && !a.truncated && (a.ttl < minTTL || a.ttl > maxTTL) {
			t.Fatalf("time to live %v", a.ttl)
		}
	})
}
