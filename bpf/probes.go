package bpf

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// ErrClosed is returned by Read, Add and Stats after Close.
var ErrClosed = errors.New("probes closed")

// Probes owns the loaded programs, their links and the event ring. Add, Stats
// and Close may be called from anywhere; Read from one goroutine at a time.
type Probes struct {
	log  *slog.Logger
	tier string
	// build and loaded say which programs these are: see Handover.
	build, loaded string

	core   *ebpf.Collection
	notify *ebpf.Collection
	lsm    *ebpf.Collection     // nil in the notify tier
	gate   *ebpf.Collection     // the verifier of executions of this tier
	code   *ebpf.Collection     // what maps code; nil in the notify tier
	key    hashKey              // of its hashes
	putter putter               // of tokens, where the kernel can
	lookup *ebpf.CollectionSpec // loaded again for each jail

	identify identifier // loaded by the first file that needs it
	reader   *ringbuf.Reader
	ready    *os.File       // the ring again, to wait for
	record   ringbuf.Record // reused by Read
	armed    bool           // of Read: the deadline of the next wait is set
	empty    func()         // of Read: see OnEmpty

	mu     sync.Mutex
	closed bool
	jails  map[uint64]*Jail
	// settling are the calls of Settle that wait for the ring to be empty.
	settling []chan struct{}
	// Attached while a jail wants them and for linger, which idle ends.
	processes, files, gates, codes tracing
	linger                         time.Duration
	idle                           *time.Timer
}

// Tier returns the tier that was loaded.
func (p *Probes) Tier() string { return p.tier }

// Close takes every jail out of scope, detaches everything and ends Read.
func (p *Probes) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	var errs []error
	for _, j := range p.jails {
		errs = append(errs, j.release())
	}
	p.jails = nil
	return errors.Join(append(errs, p.closeObjects())...)
}

// closeObjects detaches everything, unloads it and ends Read. The caller holds p.mu.
func (p *Probes) closeObjects() error {
	p.closed = true
	if p.idle != nil {
		p.idle.Stop()
	}
	var errs []error
	errs = append(errs, p.processes.detach(), p.files.detach(), p.gates.detach(), p.closeCode(), p.identify.close())
	if p.ready != nil {
		errs = append(errs, p.ready.Close())
	}
	if p.reader != nil {
		errs = append(errs, p.reader.Close())
	}
	for _, done := range p.settling {
		close(done)
	}
	p.settling = nil
	p.putter.close()
	for _, c := range []*ebpf.Collection{p.gate, p.lsm, p.notify, p.core} {
		if c != nil {
			c.Close()
		}
	}
	return errors.Join(errs...)
}
