package daemon

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"clawjail/jail/egress/address"
	"clawjail/jail/egress/control"
)

// drain returns the events that are queued, and frees their places.
func drain(l *ledger) []control.Event {
	var out []control.Event
	for {
		select {
		case e := <-l.queue:
			if e.place != nil {
				<-e.place
			}
			if e.envelope.Event != nil {
				out = append(out, *e.envelope.Event)
			}
		default:
			return out
		}
	}
}

func TestTallyCountsWhatRepeats(t *testing.T) {
	l := newLedger()
	c := newTally(l, "j")
	e := control.Event{Kind: control.KindDNS, Name: "a.test", Verdict: control.Deny, Reason: "name is not allowed"}
	for range 1000 {
		c.add(e)
	}
	if got := drain(l); len(got) != 1 || got[0].Count != 1 || got[0].Jail != "j" {
		t.Fatalf("told %+v", got)
	}
	c.flush()
	if got := drain(l); len(got) != 1 || got[0].Count != 999 {
		t.Fatalf("counted %+v", got)
	}
	c.flush()
	if got := drain(l); len(got) != 0 || len(c.facts) != 0 {
		t.Fatalf("left %+v, %d facts", got, len(c.facts))
	}
}

func TestTallyIsBounded(t *testing.T) {
	l := newLedger()
	c := newTally(l, "j")
	const names = 10 * maxKeys
	for i := range names {
		c.add(control.Event{Kind: control.KindDNS, Name: fmt.Sprintf("data%d.test", i), Verdict: control.Deny, Reason: "name is not allowed"})
	}
	c.flush()
	total := uint64(0)
	got := drain(l)
	for _, e := range got {
		total += e.Count
	}
	if total != names || len(got) > maxKeys+2 {
		t.Errorf("%d questions in %d events", total, len(got))
	}
}

func TestLostEventsAreCounted(t *testing.T) {
	l := newLedger()
	for range maxNotes {
		l.note(control.Event{Kind: control.KindDNS, Jail: "other", Verdict: control.Deny, Count: 1})
	}
	c := newTally(l, "j")
	c.add(control.Event{Kind: control.KindConn, Name: "a.test", Verdict: control.Deny})
	c.flush()
	drain(l)
	c.flush()
	got := drain(l)
	if len(got) != 1 || got[0].Kind != control.KindLost || got[0].Count != 1 {
		t.Errorf("told %+v", got)
	}
}

// Connections stay recorded when nothing else fits, and new ones are refused.
func TestConnectionsKeepTheirPlaces(t *testing.T) {
	l := newLedger()
	for range maxConns {
		if !l.admit() {
			t.Fatal("refused below the bound")
		}
	}
	if l.admit() {
		t.Fatal("admitted above the bound")
	}
	for l.note(control.Event{Kind: control.KindDNS, Jail: "j", Verdict: control.Deny, Count: 1}) {
	}
	for range maxConns {
		l.conclude(control.Event{Kind: control.KindConn, Jail: "j", Verdict: control.Allow, Count: 1}) // never blocks
	}
	for range maxRecords - maxConns {
		if !l.admit() {
			t.Fatal("refused below the bound of records")
		}
		l.conclude(control.Event{Kind: control.KindConn, Jail: "j", Verdict: control.Allow, Count: 1})
	}
	if l.admit() || len(l.conns) != 0 {
		t.Fatal("a place was free before its event was written")
	}
	l.finish()
	written, stop := 0, errors.New("stop")
	err := l.write(func([]byte) error {
		if written++; written == 10 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("a failed send: %v", err)
	}
	if err := l.write(func([]byte) error { written++; return nil }); err != nil || written != maxRecords+maxNotes {
		t.Errorf("%d written, %v", written, err)
	}
}

func TestEventsAlwaysPass(t *testing.T) {
	for _, text := range []string{"", "plain", "\x1b[31m", strings.Repeat("é", 400), "\xff\xfe", strings.Repeat("x", 10000)} {
		e := clean(control.Event{Kind: control.KindConn, Jail: "j", Verdict: control.Deny, Name: text, Reason: text, Protocol: text})
		b, err := control.EncodeEnvelope(control.Envelope{Event: &e})
		if err == nil {
			_, err = control.DecodeEnvelope(b)
		}
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestBucket(t *testing.T) {
	b := newBucket(10, 5)
	now := b.at
	for range 5 {
		if d := b.reserve(now); d != 0 {
			t.Fatalf("burst waits %v", d)
		}
	}
	if d := b.reserve(now); d != 100*time.Millisecond {
		t.Errorf("first above the burst waits %v", d)
	}
	if d := b.reserve(now.Add(time.Hour)); d != 0 {
		t.Errorf("an hour later waits %v", d)
	}
}

func TestPermittedAddresses(t *testing.T) {
	d := &dialer{table: address.New()}
	parse := func(list string) []netip.Addr {
		var out []netip.Addr
		for _, s := range strings.Fields(list) {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	for _, c := range []struct {
		in      string
		private bool
		want    string
	}{
		{"192.0.2.1 192.0.2.2 2001:db8::1", false, "[2001:db8::1 192.0.2.1 192.0.2.2]"},
		{"10.0.0.1 192.0.2.1 ::1", false, "[192.0.2.1]"},
		{"10.0.0.1 192.0.2.1", true, "[10.0.0.1 192.0.2.1]"},
		{"::ffff:10.0.0.1", false, "address 10.0.0.1 is refused: private"},
		{"198.18.0.5", true, "address 198.18.0.5 is refused: benchmark or virtual"},
		{"", false, "the name has no address"},
		{"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9", false,
			"[192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8]"},
	} {
		got, err := d.permitted(parse(c.in), c.private)
		text := fmt.Sprint(got)
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%q: %s, want %s", c.in, text, c.want)
		}
	}
}
