package bpf

import (
	"context"
	"fmt"
)

// Settle waits until Read has returned everything that the ring held when
// Settle was called, and its caller has come back for more: then every event
// of a process that ended before was delivered.
func (p *Probes) Settle(ctx context.Context) error {
	// Twice: the first answer may belong to a wake-up that was on its way
	// before we came, and then says nothing about what was added since. The
	// second one can only follow a look at the ring after that.
	for range 2 {
		if err := p.settleOnce(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *Probes) settleOnce(ctx context.Context) error {
	done := make(chan struct{})
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.settling = append(p.settling, done)
	p.mu.Unlock()
	if err := p.reader.Flush(); err != nil {
		return fmt.Errorf("flush the event ring: %w", err)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settled tells whoever waits in Settle that the ring was seen empty after
// its Flush.
func (p *Probes) settled() {
	p.mu.Lock()
	waiting := p.settling
	p.settling = nil
	p.mu.Unlock()
	for _, done := range waiting {
		close(done)
	}
}
