package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit"
	"clawjail/policy"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/limit"
)

// Bounds of one jail; the table in doc.go lists them.
const (
	MaxConns  = 64
	MaxTokens = 256
)

// SocketName is what the socket is called in a jail's directory, and ClientName
// the client beside it.
const (
	SocketName = "action.sock"
	ClientName = "clawjail-act"
)

// Limits counts what is used. Package supervisor/limit is the real one.
type Limits interface {
	TakeAll(claims []limit.Claim) (over []int, used []int64, err error)
	Add(claims []limit.Claim) error
	Room(claims []limit.Claim) (over []int, used []int64, err error)
}

// Options are what a Service is made of. None may be nil but HostLimits and Boot.
type Options struct {
	Dir    string // where the jails' directories are made; root's alone
	Limits Limits
	// HostLimits are the limits of this host, which policies add to; nil are the
	// built-in ones.
	HostLimits []policy.ActionLimit
	// Ask holds a request until a human decided.
	Ask func(context.Context, approval.Request) (approval.Decision, error)
	// Record writes to the audit log. An error denies.
	Record func(audit.Record) error
	// Told has humans hear of something that was done.
	Told func(Jail, audit.Record)
	// Count counts a verdict.
	Count  func(verdict string)
	Logger *slog.Logger
	Boot   func() (time.Duration, error) // CLOCK_BOOTTIME
}

// Jail is who acts.
type Jail struct {
	ID, Name  string
	Agent     string // the program that the jail runs
	StartedBy uint32
	Policy    *policy.Policy
}

// Service serves the action sockets of every jail.
type Service struct {
	o      Options
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	jails  map[string]*jail
}

// jail is one that was opened.
type jail struct {
	s        *Service
	dir      string
	listener *net.UnixListener
	ctx      context.Context
	cancel   context.CancelFunc

	mu     sync.Mutex
	who    *Jail // nil until Start
	conns  map[net.Conn]struct{}
	tokens []*token
}

// New makes a Service. It makes nothing on the file system yet.
func New(o Options) *Service {
	if o.Boot == nil {
		o.Boot = bootTime
	}
	s := &Service{o: o, jails: map[string]*jail{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func bootTime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(ts.Nano()), nil
}

// Dir is the directory that a jail is shown.
func (s *Service) Dir(id string) string { return filepath.Join(s.o.Dir, id) }

// Open makes a jail's directory with its socket, and serves it. Until Start
// every request is refused. A directory that is there already is taken over:
// the jail sees the directory, so it finds the new socket in it.
func (s *Service) Open(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.jails[id] != nil {
		return fmt.Errorf("open the action socket of jail %q: closed, or open already", id)
	}
	j := &jail{s: s, dir: s.Dir(id), conns: map[net.Conn]struct{}{}}
	if err := j.listen(); err != nil {
		return fmt.Errorf("open the action socket of jail %q: %w", id, err)
	}
	j.ctx, j.cancel = context.WithCancel(s.ctx)
	s.jails[id] = j
	s.work.Go(j.accept)
	return nil
}

// listen makes the directory, the socket, and the file that the client is shown
// over.
func (j *jail) listen() error {
	if err := os.MkdirAll(j.s.o.Dir, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(j.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := os.OpenFile(filepath.Join(j.dir, ClientName), os.O_CREATE|os.O_RDONLY|unix.O_NOFOLLOW, 0o444)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	path := filepath.Join(j.dir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false) // Leave keeps it, End removes all
	// The jail's user, whoever that is. Nobody else gets to the directory above.
	if err := os.Chmod(path, 0o666); err != nil {
		return errors.Join(err, l.Close())
	}
	j.listener = l
	return nil
}

// Start says who a jail is. From then on it is answered.
func (s *Service) Start(who Jail) {
	s.mu.Lock()
	j := s.jails[who.ID]
	s.mu.Unlock()
	if j != nil {
		j.mu.Lock()
		j.who = &who
		j.mu.Unlock()
	}
}

// End ends a jail's connections and takes its directory away.
func (s *Service) End(id string) error {
	s.mu.Lock()
	j := s.jails[id]
	delete(s.jails, id)
	s.mu.Unlock()
	if j != nil {
		j.close()
	}
	if err := os.RemoveAll(s.Dir(id)); err != nil {
		return fmt.Errorf("remove the action socket of jail %q: %w", id, err)
	}
	return nil
}

// Sweep removes the directories of jails that are not open and that keep does
// not name: a former supervisor left them.
func (s *Service) Sweep(keep func(id string) bool) error {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		s.mu.Lock()
		open := s.jails[e.Name()] != nil
		s.mu.Unlock()
		if !open && !keep(e.Name()) {
			errs = append(errs, os.RemoveAll(s.Dir(e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Close ends every connection. Directories stay, for a supervisor that takes the
// jails over.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	jails := s.jails
	s.jails = map[string]*jail{}
	s.mu.Unlock()
	for _, j := range jails {
		j.close()
	}
	s.cancel()
	s.work.Wait()
}

func (j *jail) close() {
	j.cancel()
	_ = j.listener.Close()
	j.mu.Lock()
	defer j.mu.Unlock()
	for c := range j.conns {
		_ = c.Close()
	}
}

// find gives an open jail that was started.
func (s *Service) find(id string) (*jail, *Jail) {
	s.mu.Lock()
	j := s.jails[id]
	s.mu.Unlock()
	if j == nil {
		return nil, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j, j.who
}
