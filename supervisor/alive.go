package supervisor

import (
	"context"
	"errors"
)

// Alive returns once the loop that owns all jails has turned, or with an error
// when ctx ends first or there is no loop any more.
func (s *Supervisor) Alive(ctx context.Context) error {
	turned := make(chan struct{})
	select {
	case s.loop.queue <- func(*table) { close(turned) }:
	case <-s.loop.quit:
		return errors.New("the loop has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-turned:
		return nil
	case <-s.loop.quit:
		return errors.New("the loop has ended")
	case <-ctx.Done():
		return ctx.Err()
	}
}
