package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
)

// idleInterval is the reader's interval while there is no jail. Add ends it.
const idleInterval = time.Minute

// Read blocks for the next event. Events of one CPU come in order; an event that
// is not urgent comes at most ReadInterval late. It returns ErrClosed after
// Close; any other error concerns one record, and the next call goes on.
func (p *Probes) Read() (wire.Event, error) {
	for {
		if !p.armed {
			// Before anything is looked at: whoever wants the reader to look
			// again (nudge) comes later than this and ends the next wait.
			// The only error is of a file that is closed, as the reader is then.
			_ = p.ready.SetReadDeadline(time.Now().Add(p.interval()))
			p.armed = true
		}
		seen := p.settleable()
		err := p.reader.ReadInto(&p.record) // its deadline is in the past: it never waits
		switch {
		case err == nil:
			event, err := wire.Decode(p.record.RawSample)
			if err != nil {
				return wire.Event{}, fmt.Errorf("read event: %w", err)
			}
			return event, nil
		case errors.Is(err, os.ErrDeadlineExceeded): // the ring is empty
			if p.empty != nil {
				p.empty()
			}
			p.settled(seen)
			p.wait()
			p.armed = false
		case errors.Is(err, ringbuf.ErrClosed):
			return wire.Event{}, ErrClosed
		default:
			return wire.Event{}, fmt.Errorf("read event ring: %w", err)
		}
	}
}

// OnEmpty has fn called by Read whenever it found the ring empty, before Settle
// is told so: for a reader that keeps events until others have come. It is set
// before the first Read.
func (p *Probes) OnEmpty(fn func()) { p.empty = fn }

// wait returns when the ring wakes its reader, at the deadline, or at a nudge.
func (p *Probes) wait() {
	raw, err := p.ready.SyscallConn()
	if err != nil {
		return // closed
	}
	// What came since the ring was seen empty counts too: the kernel has told.
	_ = raw.Read(func(uintptr) bool { return p.reader.AvailableBytes() > 0 })
}

// nudge makes the reader look at the ring now.
func (p *Probes) nudge() { _ = p.ready.SetReadDeadline(time.Unix(1, 0)) }

// openRing makes the reader and what it waits on: the ring's own descriptor, in
// the runtime's poller. The library's reader waits in a system call, which keeps
// the runtime's monitor awake: some 2,500 times a second, for nothing.
func (p *Probes) openRing() error {
	ring := p.core.Maps[coreMapRing]
	fd, err := unix.FcntlInt(uintptr(ring.FD()), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return errors.Join(os.NewSyscallError("fcntl", err), unix.Close(fd))
	}
	p.ready = os.NewFile(uintptr(fd), "event ring")
	if err := p.ready.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("poll the ring: %w", err)
	}
	if p.reader, err = ringbuf.NewReader(ring); err != nil {
		return err
	}
	p.reader.SetDeadline(time.Unix(1, 0))
	return nil
}

func (p *Probes) interval() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jails) == 0 {
		return idleInterval
	}
	return ReadInterval
}
