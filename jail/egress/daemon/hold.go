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

	"golang.org/x/sys/unix"

	"clawjail/jail/egress/control"
)

// Asks of one jail. A client that connects and leaves over and over must not
// make work for people or for the supervisor's journal.
const (
	askRate  = 5 // a second
	askBurst = control.MaxHeldJail
)

// asker puts asks to the supervisor and hands out its verdicts.
type asker struct {
	send func(control.Message) error

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]waiter
	jails   map[string]int // how many wait
}

type waiter struct {
	jail    string
	verdict chan control.Verdict // capacity 1, one is sent
}

func newAsker(send func(control.Message) error) *asker {
	return &asker{send: send, waiting: make(map[uint64]waiter), jails: make(map[string]int)}
}

// ask puts one ask. Its place is taken until leave.
func (a *asker) ask(q control.Ask) (uint64, <-chan control.Verdict, error) {
	a.mu.Lock()
	if len(a.waiting) >= control.MaxHeld || a.jails[q.Jail] >= control.MaxHeldJail {
		a.mu.Unlock()
		return 0, nil, errors.New("too many connections wait for a decision")
	}
	a.next++
	id := a.next
	w := waiter{q.Jail, make(chan control.Verdict, 1)}
	a.waiting[id] = w
	a.jails[q.Jail]++
	a.mu.Unlock()
	if err := a.send(control.Message{Type: control.TypeAsk, ID: id, Ask: &q}); err != nil {
		a.drop(id)
		return 0, nil, fmt.Errorf("nobody can be asked: %w", err)
	}
	return id, w.verdict, nil
}

// leave withdraws an ask that was not decided. The place is free for another
// one only after the supervisor was told: it holds us to the bound.
func (a *asker) leave(id uint64) {
	a.mu.Lock()
	_, open := a.waiting[id]
	a.mu.Unlock()
	if !open {
		return
	}
	// An error means that the supervisor is gone, and this process ends.
	_ = a.send(control.Message{Type: control.TypeWithdraw, ID: id})
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
	if a.jails[w.jail]--; a.jails[w.jail] == 0 {
		delete(a.jails, w.jail)
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
			return refused("held and refused: %s", v.Reason)
		}
		return nil
	case <-gone:
		return refused("the client left while it was held")
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
