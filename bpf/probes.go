package bpf

import (
	"errors"
	"os"

	"clawjail/bpf/wire"
)

// ErrClosed is returned by Read after Close.
var ErrClosed = errors.New("probes closed")

// Probes owns the loaded programs, their links and the event ring.
type Probes struct{}

// Jail is one jail's attachment.
type Jail struct{}

// Load loads and attaches every program of the host's tier, or fails.
func Load(o Options) (*Probes, error) { return nil, errors.ErrUnsupported }

// Add brings the jail with this cgroup and network namespace into scope.
func (p *Probes) Add(c JailConfig, cgroupPath string, netns, tcp4, tcp6, udp4, udp6 *os.File) (*Jail, error) {
	return nil, errors.ErrUnsupported
}

// Close takes the jail out of scope.
func (j *Jail) Close() error { return nil }

// Read blocks for the next event.
func (p *Probes) Read() (wire.Event, error) { return wire.Event{}, ErrClosed }

// Stats returns the counters.
func (p *Probes) Stats() (Stats, error) { return Stats{}, ErrClosed }

// Close detaches everything.
func (p *Probes) Close() error { return nil }
