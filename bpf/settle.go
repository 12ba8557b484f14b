package bpf

import "context"

// Settle waits until Read has returned everything that the ring held when
// Settle was called, and its caller has come back for more: then every event
// of a process that ended before was delivered.
func (p *Probes) Settle(ctx context.Context) error {
	done := make(chan struct{})
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.settling = append(p.settling, done)
	p.mu.Unlock()
	p.nudge()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settleable counts who waits in Settle already. They come first in the list.
func (p *Probes) settleable() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.settling)
}

// settled tells the first n of them that the ring was seen empty since.
func (p *Probes) settled(n int) {
	if n == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return // Close has told everybody
	}
	for _, done := range p.settling[:n] {
		close(done)
	}
	p.settling = p.settling[n:]
}
