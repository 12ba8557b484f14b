package supervisor

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
	"clawjail/jail/egress"
	"clawjail/policy"
	"clawjail/supervisor/api"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/control"
)

// asked is a supervisor with one running jail whose policy asks.
func asked(t *testing.T) (*Supervisor, *jailView) {
	t.Helper()
	s := desk(t, approvalOptions{})
	s.loop = newLoop(10)
	go s.loop.run()
	t.Cleanup(s.loop.close)
	s.scope.Store(&scope{})
	v := newJailView("j1")
	v.policy = &policy.Policy{Name: "p", Network: policy.Network{Default: policy.Ask, Rules: []policy.NetRule{
		{Host: "never.example.com", Then: policy.Deny, Origin: policy.Origin{Rule: "network.deny[0]"}},
		{Host: "free.example.com", Then: policy.Allow, Origin: policy.Origin{Rule: "network.allow[0]"}},
		{Host: "192.0.2.7", Port: 22, Then: policy.Ask, Origin: policy.Origin{Rule: "network.ask[0]"}},
	}}}
	s.loop.do(func(tb *table) {
		tb.live["j1"] = &entry{view: v, jail: api.Jail{ID: "j1", Name: "nightly", Argv: []string{"agent"}, By: 7}}
	})
	s.addScope(1, v)
	return s, v
}

func TestAskConnect(t *testing.T) {
	for name, c := range map[string]struct {
		ask     egress.Ask
		approve bool
		shown   string
	}{
		"a name, approved":   {egress.Ask{Jail: "j1", Name: "new.example.com", Port: 443, Protocol: "tls"}, true, "TLS"},
		"a name, rejected":   {egress.Ask{Jail: "j1", Name: "new.example.com", Port: 80, Protocol: "http"}, false, "without encryption"},
		"an address, as tcp": {egress.Ask{Jail: "j1", Addr: netip.MustParseAddr("192.0.2.7"), Port: 22, Protocol: "tcp"}, true, "not looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			s, v := asked(t)
			events, err := s.approvals.Watch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan egress.Verdict, 1)
			go func() { got <- s.askConnect(t.Context(), 5, c.ask) }()
			var held approval.View
			for ev := range events {
				if ev.Kind == approval.Added {
					held = ev.View
					break
				}
			}
			if held.JailName != "nightly" || held.Agent != "agent" || held.StartedBy != 7 || held.Host != c.ask.Name || held.Port != c.ask.Port ||
				held.Rule == "" || held.Gate != "connect" || len(held.Notes) != 1 || !strings.Contains(held.Notes[0], c.shown) {
				t.Errorf("shown %+v", held.Request)
			}
			body := api.DecideRequest{Approve: c.approve, Digest: held.Digest}
			if _, apiErr := decideAs(s, control.Peer{PID: os.Getpid()}, held, body); apiErr != nil {
				t.Fatal(apiErr)
			}
			if answer := <-got; answer.Allow != c.approve {
				t.Errorf("%+v", answer)
			}
			if d := v.takeConn(5); d == nil || d.ID != held.ID || v.takeConn(5) != nil {
				t.Errorf("decision %+v", d)
			}
		})
	}
}

// The proxy cannot make questions of what the policy answers, nor of jails that
// do not run.
func TestAskConnectRefusesUnasked(t *testing.T) {
	s, _ := asked(t)
	for name, a := range map[string]egress.Ask{
		"denied":          {Jail: "j1", Name: "never.example.com", Port: 443, Protocol: "tls"},
		"allowed":         {Jail: "j1", Name: "free.example.com", Port: 443, Protocol: "tls"},
		"private":         {Jail: "j1", Addr: netip.MustParseAddr("10.0.0.1"), Port: 443, Protocol: "tcp"},
		"loopback":        {Jail: "j1", Addr: netip.MustParseAddr("127.0.0.1"), Port: 443, Protocol: "tcp"},
		"virtual":         {Jail: "j1", Addr: netip.MustParseAddr("198.18.0.9"), Port: 443, Protocol: "tcp"},
		"of another jail": {Jail: "j2", Name: "new.example.com", Port: 443, Protocol: "tls"},
	} {
		if v := s.askConnect(t.Context(), 1, a); v.Allow || v.Reason == "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if n := len(s.approvals.List()); n != 0 {
		t.Errorf("%d requests are open", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v := s.askConnect(ctx, 1, egress.Ask{Jail: "j1", Name: "new.example.com", Port: 443, Protocol: "tls"}); v.Allow {
		t.Errorf("withdrawn, and %+v", v)
	}
}

func TestHeldConnsAreBounded(t *testing.T) {
	v := newJailView("j")
	for id := range uint64(maxHeldConns + 10) {
		v.heldConn(id, decisionRecord(&approval.Decision{}))
	}
	if n := len(v.held.by); n != maxHeldConns {
		t.Errorf("%d remembered", n)
	}
	if v.takeConn(maxHeldConns+9) == nil {
		t.Error("the newest is not among them")
	}
}

func TestSortingAddressesIsNoRefusal(t *testing.T) {
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	for name, c := range map[string]struct {
		ev   wire.Event
		want bool
	}{
		"UDP to a virtual address":   {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_UDP, Denied: true, Addr: at("198.18.3.4:443")}, true},
		"and to an IPv6 one":         {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_UDP, Denied: true, Addr: at("[fd63:6c61:776a::9]:443")}, true},
		"mapped":                     {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_UDP, Denied: true, Addr: at("[::ffff:198.18.3.4]:443")}, true},
		"UDP to an address outside":  {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_UDP, Denied: true, Addr: at("8.8.8.8:443")}, false},
		"UDP that sends":             {wire.Event{Class: wire.Send, Proto: unix.IPPROTO_UDP, Denied: true, Addr: at("198.18.3.4:443")}, false},
		"TCP":                        {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_TCP, Denied: true, Addr: at("198.18.3.4:443")}, false},
		"UDP that was allowed (DNS)": {wire.Event{Class: wire.Connect, Proto: unix.IPPROTO_UDP, Addr: at("198.18.0.1:53")}, false},
	} {
		if sortsAddresses(c.ev) != c.want {
			t.Errorf("%s: not %v", name, c.want)
		}
	}
}
