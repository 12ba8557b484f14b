package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress"
)

// How soon a proxy that ended is started again.
const (
	proxyFirst = 50 * time.Millisecond
	proxyLast  = 10 * time.Second
	proxyCalm  = time.Minute // after which the next end counts as the first
)

// proxy is the egress process, and the next one when it ends. Jails are served by
// the same rules then, on the same sockets: the shims hold these, so connections
// that begin in between wait, and those that were open are reset by the kernel.
// The process itself outlives its supervisor as long as a shim holds its carrier.
type proxy struct {
	log     *slog.Logger
	start   func(context.Context) (*egress.Server, error)
	record  func(op, message string)
	changed func() // there is another process, and another carrier
	events  chan egress.Event

	mu     sync.Mutex
	server *egress.Server // nil while there is none
	jails  map[string]*served
}

// served is a jail that the proxy serves.
type served struct {
	rules   egress.Rules
	sockets egress.Sockets
	cut     bool
}

// newProxy wraps a server that has started.
func newProxy(server *egress.Server, log *slog.Logger, start func(context.Context) (*egress.Server, error), record func(op, message string), changed func()) *proxy {
	return &proxy{log: log, start: start, record: record, changed: changed, events: make(chan egress.Event), server: server, jails: map[string]*served{}}
}

// run passes events on and starts the process again when it ends, until ctx ends
// and the process is closed.
func (p *proxy) run(ctx context.Context) {
	defer close(p.events)
	wait := proxyFirst
	for {
		p.mu.Lock()
		server := p.server
		p.mu.Unlock()
		if server == nil {
			return
		}
		began := time.Now()
		for ev := range server.Events() {
			p.events <- ev
		}
		<-server.Done()
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > proxyCalm {
			wait = proxyFirst
		}
		p.record("egress", "the egress proxy ended: connections of jails are reset, and new ones wait for the next proxy")
		if wait = p.again(ctx, server, wait); wait == 0 {
			return
		}
	}
}

// again starts the next process and gives it every jail. It gives how long to
// wait before the one after it, and 0 when ctx has ended.
func (p *proxy) again(ctx context.Context, old *egress.Server, wait time.Duration) time.Duration {
	p.mu.Lock()
	if p.server == old {
		p.server = nil
	}
	p.mu.Unlock()
	_ = old.Close()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return 0
		}
		wait = min(2*wait, proxyLast)
		server, err := p.start(ctx)
		if err == nil {
			err = p.adopt(ctx, server)
		}
		if err == nil {
			p.changed()
			return wait
		}
		p.log.Error("start the egress proxy again", "error", err, "next try in", wait)
	}
}

// adopt gives a new process the jails that the last one had.
func (p *proxy) adopt(ctx context.Context, server *egress.Server) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, proxyLast)
	defer cancel()
	// Its events must be taken while jails are added.
	quit, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		for {
			select {
			case ev, ok := <-server.Events():
				if !ok {
					return
				}
				p.events <- ev
			case <-quit:
				return
			}
		}
	}()
	var errs []error
	for id, j := range p.jails {
		err := server.Add(ctx, j.rules, j.sockets)
		if err == nil && j.cut {
			err = server.Cut(ctx, id)
		}
		if errors.Is(err, egress.ErrEnded) {
			errs = append(errs, err)
			break
		}
		if err != nil {
			p.log.Error("give a jail to the egress proxy again; it has no network", "jail", id, "error", err)
		}
	}
	close(quit)
	<-drained
	if err := errors.Join(errs...); err != nil {
		_ = server.Close()
		return err
	}
	p.server = server
	p.record("egress", fmt.Sprintf("the egress proxy runs again as process %d and serves %d jails by the same rules", server.PID(), len(p.jails)))
	return nil
}

// Events yields the events of all processes. It is closed when there is none any more.
func (p *proxy) Events() <-chan egress.Event { return p.events }

// current is the process that runs.
func (p *proxy) current() (*egress.Server, error) {
	if p.server == nil {
		return nil, egress.ErrEnded
	}
	return p.server, nil
}

// Add serves a jail. The sockets are duplicated.
func (p *proxy) Add(ctx context.Context, rules egress.Rules, sockets egress.Sockets) error {
	mine, err := duplicateSockets(sockets)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	server, err := p.current()
	cut := false
	if err == nil {
		cut = server.Former()[rules.Jail] // by a former supervisor
		err = server.Add(ctx, rules, mine)
	}
	if err != nil {
		closeSockets(mine)
		return err
	}
	p.jails[rules.Jail] = &served{rules: rules, sockets: mine, cut: cut}
	return nil
}

// Prune ends the jails of a former supervisor that are not here any more.
func (p *proxy) Prune(ctx context.Context) error {
	p.mu.Lock()
	server, err := p.current()
	p.mu.Unlock()
	if err != nil {
		return nil // and its jails with it
	}
	var errs []error
	for id := range server.Former() {
		if err := server.Remove(ctx, id); err != nil && !errors.Is(err, egress.ErrEnded) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Carrier leads the next supervisor to the process. It is nil while there is none;
// changed is called when there is one again.
func (p *proxy) Carrier() (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	server, err := p.current()
	if err != nil {
		return nil, nil
	}
	f, err := server.Carrier()
	if errors.Is(err, egress.ErrEnded) {
		return nil, nil
	}
	return f, err
}

// Remove ends a jail's connections and waits for its last event.
func (p *proxy) Remove(ctx context.Context, id string) error {
	p.mu.Lock()
	j := p.jails[id]
	delete(p.jails, id)
	server, err := p.current()
	p.mu.Unlock()
	if j != nil {
		defer closeSockets(j.sockets)
	}
	if err == nil {
		err = server.Remove(ctx, id)
	}
	if errors.Is(err, egress.ErrEnded) {
		return nil // and its connections with it
	}
	return err
}

// Cut resets a jail's connections and refuses new ones. Where there is no process
// there are none, and the next one begins like that.
func (p *proxy) Cut(ctx context.Context, id string) error { return p.setCut(ctx, id, true) }

// Join takes connections again.
func (p *proxy) Join(ctx context.Context, id string) error { return p.setCut(ctx, id, false) }

func (p *proxy) setCut(ctx context.Context, id string, cut bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jails[id]; j != nil {
		j.cut = cut
	}
	server, err := p.current()
	switch {
	case err != nil:
	case cut:
		err = server.Cut(ctx, id)
	default:
		err = server.Join(ctx, id)
	}
	if errors.Is(err, egress.ErrEnded) {
		return nil
	}
	return err
}

// PID is the process's, 0 while there is none.
func (p *proxy) PID() int {
	server := p.last()
	if server == nil {
		return 0
	}
	return server.PID()
}

// Close ends the process. The context of run has ended.
func (p *proxy) Close() error {
	if server := p.last(); server != nil {
		return server.Close()
	}
	return nil
}

// Leave lets go of the process, for the next supervisor. The context of run has
// ended.
func (p *proxy) Leave() {
	if server := p.last(); server != nil {
		server.Leave()
	}
}

// Hush keeps decisions from the process that the next supervisor is to make.
func (p *proxy) Hush() {
	if server := p.last(); server != nil {
		server.Hush()
	}
}

func (p *proxy) last() *egress.Server {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server
}

func duplicateSockets(s egress.Sockets) (egress.Sockets, error) {
	var out egress.Sockets
	for _, one := range []struct{ from, to **os.File }{
		{&s.TCP4, &out.TCP4}, {&s.TCP6, &out.TCP6}, {&s.UDP4, &out.UDP4}, {&s.UDP6, &out.UDP6},
	} {
		if *one.from == nil {
			continue
		}
		f, err := duplicateFile(*one.from)
		if err != nil {
			closeSockets(out)
			return egress.Sockets{}, err
		}
		*one.to = f
	}
	return out, nil
}

func duplicateFile(f *os.File) (*os.File, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	if err := raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, os.NewSyscallError("fcntl", dupErr)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

func closeSockets(s egress.Sockets) {
	for _, f := range []*os.File{s.TCP4, s.TCP6, s.UDP4, s.UDP6} {
		if f != nil {
			_ = f.Close()
		}
	}
}
