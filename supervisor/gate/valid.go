package gate

import (
	"context"
	"time"
)

// validInterval is how often it is looked whether a held call is still there.
// The kernel tells nobody when its caller is killed; until we notice, a human
// may be shown a request that no longer matters.
const validInterval = time.Second

// whileValid gives a context that ends when the call is gone.
func (e *Engine) whileValid(parent context.Context, id uint64) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(validInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if !e.listen.Valid(id) {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, func() { cancel(); <-done }
}
