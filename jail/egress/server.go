package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/egress/control"
	"clawjail/jail/egress/socket"
	"clawjail/jail/hostns"
)

// Bounds on the supervisor's side.
const (
	// eventQueue is how many events wait for the reader of Events: none, so
	// that an event that has left the channel has been taken. Some thousands
	// wait in clawjail-egress, which refuses new connections after that.
	eventQueue = 0
	// maxWaiting bounds the requests that wait for an answer.
	maxWaiting = 1024
)

// ErrEnded says that clawjail-egress has ended. No jail has network then.
var ErrEnded = errors.New("clawjail-egress has ended")

// Server is the supervisor's handle to one clawjail-egress process, which
// serves all jails.
type Server struct {
	log      *slog.Logger
	proc     *running
	stderr   *os.File
	requests *socket.Conn
	stream   *socket.Conn
	handover *socket.Conn
	carrier  *os.File
	events   chan Event
	closing  chan struct{} // closed by Close: nobody takes events any more
	drained  chan struct{} // closed at the end of the event stream
	done     chan struct{} // closed when the process has ended, or was left
	asks     *asks
	wg       sync.WaitGroup
	once     sync.Once

	sending sync.Mutex // one message at a time

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan error
	known   map[string]chan struct{}  // jails whose events are believed; closed at the last one
	former  map[string]control.Served // jails of a former supervisor that nobody has added or removed
	ended   bool
	over    bool   // Close or Leave was called
	said    string // first line of its stderr
}

func newServer(log *slog.Logger, ask Asker) *Server {
	return &Server{
		log:     log,
		events:  make(chan Event, eventQueue),
		closing: make(chan struct{}),
		drained: make(chan struct{}),
		done:    make(chan struct{}),
		waiting: make(map[uint64]chan error),
		known:   make(map[string]chan struct{}),
		former:  make(map[string]control.Served),
		asks:    newAsks(ask),
	}
}

// Start starts bin as uid and gid, without groups, environment or inherited
// descriptors, and returns when it says that its filter is installed. ctx
// bounds the start only. ask decides about connections that rules hold; without
// one they are refused. It connects from the network of host, nil for the
// caller's.
func Start(ctx context.Context, host *hostns.Host, bin string, uid, gid uint32, log *slog.Logger, ask Asker) (*Server, error) {
	if uid == 0 || gid == 0 {
		return nil, errors.New("start egress: it must not run as root")
	}
	s := newServer(log, ask)
	if err := s.spawn(host, bin, uid, gid); err != nil {
		return nil, fmt.Errorf("start egress %q: %w", bin, err)
	}
	if err := s.begin(ctx); err != nil {
		return nil, fmt.Errorf("start egress %q: not ready: %w", bin, err)
	}
	return s, nil
}

// Attach goes on with the process of a former supervisor, which its Carrier leads
// to. Its connections go on; Former says which jails it serves, each of which is
// to be added again or removed. The process is ended when it does not run bin as
// uid, or does not answer as it should before ctx ends: the jails' sockets are
// there for the next one. The error is ErrEnded when it had ended before.
func Attach(ctx context.Context, carrier *os.File, bin string, uid uint32, log *slog.Logger, ask Asker) (*Server, error) {
	s := newServer(log, ask)
	if err := s.find(carrier, bin, uid); err != nil {
		if s.proc != nil {
			s.proc.kill()
			s.proc.await()
			s.proc.release()
		}
		s.closeSockets()
		return nil, fmt.Errorf("go on with egress: %w", err)
	}
	pid := s.proc.pid
	if err := s.begin(ctx); err != nil {
		return nil, fmt.Errorf("go on with egress, process %d: %v", pid, err)
	}
	return s, nil
}

// begin serves the connection, and waits for the process to say that it does, too.
func (s *Server) begin(ctx context.Context) error {
	ready := make(chan struct{})
	s.wg.Go(func() { s.readAnswers(ready) })
	s.wg.Go(s.sendVerdicts)
	s.wg.Go(s.reap)
	var err error
	select {
	case <-ready:
		s.wg.Go(s.readEvents) // not before: whose they are is known now
		return nil
	case <-s.done:
		s.mu.Lock()
		err = fmt.Errorf("%w: %s", ErrEnded, s.said)
		s.mu.Unlock()
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	close(s.drained)
	close(s.events)
	s.Close()
	return err
}

// Carrier is a descriptor that leads to the process: as long as somebody holds one
// it outlives its supervisor, and Attach goes on with it. The caller closes it.
func (s *Server) Carrier() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.over {
		return nil, ErrEnded
	}
	n, err := number(s.carrier)
	if err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), s.carrier.Name()), nil
}

// Former gives the jails of a former supervisor that were neither added nor removed
// yet, and which of them are cut off.
func (s *Server) Former() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]bool, len(s.former))
	for id, j := range s.former {
		out[id] = j.Cut
	}
	return out
}

// Add serves a jail with rules on its sockets. The jail's id must not be
// served already, unless by a former supervisor: with the same rules it goes on,
// with others it begins anew.
func (s *Server) Add(ctx context.Context, rules Rules, sockets Sockets) error {
	if err := Validate(rules); err != nil {
		return fmt.Errorf("add jail %q to egress: %w", rules.Jail, err)
	}
	if went, err := s.goOn(ctx, rules); went || err != nil {
		return err
	}
	m := control.Message{Type: control.TypeAdd, Rules: &rules}
	var files []*os.File
	for _, f := range []struct {
		kind string
		file *os.File
	}{{"tcp4", sockets.TCP4}, {"tcp6", sockets.TCP6}, {"udp4", sockets.UDP4}, {"udp6", sockets.UDP6}} {
		if f.file != nil {
			m.Sockets = append(m.Sockets, f.kind)
			files = append(files, f.file)
		}
	}
	if len(files) == 0 {
		return fmt.Errorf("add jail %q to egress: no sockets", rules.Jail)
	}
	if err := s.know(rules.Jail); err != nil {
		return fmt.Errorf("add jail %q to egress: %w", rules.Jail, err)
	}
	if err := s.request(ctx, m, files...); err != nil {
		s.forget(rules.Jail)
		return fmt.Errorf("add jail %q to egress: %w", rules.Jail, err)
	}
	return nil
}

// goOn takes up a jail of a former supervisor; false is one that is not.
func (s *Server) goOn(ctx context.Context, rules Rules) (bool, error) {
	s.mu.Lock()
	was, ok := s.former[rules.Jail]
	s.mu.Unlock()
	if !ok {
		return false, nil
	}
	digest, err := rules.Digest()
	if err != nil {
		return false, fmt.Errorf("add jail %q to egress: %w", rules.Jail, err)
	}
	if digest != was.Digest {
		s.log.Warn("a jail has other rules by now; its connections are reset", "jail", rules.Jail)
		return false, s.Remove(ctx, rules.Jail)
	}
	s.mu.Lock()
	delete(s.former, rules.Jail)
	s.mu.Unlock()
	if err := s.request(ctx, control.Message{Type: control.TypeTake, Jail: rules.Jail}); err != nil {
		return false, fmt.Errorf("go on with jail %q in egress: %w", rules.Jail, err)
	}
	return true, nil
}

// Remove resets the jail's connections, forgets it, and returns when its last
// event has been taken from Events. An error after that wait means that nobody
// took them; the jail has no network in every case.
func (s *Server) Remove(ctx context.Context, jail string) error {
	s.mu.Lock()
	last := s.known[jail]
	delete(s.former, jail)
	s.mu.Unlock()
	err := s.request(ctx, control.Message{Type: control.TypeRemove, Jail: jail})
	if err == nil && last != nil {
		select {
		case <-last:
		case <-s.done:
			err = ErrEnded
		case <-ctx.Done():
			err = fmt.Errorf("its last events were not taken: %w", context.Cause(ctx))
		}
	}
	if err != nil {
		return fmt.Errorf("remove jail %q from egress: %w", jail, err)
	}
	return nil
}

// Cut resets every connection of a jail and refuses new ones until Join.
func (s *Server) Cut(ctx context.Context, jail string) error {
	if err := s.request(ctx, control.Message{Type: control.TypeCut, Jail: jail}); err != nil {
		return fmt.Errorf("cut jail %q off from the network: %w", jail, err)
	}
	return nil
}

// Join takes connections of a jail again that was cut off.
func (s *Server) Join(ctx context.Context, jail string) error {
	if err := s.request(ctx, control.Message{Type: control.TypeJoin, Jail: jail}); err != nil {
		return fmt.Errorf("join jail %q to the network again: %w", jail, err)
	}
	return nil
}

// PID is the process's id, for those who watch over it.
func (s *Server) PID() int { return s.proc.pid }

// Events yields events in the order of each jail. It must be read: at its
// bound clawjail-egress refuses new connections rather than let any go
// unrecorded. The channel is closed when the process is gone.
func (s *Server) Events() <-chan Event { return s.events }

// Done is closed when the process has ended, asked or not: its jails then have
// no network, and a new Server can take them over with the same sockets. Leave
// closes it, too.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends the process and waits for it. The jails' last events can be taken
// while it does; those that nobody takes in time are dropped.
func (s *Server) Close() error {
	s.once.Do(func() {
		s.finish()
		s.asks.cancel()
		_ = s.requests.SendUntil(time.Now().Add(closeTime))
		_ = s.send(control.Message{Type: control.TypeEnd})
		s.requests.Close()
		select {
		case <-s.drained:
		case <-time.After(closeTime):
		}
		close(s.closing)
		s.proc.kill()
		s.stream.Close()
	})
	s.rest()
	return nil
}

// Hush keeps verdicts from being sent from now on: what is asked waits for the
// next supervisor. It comes before a Leave, and before Askers are interrupted.
func (s *Server) Hush() { s.asks.hushed.Store(true) }

// Leave lets go of the process, which goes on while somebody holds a Carrier.
// What has been received of events can be taken meanwhile, and what has not is
// the next supervisor's; events that nobody takes in time are dropped.
func (s *Server) Leave() {
	s.once.Do(func() {
		s.Hush()
		s.finish()
		_ = s.stream.StopReceiving()
		select {
		case <-s.drained:
		case <-time.After(closeTime):
		}
		close(s.closing)
		s.requests.Close()
		s.stream.Close()
		s.asks.cancel()
		s.proc.release()
	})
	s.rest()
}

// finish marks the end of what this supervisor has to do with the process.
func (s *Server) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

// rest waits for the goroutines, and closes what they used.
func (s *Server) rest() {
	s.wg.Wait()
	s.asks.close()
	s.closeSockets() // a second time is no harm
	s.proc.release()
}

// know marks a jail as one whose events are believed.
func (s *Server) know(jail string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrEnded
	}
	if s.known[jail] != nil {
		return errors.New("a jail of this name is served, or its events are still coming")
	}
	s.known[jail] = make(chan struct{})
	return nil
}

func (s *Server) forget(jail string) {
	s.asks.forget(jail)
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.known[jail]; last != nil {
		close(last)
		delete(s.known, jail)
	}
}

func (s *Server) knows(jail string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[jail] != nil
}

// request sends a message and waits for its answer.
func (s *Server) request(ctx context.Context, m control.Message, files ...*os.File) error {
	answer := make(chan error, 1)
	s.mu.Lock()
	if s.ended || len(s.waiting) >= maxWaiting {
		s.mu.Unlock()
		return ErrEnded
	}
	s.next++
	m.ID = s.next
	s.waiting[m.ID] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, m.ID)
		s.mu.Unlock()
	}()
	if err := s.send(m, files...); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-s.done:
		return ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Server) send(m control.Message, files ...*os.File) error {
	b, err := control.Encode(m)
	if err != nil {
		return err
	}
	s.sending.Lock()
	err = s.requests.Send(b, files...)
	s.sending.Unlock()
	if errors.Is(err, unix.EPIPE) {
		return ErrEnded
	}
	return err
}
