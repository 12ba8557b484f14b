package supervisor

import (
	"sync"
	"time"
)

// idleTimer says when a private supervisor is no longer needed: nothing held
// it for the whole of its linger time.
type idleTimer struct {
	mu      sync.Mutex
	holds   int
	timer   *time.Timer
	linger  time.Duration
	done    chan struct{}
	expires bool
}

func newIdleTimer(linger time.Duration, expires bool) *idleTimer {
	t := &idleTimer{linger: linger, done: make(chan struct{}), expires: expires}
	if expires {
		t.timer = time.AfterFunc(linger, t.fire)
	}
	return t
}

// hold keeps the supervisor; each hold needs one release.
func (t *idleTimer) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds++
	if t.expires {
		t.timer.Stop()
	}
}

func (t *idleTimer) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds--
	if t.expires && t.holds == 0 {
		t.timer.Reset(t.linger)
	}
}

func (t *idleTimer) fire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds != 0 {
		return // a hold came between the timer and the lock
	}
	select {
	case <-t.done:
	default:
		close(t.done)
	}
}

// expired closes when the time is over; never for a daemon.
func (t *idleTimer) expired() <-chan struct{} { return t.done }
