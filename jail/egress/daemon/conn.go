package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/relay"
	"clawjail/jail/egress/sniff"
)

// attempt is what is known of a connection before anything leaves the host.
type attempt struct {
	to       netip.AddrPort // where the client connected to
	name     string         // the name meant, or the text of a literal
	literal  bool
	protocol string // tls, http, tcp; "" is not known yet
	dests    []control.Dest
}

// refusal is an error that is a decision, not a failure.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

func refused(format string, args ...any) error {
	return &refusal{fmt.Errorf(format, args...)}
}

// serve carries one admitted connection to its end and writes its event.
func (j *jail) serve(ctx context.Context, c *net.TCPConn, to netip.AddrPort) {
	if dns := j.names.DNS(); to.Port() == dnsPort && (to.Addr() == dns.V4 || to.Addr() == dns.V6) {
		defer j.ledger.dismiss()
		j.serveDNS(ctx, c)
		return
	}
	e := control.Event{Kind: control.KindConn, Jail: j.rules.Jail, Time: time.Now().UTC(), Count: 1}
	start := time.Now()
	err := j.carry(ctx, c, to, &e)
	relay.Reset(c) // nothing when the relay has closed it already
	var r *refusal
	if errors.As(err, &r) && e.Ask == 0 && e.BytesUp == 0 && e.BytesDown == 0 {
		// Refusals repeat: they are told at once and then counted. One that
		// was held has an event of its own: somebody decided about it.
		j.ledger.dismiss()
		e.Verdict, e.Reason = control.Deny, err.Error()
		j.tally.add(e)
		return
	}
	e.Verdict, e.Duration = control.Allow, time.Since(start)
	if r != nil {
		e.Verdict = control.Deny
	}
	if err != nil {
		e.Reason = err.Error()
	}
	j.ledger.conclude(clean(e))
}

// refuse resets a connection that was not admitted.
func (j *jail) refuse(c *net.TCPConn, a attempt, reason string) {
	relay.Reset(c)
	j.tally.add(control.Event{
		Kind: control.KindConn, Name: a.name, Addr: a.to.Addr(), Port: a.to.Port(),
		Verdict: control.Deny, Reason: reason,
	})
}

// carry decides a connection and relays it. It fills in the event as facts
// become known.
func (j *jail) carry(ctx context.Context, c *net.TCPConn, to netip.AddrPort, e *control.Event) (err error) {
	dialed := false
	defer func() {
		if p := recover(); p != nil {
			err = refused("internal error: %v", p)
		}
		var by *answered // decided before the jail ended
		if err != nil && ctx.Err() != nil && !errors.As(err, &by) && !errors.Is(err, errLeft) {
			err = relay.ErrAborted // whatever it was that the end of the jail broke
			if !dialed {
				err = &refusal{err}
			}
		}
	}()
	e.Addr, e.Port = to.Addr(), to.Port()
	a, err := j.target(to)
	if e.Name = a.name; a.name != "" && !a.literal {
		e.Addr = netip.Addr{} // a virtual one means nothing to a reader
	}
	if len(a.dests) > 0 && a.dests[0].Then == control.ThenDeny {
		e.Rule = a.dests[0].Rule
	}
	if err != nil {
		return err
	}
	first, gate, err := j.sniff(ctx, c, &a)
	e.Protocol = a.protocol
	if err != nil {
		return err
	}
	if err := j.decide(ctx, c, a, e); err != nil {
		var by *answered
		if errors.As(err, &by) {
			if told := tell(ctx, c, a.protocol, by.reason); told != "" {
				err = fmt.Errorf("%w (the client was told: %s)", err, told)
			}
		}
		return err
	}
	server, err := j.connect(ctx, a)
	if err != nil {
		return err
	}
	dialed = true
	e.Addr = addrPort(server.RemoteAddr()).Addr()
	r := relay.New(c, server, j.rules.Idle, j.buffers)
	err = r.Run(ctx, first, gate)
	e.BytesUp, e.BytesDown = r.Counts()
	var m *sniff.Mismatch
	if errors.As(err, &m) || errors.Is(err, sniff.ErrMalformed) {
		err = &refusal{err}
	}
	return err
}

// target finds what a client means by the address it connected to.
func (j *jail) target(to netip.AddrPort) (attempt, error) {
	a := attempt{to: to}
	if name, ok := j.names.Name(to.Addr()); ok {
		a.name = name
		a.dests = j.set.Find(name, to.Port())
		if len(a.dests) == 0 && j.asksFor(name) {
			a.dests = []control.Dest{{Host: name, Port: to.Port(), Rule: j.rules.AskRule, Then: control.ThenAsk}}
		}
		return a, a.reachable("port is not allowed for this name")
	}
	a.dests = j.set.FindAddr(to.Addr(), to.Port())
	if len(a.dests) > 0 {
		a.name, a.literal = to.Addr().String(), true
	}
	return a, a.reachable("address was not given out by DNS and is not allowed")
}

// reachable refuses an attempt that the policy refuses, or does not know.
func (a attempt) reachable(unknown string) error {
	switch {
	case len(a.dests) == 0:
		return refused("%s", unknown)
	case a.dests[0].Then == control.ThenDeny:
		return refused("destination is refused")
	}
	return nil
}

// decide is the one place where a destination is allowed. It may block: the
// client is not answered before it returns, and ctx ends with the jail.
func (j *jail) decide(ctx context.Context, c *net.TCPConn, a attempt, e *control.Event) error {
	for _, d := range a.dests {
		if d.Protocol != a.protocol && (d.Protocol != "" || a.protocol == "tcp") {
			continue
		}
		e.Rule = d.Rule
		switch d.Then {
		case control.ThenAllow:
			return nil
		case control.ThenAsk:
			return j.hold(ctx, c, a, e)
		}
		return refused("destination is refused")
	}
	return refused("protocol %s is not allowed for this name", a.protocol)
}

// sniff reads what the client says first and checks that it names the
// destination. It returns the bytes read and the gate for what follows.
func (j *jail) sniff(ctx context.Context, c *net.TCPConn, a *attempt) ([]byte, relay.Gate, error) {
	for _, d := range a.dests {
		if d.Protocol == "tcp" {
			// Any protocol may follow, and the server may speak first.
			a.protocol = "tcp"
			return nil, nil, nil
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.SetReadDeadline(time.Now().Add(j.sniffIn)); err != nil {
		return nil, nil, err
	}
	in := &prefix{c: c}
	if err := in.fill(1); err != nil {
		return nil, nil, err
	}
	kind := sniff.Detect(in.b[0])
	a.protocol = kind.String()
	switch kind {
	case sniff.TLS:
		check := func(h sniff.Hello) error { return h.For(a.name, a.literal) }
		size, err := in.hello(check)
		return in.b, relay.HelloGate(size, check), err
	case sniff.HTTP:
		port := a.to.Port()
		check := func(r sniff.Request) error { return r.For(a.name, port) }
		return in.b, relay.RequestGate(check), in.request(check)
	}
	return nil, nil, refused("first bytes are neither TLS nor HTTP/1")
}

// prefix is what has been read of a connection.
type prefix struct {
	c *net.TCPConn
	b []byte
}

// fill reads until there are n bytes.
func (p *prefix) fill(n int) error {
	for len(p.b) < n {
		if len(p.b) >= sniff.MaxPrefix {
			return refused("too many bytes before the name")
		}
		if cap(p.b)-len(p.b) < 512 {
			p.b = append(make([]byte, 0, max(2048, 2*cap(p.b), n)), p.b...)
		}
		got, err := p.c.Read(p.b[len(p.b):cap(p.b)])
		p.b = p.b[:len(p.b)+got]
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return refused("the client did not say what it wants in time")
		case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET):
			return refused("the client ended before it said what it wants")
		default:
			return &refusal{err}
		}
	}
	return nil
}

func (p *prefix) hello(check func(sniff.Hello) error) (int, error) {
	for {
		h, err := sniff.ParseHello(p.b)
		if err == nil {
			if err := check(h); err != nil {
				return 0, &refusal{err}
			}
			return h.Size, nil
		}
		if err := p.more(err); err != nil {
			return 0, err
		}
	}
}

func (p *prefix) request(check func(sniff.Request) error) error {
	scanned := 0
	for {
		r, err := sniff.ParseRequest(p.b, scanned)
		if err == nil {
			if err := check(r); err != nil {
				return &refusal{err}
			}
			return nil
		}
		scanned = len(p.b)
		if err := p.more(err); err != nil {
			return err
		}
	}
}

// more reads what a *sniff.Short asks for; any other error is a refusal.
func (p *prefix) more(err error) error {
	var short *sniff.Short
	if errors.As(err, &short) {
		return p.fill(short.Need)
	}
	return &refusal{err}
}

// connect resolves the name, if it is one, and dials a permitted address.
func (j *jail) connect(ctx context.Context, a attempt) (*net.TCPConn, error) {
	addrs := []netip.Addr{a.to.Addr()}
	if !a.literal {
		var err error
		addrs, err = j.dialer.resolve(ctx, j.rules.Upstream, a.name)
		if err != nil {
			return nil, err
		}
	}
	return j.dialer.dial(ctx, addrs, a.to.Port(), j.rules.AllowPrivate)
}
