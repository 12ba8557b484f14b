package daemon

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/relay"
)

// holding is a jail whose literal 127.0.0.1 is asked for, and the messages that
// its asker sends.
type holding struct {
	*jail
	addr string
	sent chan control.Message
}

// set makes a bucket hold a number of tokens for good.
func (b *bucket) set(tokens float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate, b.burst, b.have = 0, tokens, tokens
}

func hold(t *testing.T, allowPrivate bool, protocol string) *holding {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	h := &holding{addr: l.Addr().String(), sent: make(chan control.Message, 1000)}
	sh := &shared{ledger: newLedger(), dialer: newDialer("/dev/null"), buffers: relay.NewBuffers(), sniffIn: time.Minute, asker: newAsker(time.Hour)}
	sh.asker.attach(h.send, nil)
	rules := control.Rules{Jail: "j", AllowPrivate: allowPrivate,
		Dests: []control.Dest{{Host: "127.0.0.1", Protocol: protocol, Then: control.ThenAsk, Rule: "ask it"}}}
	if h.jail, err = startJail(sh, rules, []string{"tcp4"}, []*os.File{f}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *holding) send(m control.Message) error {
	h.sent <- m
	return nil
}

func (h *holding) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// dialReset connects and is reset, maybe before connect(2) has returned.
func (h *holding) dialReset(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if errors.Is(err, syscall.ECONNRESET) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expectReset(t, c)
}

// next gives the next message that the asker sends, which must have a type.
func (h *holding) next(t *testing.T, kind string) control.Message {
	t.Helper()
	m := <-h.sent
	if _, err := control.Encode(m); err != nil || m.Type != kind {
		t.Fatalf("message %+v, %v; want %s", m, err, kind)
	}
	return m
}

// end stops the jail and gives its events.
func (h *holding) end(t *testing.T) []control.Event {
	t.Helper()
	h.stop()
	events := drain(h.ledger)
	if n := len(h.asker.waiting) + len(h.asker.jails) + len(h.ledger.conns) + len(h.conns); n != 0 {
		t.Errorf("%d places were not given back", n)
	}
	return events
}

func expectReset(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("client's error %v, want a reset", err)
	}
}

func wantOne(t *testing.T, events []control.Event, verdict, reason string) {
	t.Helper()
	if len(events) != 1 || events[0].Verdict != verdict || !strings.Contains(events[0].Reason, reason) || events[0].Ask == 0 || events[0].Rule != "ask it" {
		t.Errorf("events %+v, want one %s, %q", events, verdict, reason)
	}
}

func TestHeldAndRefused(t *testing.T) {
	h := hold(t, true, "tcp")
	c := h.dial(t)
	m := h.next(t, control.TypeAsk)
	if q := *m.Ask; q.Jail != "j" || q.Name != "" || q.Addr.String() != "127.0.0.1" || q.Port == 0 || q.Protocol != "tcp" {
		t.Errorf("asked %+v", q)
	}
	h.asker.decide(m.ID, control.Verdict{Reason: "a human"})
	h.asker.decide(m.ID, control.Verdict{Allow: true}) // too late
	h.asker.decide(m.ID+1, control.Verdict{Allow: true})
	expectReset(t, c)
	wantOne(t, h.end(t), control.Deny, "held and refused: a human")
}

// A client is told in the words of its protocol, and the event says so; what it
// still sends does not turn the answer into a reset.
func TestRefusedInItsProtocol(t *testing.T) {
	for _, tt := range []struct{ protocol, says, hears, told string }{
		{"http", "POST / HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n", "HTTP 403"},
		{"tls", clientHello(t), "\x15\x03\x03\x00\x02\x02\x31", "a TLS alert: access denied"},
	} {
		t.Run(tt.protocol, func(t *testing.T) {
			h := hold(t, true, "")
			c := h.dial(t)
			_, port, _ := net.SplitHostPort(h.addr)
			if _, err := io.WriteString(c, strings.ReplaceAll(tt.says, "PORT", port)); err != nil {
				t.Fatal(err)
			}
			m := h.next(t, control.TypeAsk)
			if _, err := io.WriteString(c, "late data"); err != nil {
				t.Fatal(err)
			}
			h.asker.decide(m.ID, control.Verdict{Reason: "it needs an approved make_payment\r\nX: \x1b"})
			got, err := io.ReadAll(c)
			if err != nil || !strings.HasPrefix(string(got), tt.hears) || strings.Contains(string(got), "\x1b") {
				t.Errorf("%q, %v", got, err)
			}
			if tt.protocol == "http" && !strings.HasSuffix(string(got), "\r\n\r\nclawjail refused this connection: it needs an approved make_payment??X: ?\n") {
				t.Errorf("%q", got)
			}
			c.Close()
			wantOne(t, h.end(t), control.Deny, "(the client was told: "+tt.told+")")
		})
	}
}

// clientHello is what a client of TLS says first to an address.
func clientHello(t *testing.T) string {
	t.Helper()
	mine, theirs := net.Pipe()
	defer mine.Close()
	go func() {
		_ = tls.Client(theirs, &tls.Config{InsecureSkipVerify: true}).Handshake()
		theirs.Close()
	}()
	b := make([]byte, 16<<10)
	n, err := mine.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// What the client says is checked before anybody is asked, and it goes on with
// what it sent meanwhile. The connection leads to the jail's own listener: it
// is a second one, and asked for as well.
func TestHeldAndAllowed(t *testing.T) {
	h := hold(t, true, "")
	c := h.dial(t)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	expectReset(t, c)
	c = h.dial(t)
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+h.addr+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	first := h.next(t, control.TypeAsk)
	if first.Ask.Protocol != "http" {
		t.Errorf("asked %+v", first.Ask)
	}
	h.asker.decide(first.ID, control.Verdict{Allow: true})
	second := h.next(t, control.TypeAsk)
	h.asker.decide(second.ID, control.Verdict{Reason: "no"})
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 403 ") {
		t.Errorf("%q, %v", got, err)
	}
	for _, e := range h.end(t) {
		switch e.Ask {
		case first.ID:
			if e.Verdict != control.Allow || e.BytesUp == 0 {
				t.Errorf("the first one's event %+v", e)
			}
		case second.ID:
			wantOne(t, []control.Event{e}, control.Deny, "held and refused: no")
		default:
			if !strings.Contains(e.Reason, "elsewhere") {
				t.Errorf("event %+v", e)
			}
		}
	}
}

func TestTheClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { c.Close() },
		"reset":  relay.Reset,
		"closed, with bytes that nobody read": func(c *net.TCPConn) {
			_, _ = c.Write(make([]byte, 10000)) // an error is the end as well
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, true, "tcp")
			c := h.dial(t)
			m := h.next(t, control.TypeAsk)
			leave(c)
			if w := h.next(t, control.TypeWithdraw); w.ID != m.ID {
				t.Errorf("withdrew %d, not %d", w.ID, m.ID)
			}
			wantOne(t, h.end(t), control.Deny, "the client left")
		})
	}
}

func TestTheJailEnds(t *testing.T) {
	h := hold(t, true, "tcp")
	c := h.dial(t)
	h.next(t, control.TypeAsk)
	events := h.end(t)
	expectReset(t, c)
	h.next(t, control.TypeWithdraw)
	wantOne(t, events, control.Deny, "closed by clawjail")
}

func TestPrivateAddressesAreNotAskedFor(t *testing.T) {
	h := hold(t, false, "tcp")
	h.dialReset(t)
	if events := h.end(t); len(events) != 1 || !strings.Contains(events[0].Reason, "refused: loopback") || events[0].Ask != 0 {
		t.Errorf("events %+v", events)
	}
	if len(h.sent) != 0 {
		t.Error("somebody was asked")
	}
}

func TestHeldIsBounded(t *testing.T) {
	h := hold(t, true, "tcp")
	for range control.MaxHeldJail {
		h.dial(t)
		h.next(t, control.TypeAsk)
	}
	h.asks.set(10) // it may ask, and there is no room
	h.dialReset(t)
	h.asks.set(0)
	h.dialReset(t)
	var full, often int
	for _, e := range h.end(t) {
		switch {
		case strings.Contains(e.Reason, "too many connections wait"):
			full++
		case strings.Contains(e.Reason, "asked for too often"):
			often++
		}
	}
	if full != 1 || often != 1 {
		t.Errorf("%d refused for room, %d for haste", full, often)
	}
}

// While there is no supervisor, what is asked waits, and is put to the next one
// under its id, when that one knows of the jail.
func TestAsksWaitForASupervisor(t *testing.T) {
	h := hold(t, true, "tcp")
	before := h.dial(t)
	first := h.next(t, control.TypeAsk)
	h.asker.detach()
	between := h.dial(t)
	left := h.dial(t)
	eventually(t, "three connections are held", func() bool { return h.held() == 3 })
	left.Close()
	eventually(t, "one has left", func() bool { return h.held() == 2 })
	h.asker.attach(h.send, []string{"j"})
	after := h.dial(t)
	eventually(t, "three connections are held again", func() bool { return h.held() == 3 })
	if len(h.sent) != 0 {
		t.Errorf("asked about a jail that was not taken: %+v", <-h.sent)
	}
	h.asker.take("j")
	h.asker.take("j")
	if m := h.next(t, control.TypeAsk); m.ID != first.ID || *m.Ask != *first.Ask {
		t.Errorf("first %+v, again %+v", first, m)
	}
	for range 2 {
		m := h.next(t, control.TypeAsk)
		h.asker.decide(m.ID, control.Verdict{Reason: "no"})
	}
	h.asker.decide(first.ID, control.Verdict{Reason: "no"})
	for _, c := range []net.Conn{before, between, after} {
		expectReset(t, c)
	}
	if events := h.end(t); len(events) != 4 || len(h.sent) != 0 {
		t.Errorf("events %+v, %d messages", events, len(h.sent))
	}
}

// held is how many connections wait for an answer.
func (h *holding) held() int {
	h.asker.mu.Lock()
	defer h.asker.mu.Unlock()
	return len(h.asker.waiting)
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// Nobody waits for ever for a supervisor, and the next one is asked again.
func TestNoSupervisorComesBack(t *testing.T) {
	h := hold(t, true, "tcp")
	c := h.dial(t)
	h.next(t, control.TypeAsk)
	h.asker.giveUp() // too early: there is one
	if h.held() != 1 {
		t.Error("given up while there is a supervisor")
	}
	h.asker.detach()
	h.asker.giveUp()
	expectReset(t, c)
	h.dialReset(t)
	h.asker.attach(h.send, nil)
	c = h.dial(t)
	m := h.next(t, control.TypeAsk)
	h.asker.decide(m.ID, control.Verdict{Reason: "no"})
	expectReset(t, c)
	alone := 0
	for _, e := range h.end(t) {
		if strings.Contains(e.Reason, errAlone.Error()) {
			alone++
		}
	}
	if alone != 2 {
		t.Errorf("%d refused for want of a supervisor, want 2", alone)
	}
}

// What has no rule is asked for only if it is a name of the internet.
func TestAskDefault(t *testing.T) {
	h := hold(t, true, "tcp")
	defer h.end(t)
	h.rules.AskDefault = true
	for name, want := range map[string]bool{"new.example.com": true, "localhost": false, "printer.local": false} {
		if _, _, known, err := h.lookup(name); known != want || err != nil {
			t.Errorf("%s: known %v, %v", name, known, err)
		}
	}
	v4, _, _, err := h.lookup("new.example.com")
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.target(netip.AddrPortFrom(v4, 8443))
	if err != nil || len(a.dests) != 1 || a.dests[0].Then != control.ThenAsk || a.dests[0].Protocol != "" || a.name != "new.example.com" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := h.target(netip.AddrPortFrom(v4.Next(), 8443)); err == nil {
		t.Error("an address that no name gave is asked for")
	}
}
