package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf/ringbuf"

	"clawjail/bpf/wire"
)

// idleInterval is the reader's interval while there is no jail. Add ends it.
const idleInterval = time.Minute

// Read blocks for the next event. Events of one CPU come in order; an event that
// is not urgent comes at most ReadInterval late. It returns ErrClosed after
// Close; any other error concerns one record, and the next call goes on.
func (p *Probes) Read() (wire.Event, error) {
	for {
		err := p.reader.ReadInto(&p.record)
		switch {
		case err == nil:
			event, err := wire.Decode(p.record.RawSample)
			if err != nil {
				return wire.Event{}, fmt.Errorf("read event: %w", err)
			}
			return event, nil
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, ringbuf.ErrFlushed):
			// The ring is empty: look again after the interval.
			if errors.Is(err, ringbuf.ErrFlushed) {
				p.settled()
			}
			p.reader.SetDeadline(time.Now().Add(p.interval()))
		case errors.Is(err, ringbuf.ErrClosed):
			return wire.Event{}, ErrClosed
		default:
			return wire.Event{}, fmt.Errorf("read event ring: %w", err)
		}
	}
}

func (p *Probes) interval() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jails) == 0 {
		return idleInterval
	}
	return ReadInterval
}
