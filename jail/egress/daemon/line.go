package daemon

import (
	"context"
	"sync"
)

// line is a jail's way out, which can be cut and joined again. What goes through
// it ends with its context.
type line struct {
	base context.Context // of the jail

	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

func (l *line) start(base context.Context) {
	l.base = base
	l.ctx, l.cancel = context.WithCancel(base)
}

// context is what a new connection ends with; it has ended while the line is
// cut.
func (l *line) context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx
}

// isCut reports whether the line is cut.
func (l *line) isCut() bool { return l.context().Err() != nil }

// set cuts the line, which resets every connection, or joins it again.
func (l *line) set(joined bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
	if joined {
		l.ctx, l.cancel = context.WithCancel(l.base)
	}
}
