package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/match"
	"clawjail/jail/egress/relay"
	"clawjail/jail/egress/vaddr"
)

// jail is one jail that is served.
type jail struct {
	*shared
	rules  control.Rules
	digest string // of the rules as they came
	set    *match.Set
	names  *vaddr.Table
	tally  *tally
	conns  chan struct{} // places, rules.MaxConns of them
	quota  *bucket       // DNS questions
	asks   *bucket

	has4, has6 bool // TCP listeners
	line       line

	cancel  context.CancelFunc
	wg      sync.WaitGroup
	closers []func() error
}

// shared is what all jails use.
type shared struct {
	ledger  *ledger
	dialer  *dialer
	buffers *relay.Buffers
	asker   *asker
	sniffIn time.Duration // how long a client may take to say what it wants
}

// DNS questions of one jail: more are answered late, by which the kernel's
// socket buffer bounds them.
const (
	questionRate  = 1000 // a second
	questionBurst = 2000
)

// startJail checks rules, takes over the sockets (it closes the files in every
// case) and serves them until stop.
func startJail(sh *shared, rules control.Rules, kinds []string, files []*os.File) (*jail, error) {
	defer closeFiles(files)
	digest, err := rules.Digest()
	if err != nil {
		return nil, err
	}
	rules = rules.WithDefaults()
	set, err := match.Compile(rules.Dests)
	if err != nil {
		return nil, err
	}
	names, err := vaddr.New(rules.Jail, rules.VirtualV4, rules.VirtualV6)
	if err != nil {
		return nil, err
	}
	// The exact names come first, so that a collision among them falls out
	// the same way whatever the jail asks for.
	for _, name := range set.Names() {
		if _, err := names.Assign(name); err != nil {
			return nil, err
		}
	}
	j := &jail{
		shared: sh, rules: rules, digest: digest, set: set, names: names,
		tally: newTally(sh.ledger, rules.Jail),
		conns: make(chan struct{}, rules.MaxConns),
		quota: newBucket(questionRate, questionBurst),
		asks:  newBucket(askRate, askBurst),
	}
	loops, err := j.open(kinds, files)
	if err != nil {
		j.closeSockets()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	j.line.start(ctx)
	for _, loop := range loops {
		j.wg.Go(func() { loop(ctx) })
	}
	j.wg.Go(func() { j.flushLoop(ctx) })
	return j, nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// open makes a loop of each socket.
func (j *jail) open(kinds []string, files []*os.File) ([]func(context.Context), error) {
	if len(kinds) != len(files) {
		return nil, fmt.Errorf("%d sockets announced, %d came", len(kinds), len(files))
	}
	var loops []func(context.Context)
	for i, kind := range kinds {
		var loop func(context.Context)
		var err error
		switch kind {
		case "tcp4", "tcp6":
			j.has4, j.has6 = j.has4 || kind == "tcp4", j.has6 || kind == "tcp6"
			loop, err = j.openTCP(files[i])
		case "udp4", "udp6":
			loop, err = j.openUDP(files[i], kind == "udp6")
		default:
			err = errors.New("unknown kind")
		}
		if err != nil {
			return nil, fmt.Errorf("take over socket %s: %w", kind, err)
		}
		loops = append(loops, loop)
	}
	return loops, nil
}

func (j *jail) openTCP(f *os.File) (func(context.Context), error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	j.closers = append(j.closers, l.Close)
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, errors.New("not a TCP listener")
	}
	return func(ctx context.Context) { j.acceptLoop(ctx, tcp) }, nil
}

func (j *jail) closeSockets() {
	for _, c := range j.closers {
		_ = c() // closing a socket has no error that anybody could mend
	}
}

// stop resets every connection, waits for all goroutines, and queues the last
// events.
func (j *jail) stop() {
	j.cancel()
	j.closeSockets()
	j.wg.Wait()
	// Twice: what the first pass had no room for is counted as lost, and
	// the second tries to tell that.
	j.tally.flush()
	j.tally.flush()
	j.ledger.end(j.rules.Jail)
}

func (j *jail) flushLoop(ctx context.Context) {
	ticker := time.NewTicker(tallyWindow)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			j.tally.flush()
		}
	}
}

// acceptLoop takes connections until the listener is closed.
func (j *jail) acceptLoop(ctx context.Context, l *net.TCPListener) {
	const pause = 50 * time.Millisecond // when the process or host is out of descriptors or memory
	for {
		c, err := l.AcceptTCP()
		switch {
		case err == nil:
			j.admit(c)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			j.tally.add(control.Event{Kind: control.KindConn, Verdict: control.Deny, Reason: err.Error()})
			wait(ctx, pause)
		}
	}
}

// wait waits, or returns early when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// admit gives a connection its places, or resets it.
func (j *jail) admit(c *net.TCPConn) {
	to := addrPort(c.LocalAddr())
	ctx := j.line.context()
	if ctx.Err() != nil {
		j.refuse(c, attempt{to: to}, "the jail is cut off from the network")
		return
	}
	select {
	case j.conns <- struct{}{}:
	default:
		j.refuse(c, attempt{to: to}, "too many connections of this jail")
		return
	}
	if !j.ledger.admit() {
		<-j.conns
		j.refuse(c, attempt{to: to}, "too many connections, or events are not taken")
		return
	}
	j.wg.Go(func() {
		defer func() { <-j.conns }()
		j.serve(ctx, c, to)
	})
}

// addrPort returns a TCP or UDP address without the family that a socket gave
// it.
func addrPort(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.TCPAddr:
		ap = a.AddrPort()
	case *net.UDPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// asksFor reports whether a canonical name that no destination allows or asks
// for may be asked for all the same.
func (j *jail) asksFor(name string) bool {
	return j.rules.AskDefault && match.Public(name) && !j.set.Refuses(name)
}

// lookup is what DNS answers come from.
func (j *jail) lookup(name string) (v4, v6 netip.Addr, known bool, err error) {
	if !j.set.Knows(name) && !j.asksFor(name) {
		return netip.Addr{}, netip.Addr{}, false, nil
	}
	p, err := j.names.Assign(name)
	// A family that the jail has no listener for would only cost its clients
	// a failed try.
	if !j.has4 {
		p.V4 = netip.Addr{}
	}
	if !j.has6 {
		p.V6 = netip.Addr{}
	}
	return p.V4, p.V6, true, err
}
