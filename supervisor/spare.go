package supervisor

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"clawjail/jail/hostns"
	"clawjail/jail/shim"
)

// spares keeps a shim that has no jail yet, so that the next jail need not wait
// for one. A shim serves one jail, so what waits here has seen none.
type spares struct {
	bin  string
	host *hostns.Host
	log  *slog.Logger

	mu     sync.Mutex
	spare  *shim.Spare
	making bool
	closed bool
}

var errStopping = errors.New("the supervisor is stopping")

// take gives a shim away, the spare one if it will do.
func (s *spares) take() (*shim.Spare, error) {
	s.mu.Lock()
	spare, closed := s.spare, s.closed
	s.spare = nil
	s.mu.Unlock()
	switch {
	case closed:
		return nil, errStopping
	case spare != nil && spare.Usable():
		return spare, nil
	case spare != nil:
		if err := spare.Close(); err != nil {
			s.log.Warn("end a spare shim", "error", err)
		}
	}
	return shim.Prepare(s.bin, s.host)
}

// fill makes a spare one, unless there is one.
func (s *spares) fill() {
	s.mu.Lock()
	if s.spare != nil || s.making || s.closed {
		s.mu.Unlock()
		return
	}
	s.making = true
	s.mu.Unlock()
	spare, err := shim.Prepare(s.bin, s.host)
	s.mu.Lock()
	s.making = false
	if err == nil && !s.closed {
		s.spare, spare = spare, nil
	}
	s.mu.Unlock()
	if err != nil {
		s.log.Warn("start a spare shim; the next jail starts one itself", "error", err)
	} else if spare != nil {
		_ = spare.Close()
	}
}

// fillDelay is how long the next shim waits while a command that was just let go
// may be a short one: making it takes as much processor time as that whole jail's
// end, and nobody needs it yet.
const fillDelay = 25 * time.Millisecond

// fillAfter makes a spare shim once the jail that took the last one has ended, or
// has been running for a while.
func (s *Supervisor) fillAfter(e *entry) {
	timer := time.NewTimer(fillDelay)
	defer timer.Stop()
	select {
	case <-e.done:
	case <-timer.C:
	case <-s.base.Done():
		return
	}
	s.spares.fill()
}

// close ends the spare one. Nothing is taken or made afterwards.
func (s *spares) close() error {
	s.mu.Lock()
	spare := s.spare
	s.spare, s.closed = nil, true
	s.mu.Unlock()
	if spare == nil {
		return nil
	}
	return spare.Close()
}
