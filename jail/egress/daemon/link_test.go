package daemon

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/socket"
)

// served is Serve in this process, seen from the supervisor's side.
type served struct {
	t                *testing.T
	events, handover *socket.Conn
	end              chan error
	id               uint64
}

func serveHere(t *testing.T) (*served, *socket.Conn) {
	t.Helper()
	s := &served{t: t, end: make(chan error, 1)}
	requests, theirRequests := pair(t)
	events, theirEvents := pair(t)
	handover, theirHandover := pair(t)
	s.events, s.handover = events, handover
	go func() {
		err := Serve(theirRequests, theirEvents, theirHandover, "/dev/null")
		theirEvents.Close()
		s.end <- err
	}()
	t.Cleanup(func() { requests.Close(); events.Close(); handover.Close() })
	return s, requests
}

func pair(t *testing.T) (ours, theirs *socket.Conn) {
	t.Helper()
	ours, f, err := socket.Pair()
	if err == nil {
		theirs, err = socket.Open(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// link gives the process a new supervisor.
func (s *served) link(version int) *socket.Conn {
	s.t.Helper()
	ours, f, err := socket.Pair()
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	b, err := control.Encode(control.Message{Type: control.TypeLink, Version: version})
	if err == nil {
		err = s.handover.Send(b, f)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ours.Close() })
	return ours
}

func (s *served) receive(c *socket.Conn) control.Message {
	s.t.Helper()
	b := make([]byte, control.MaxMessage+1)
	n, _, err := c.Receive(b)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := control.Decode(b[:n])
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// ask sends a request and gives what its answer says.
func (s *served) ask(c *socket.Conn, m control.Message, files ...*os.File) string {
	s.t.Helper()
	s.id++
	m.ID = s.id
	b, err := control.Encode(m)
	if err == nil {
		err = c.Send(b, files...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.receive(c)
	if a.Type != control.TypeAnswer || a.ID != m.ID {
		s.t.Fatalf("answer %+v", a)
	}
	return a.Error
}

// add adds a jail that listens on loopback, and gives where.
func (s *served) add(c *socket.Conn, rules control.Rules) string {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if text := s.ask(c, control.Message{Type: control.TypeAdd, Rules: &rules, Sockets: []string{"tcp4"}}, f); text != "" {
		s.t.Fatal(text)
	}
	return l.Addr().String()
}

// A supervisor goes and another one comes: jails, their rules and what cuts them
// off stay; requests are answered to whoever is there.
func TestTheNextSupervisorGoesOn(t *testing.T) {
	s, first := serveHere(t)
	if m := s.receive(first); m.Type != control.TypeReady || m.Version != control.Version || m.Served != nil {
		t.Fatalf("begins with %+v", m)
	}
	rules := control.Rules{Jail: "a", AllowPrivate: true, Dests: []control.Dest{{Host: "127.0.0.1", Protocol: "tcp", Then: control.ThenAsk}}}
	addr := s.add(first, rules)
	cut := rules
	cut.Jail = "b"
	s.add(first, cut)
	if text := s.ask(first, control.Message{Type: control.TypeCut, Jail: "b"}); text != "" {
		t.Fatal(text)
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked := s.receive(first)
	first.Close()
	second := s.link(control.Version)
	ready := s.receive(second)
	digest, err := rules.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if len(ready.Served) != 2 || ready.Served[0] != (control.Served{Jail: "a", Digest: digest}) || ready.Served[1].Jail != "b" || !ready.Served[1].Cut {
		t.Fatalf("serves %+v", ready.Served)
	}
	// The order of an answer and of an ask that it brings is the process's own.
	b, err := control.Encode(control.Message{Type: control.TypeTake, ID: 9, Jail: "a"})
	if err == nil {
		err = second.Send(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for range 2 {
		m := s.receive(second)
		got[m.Type] = m.ID
	}
	if got[control.TypeAsk] != asked.ID || got[control.TypeAnswer] != 9 {
		t.Errorf("answers %v, asked was %d", got, asked.ID)
	}
	if text := s.ask(second, control.Message{Type: control.TypeTake, Jail: "x"}); !strings.Contains(text, "not served") {
		t.Errorf("a jail that is not there: %q", text)
	}
	// One that comes while there is another takes its place.
	third := s.link(control.Version)
	if m := s.receive(third); m.Type != control.TypeReady || len(m.Served) != 2 {
		t.Errorf("begins with %+v", m)
	}
	if _, _, err := second.Receive(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("the second supervisor hears %v", err)
	}
	b, err = control.Encode(control.Message{Type: control.TypeEnd})
	if err == nil {
		err = third.Send(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.drain()
}

// drain takes the events that are left, and waits for the end.
func (s *served) drain() {
	s.t.Helper()
	b := make([]byte, control.MaxEvent+1)
	for {
		if _, _, err := s.events.Receive(b); err != nil {
			break
		}
	}
	if err := <-s.end; err != nil {
		s.t.Error(err)
	}
}

func TestASupervisorOfAnotherVersion(t *testing.T) {
	s, first := serveHere(t)
	s.receive(first)
	other := s.link(control.Version + 1)
	if _, _, err := other.Receive(make([]byte, 10)); !errors.Is(err, io.EOF) {
		t.Errorf("it hears %v", err)
	}
	if err := s.handover.Send([]byte("{\"type\":\"link\",\"news\":1}")); err != nil {
		t.Fatal(err)
	}
	// The first one is served still, and the last one who could come is not gone.
	if text := s.ask(first, control.Message{Type: control.TypeRemove, Jail: "x"}); !strings.Contains(text, "not served") {
		t.Errorf("%q", text)
	}
}

// Without a supervisor, and with nobody who could bring one, it ends.
func TestNobodyHoldsTheHandover(t *testing.T) {
	s, first := serveHere(t)
	s.receive(first)
	s.add(first, control.Rules{Jail: "a"})
	first.Close()
	select {
	case err := <-s.end:
		t.Fatalf("ended while a supervisor may come: %v", err)
	default:
	}
	s.handover.Close()
	s.events.Close() // as with the last shim
	if err := <-s.end; err != nil && !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
}
