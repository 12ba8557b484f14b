package daemon

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress/control"
)

// Asks of one jail. A client that connects and leaves over and over must not
// make work for people or for the supervisor's journal.
const (
	askRate  = 5 // a second
	askBurst = control.MaxHeldJail
)

// awayTime is how long what was asked waits for the next supervisor.
const awayTime = 30 * time.Minute

// asker puts asks to the supervisor and hands out its verdicts. While there is
// none they wait, and are put to the next one under the same ids.
type asker struct {
	away time.Duration

	// wire orders what is sent: an ask before its withdrawal, and none before
	// the supervisor has taken its jail.
	wire     sync.Mutex
	send     func(control.Message) error // nil: there is no supervisor
	untaken  map[string]bool             // jails that it has not taken yet
	deadline *time.Timer

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]waiter
	jails   map[string]int // how many wait
	alone   bool           // no supervisor came back in time
}

type waiter struct {
	ask     control.Ask
	verdict chan control.Verdict // capacity 1, one is sent
}

func newAsker(away time.Duration) *asker {
	return &asker{away: away, waiting: make(map[uint64]waiter), jails: make(map[string]int)}
}

// attach has a supervisor asked. It has not heard of jails that were served
// before, and is asked about each of them once it has taken it.
func (a *asker) attach(send func(control.Message) error, served []string) {
	a.wire.Lock()
	defer a.wire.Unlock()
	if a.deadline != nil {
		a.deadline.Stop()
	}
	a.send, a.untaken = send, make(map[string]bool, len(served))
	for _, jail := range served {
		a.untaken[jail] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alone = false
}

// detach has asks wait, but not for ever.
func (a *asker) detach() {
	a.wire.Lock()
	defer a.wire.Unlock()
	if a.send == nil {
		return
	}
	a.send = nil
	a.deadline = time.AfterFunc(a.away, a.giveUp)
}

// giveUp refuses what waits, and what comes, until there is a supervisor.
func (a *asker) giveUp() {
	a.wire.Lock()
	defer a.wire.Unlock()
	if a.send != nil {
		return
	}
	a.mu.Lock()
	a.alone = true
	ids := slices.Collect(maps.Keys(a.waiting))
	a.mu.Unlock()
	for _, id := range ids {
		a.decide(id, control.Verdict{Reason: errAlone.Error()})
	}
}

// errLeft stays the reason when the jail ends right after it.
var errLeft = errors.New("the client left while it was held")

var errAlone = errors.New("no supervisor came back in time")

// take puts the asks of a jail, oldest first.
func (a *asker) take(jail string) {
	a.wire.Lock()
	defer a.wire.Unlock()
	if !a.untaken[jail] {
		return
	}
	delete(a.untaken, jail)
	a.mu.Lock()
	again := map[uint64]control.Ask{}
	for id, w := range a.waiting {
		if w.ask.Jail == jail {
			again[id] = w.ask
		}
	}
	a.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(again)) {
		q := again[id]
		a.tell(control.Message{Type: control.TypeAsk, ID: id, Ask: &q}, jail)
	}
}

// forget is told of a jail that is gone, with its asks.
func (a *asker) forget(jail string) {
	a.wire.Lock()
	defer a.wire.Unlock()
	delete(a.untaken, jail)
}

// tell sends a message about an ask, if there is a supervisor that knows of its
// jail. wire is locked. An error means that the supervisor has gone: the next one
// is told what it has to know.
func (a *asker) tell(m control.Message, jail string) {
	if a.send != nil && !a.untaken[jail] {
		_ = a.send(m)
	}
}

// ask puts one ask. Its place is taken until leave.
func (a *asker) ask(q control.Ask) (uint64, <-chan control.Verdict, error) {
	a.wire.Lock()
	defer a.wire.Unlock()
	id, w, err := a.enter(q)
	if err != nil {
		return 0, nil, err
	}
	a.tell(control.Message{Type: control.TypeAsk, ID: id, Ask: &q}, q.Jail)
	return id, w.verdict, nil
}

// enter takes a place.
func (a *asker) enter(q control.Ask) (uint64, waiter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.alone:
		return 0, waiter{}, errAlone
	case len(a.waiting) >= control.MaxHeld || a.jails[q.Jail] >= control.MaxHeldJail:
		return 0, waiter{}, errors.New("too many connections wait for a decision")
	}
	a.next++
	w := waiter{q, make(chan control.Verdict, 1)}
	a.waiting[a.next] = w
	a.jails[q.Jail]++
	return a.next, w, nil
}

// leave withdraws an ask that was not decided. The place is free for another
// one only after the supervisor was told: it holds us to the bound.
func (a *asker) leave(id uint64) {
	a.wire.Lock()
	defer a.wire.Unlock()
	a.mu.Lock()
	w, open := a.waiting[id]
	a.mu.Unlock()
	if !open {
		return
	}
	a.tell(control.Message{Type: control.TypeWithdraw, ID: id}, w.ask.Jail)
	a.drop(id)
}

func (a *asker) drop(id uint64) (waiter, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w, ok := a.waiting[id]
	if !ok {
		return waiter{}, false
	}
	delete(a.waiting, id)
	if a.jails[w.ask.Jail]--; a.jails[w.ask.Jail] == 0 {
		delete(a.jails, w.ask.Jail)
	}
	return w, true
}

// decide passes a verdict on; one that comes too late is dropped.
func (a *asker) decide(id uint64, v control.Verdict) {
	if w, ok := a.drop(id); ok {
		w.verdict <- v
	}
}

// hold keeps a connection waiting until it is decided. Nothing is read from
// the client meanwhile: what it sends stays in the kernel's buffers, which are
// bounded. It returns nil when the connection may go on.
func (j *jail) hold(ctx context.Context, c *net.TCPConn, a attempt, e *control.Event) error {
	q := control.Ask{Jail: j.rules.Jail, Name: a.name, Port: a.to.Port(), Protocol: a.protocol}
	if a.literal {
		q.Name, q.Addr = "", a.to.Addr()
		if _, err := j.dialer.permitted([]netip.Addr{q.Addr}, j.rules.AllowPrivate); err != nil {
			return err // whatever anybody would say
		}
	}
	if !j.asks.try(time.Now()) {
		return refused("asked for too often")
	}
	id, verdict, err := j.asker.ask(q)
	if err != nil {
		return &refusal{err}
	}
	defer j.asker.leave(id)
	e.Ask = id
	gone, stop, err := watchClient(c)
	if err != nil {
		return &refusal{err}
	}
	defer stop()
	select {
	case v := <-verdict:
		if !v.Allow {
			return &answered{refused("held and refused: %s", v.Reason), v.Reason}
		}
		return nil
	case <-gone:
		if ctx.Err() != nil { // it was made to leave
			return &refusal{context.Cause(ctx)}
		}
		return &refusal{errLeft}
	case <-ctx.Done():
		return &refusal{context.Cause(ctx)}
	}
}

// watchClient closes gone when the client has ended its side or the whole
// connection. One that only half-closes counts as gone too: the end of a
// process looks the same. stop must be called.
func watchClient(c *net.TCPConn) (gone <-chan struct{}, stop func(), err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		// The poller is edge-triggered: it wakes us for every change, bytes
		// that nobody reads included, and never twice for one.
		err := raw.Read(func(fd uintptr) bool { return !established(int(fd)) })
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			close(ended)
		}
	})
	return ended, func() {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // an error means that it is closed
		wg.Wait()
		_ = c.SetReadDeadline(time.Time{})
	}, nil
}

// established reports whether both sides may still send.
func established(fd int) bool {
	const tcpEstablished = 1 // include/net/tcp_states.h
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	return err == nil && info.State == tcpEstablished
}
