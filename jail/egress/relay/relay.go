package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrIdle says that no byte moved for the idle time.
var ErrIdle = errors.New("idle")

// ErrAborted says that somebody called Abort.
var ErrAborted = errors.New("closed by clawjail")

const (
	bufferSize = 64 << 10
	// spliceAfter is how many full buffers in a row make a bulk transfer.
	spliceAfter = 4
	// spliceBytes and spliceWait bound one stretch of splicing.
	spliceBytes = 8 << 20
	spliceWait  = 200 * time.Millisecond
)

// Gate looks at the client's first bytes, forwards what may pass, and returns
// nil when the rest may flow unseen, io.EOF when the client has ended, or why
// the connection must end.
type Gate func(*Stream) error

// Relay is one pair of connections.
type Relay struct {
	client, server *net.TCPConn
	idle           time.Duration
	buffers        *Buffers

	last     atomic.Int64 // time.Since(start) of the last byte moved
	start    time.Time
	up, down atomic.Int64
	head     head

	once    sync.Once
	aborted atomic.Bool
}

// Buffers is a pool that relays share.
type Buffers struct{ pool sync.Pool }

// NewBuffers returns an empty pool.
func NewBuffers() *Buffers {
	return &Buffers{pool: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

func (b *Buffers) get() *[bufferSize]byte { return b.pool.Get().(*[bufferSize]byte) }

func (b *Buffers) put(buf *[bufferSize]byte) { b.pool.Put(buf) }

// New pairs two connections.
func New(client, server *net.TCPConn, idle time.Duration, buffers *Buffers) *Relay {
	return &Relay{
		client: client, server: server, idle: idle, buffers: buffers,
		start: time.Now(), head: newHead(),
	}
}

// Run relays until both directions have ended, and closes both connections.
// pending are bytes that were read from the client already; gate, if it is not
// nil, sees them first. When ctx ends, so does the relay.
func (r *Relay) Run(ctx context.Context, pending []byte, gate Gate) error {
	stop := context.AfterFunc(ctx, r.Abort)
	defer stop()
	defer r.close()
	var upErr, downErr error
	var wg sync.WaitGroup
	wg.Go(func() { downErr = r.runDown(gate != nil) })
	upErr = r.runUp(pending, gate)
	wg.Wait()
	upErr, downErr = blame(upErr, "client", "server"), blame(downErr, "server", "client")
	err := errors.Join(upErr, downErr)
	if r.aborted.Load() && ctx.Err() != nil {
		err = ErrAborted
	}
	if err != nil {
		r.Abort()
	}
	return pick(upErr, downErr, err)
}

// blame says whose reset an error is, in words: it goes into records.
func blame(err error, from, to string) error {
	if !errors.Is(err, unix.ECONNRESET) && !errors.Is(err, unix.EPIPE) {
		return err
	}
	var w *writeError
	if errors.As(err, &w) {
		return fmt.Errorf("reset by the %s: %w", to, errnoOf(w))
	}
	return fmt.Errorf("reset by the %s: %w", from, errnoOf(err))
}

// errnoOf drops what wraps an errno, addresses for the most part.
func errnoOf(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// pick returns the error that explains a pair: a gate's refusal or idleness
// on either side comes before the resets that follow from it.
func pick(up, down, joined error) error {
	switch {
	case joined == nil || errors.Is(joined, ErrAborted):
		return joined
	case up != nil && !errors.Is(up, net.ErrClosed):
		return up
	case down != nil && !errors.Is(down, net.ErrClosed):
		return down
	}
	return ErrAborted
}

// Counts returns the bytes that were written to the server and to the client.
func (r *Relay) Counts() (up, down int64) { return r.up.Load(), r.down.Load() }

// Abort resets both connections.
func (r *Relay) Abort() {
	r.aborted.Store(true)
	r.once.Do(func() {
		Reset(r.client)
		Reset(r.server)
	})
}

func (r *Relay) close() {
	r.once.Do(func() {
		r.client.Close()
		r.server.Close()
	})
}

// Reset closes a connection with RST in place of FIN.
func Reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // fails only on a closed socket
	c.Close()
}

func (r *Relay) runUp(pending []byte, gate Gate) error {
	s := &Stream{relay: r, pending: pending}
	if gate == nil {
		gate = (*Stream).All
	}
	err := gate(s)
	if err == nil {
		err = s.All()
	}
	if err == nil {
		err = r.copy(r.server, r.client, &r.up, unlimited)
	}
	if errors.Is(err, io.EOF) {
		return ignoreClosed(r.server.CloseWrite())
	}
	var gone *writeError
	if errors.As(err, &gone) {
		return err // runDown goes on: the server may have said why
	}
	r.Abort()
	return err
}

func (r *Relay) runDown(watched bool) error {
	var err error
	if watched {
		err = r.copyHead()
	}
	if err == nil {
		err = r.copy(r.client, r.server, &r.down, unlimited)
	}
	r.head.end()
	if errors.Is(err, io.EOF) {
		return ignoreClosed(r.client.CloseWrite())
	}
	r.Abort()
	return err
}

// ignoreClosed passes over a peer that is gone when it is told of an end of
// file: it has all bytes there were.
func ignoreClosed(err error) error {
	if errors.Is(err, unix.ENOTCONN) {
		return nil
	}
	return err
}

// writeError marks an error of the writing side.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

const unlimited = int64(1) << 62

// copy moves up to limit bytes. It returns nil when all are moved, io.EOF at
// the end of src.
func (r *Relay) copy(dst, src *net.TCPConn, count *atomic.Int64, limit int64) error {
	raw, err := src.SyscallConn()
	if err != nil {
		return err
	}
	full := 0
	for limit > 0 {
		if full >= spliceAfter {
			n, err := r.splice(dst, src, count, limit)
			limit -= n
			if err != nil {
				return err
			}
			full = 0
			continue
		}
		buf, n, err := r.read(src, raw, limit)
		if err != nil {
			return err
		}
		err = r.write(dst, buf[:n], count)
		r.buffers.put(buf)
		if err != nil {
			return err
		}
		limit -= int64(n)
		if n == bufferSize {
			full++
		} else {
			full = 0
		}
	}
	return nil
}

// read waits for bytes and reads them into a buffer that the caller must put
// back; no buffer is held while it waits.
func (r *Relay) read(src *net.TCPConn, raw interface {
	Read(func(uintptr) bool) error
}, limit int64) (*[bufferSize]byte, int, error) {
	for {
		if err := src.SetReadDeadline(r.deadline()); err != nil {
			return nil, 0, err
		}
		var buf *[bufferSize]byte
		var n int
		var readErr error
		err := raw.Read(func(fd uintptr) bool {
			buf = r.buffers.get()
			for {
				n, readErr = unix.Read(int(fd), buf[:min(limit, bufferSize)])
				if readErr != unix.EINTR {
					break
				}
			}
			if readErr == nil && n > 0 {
				return true
			}
			r.buffers.put(buf)
			return readErr != unix.EAGAIN
		})
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if r.expired() {
				return nil, 0, ErrIdle
			}
		case err != nil:
			return nil, 0, err
		case readErr != nil:
			return nil, 0, os.NewSyscallError("read", readErr)
		case n == 0:
			return nil, 0, io.EOF
		default:
			return buf, n, nil
		}
	}
}

// write writes all of b.
func (r *Relay) write(dst *net.TCPConn, b []byte, count *atomic.Int64) error {
	err := dst.SetWriteDeadline(time.Now().Add(r.idle))
	if err != nil {
		return &writeError{err}
	}
	n, err := dst.Write(b)
	count.Add(int64(n))
	r.moved()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ErrIdle
	}
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// splice moves bytes inside the kernel for a bounded stretch. A read deadline
// that passes is the end of the stretch: nothing is in the pipe then, because
// it is drained before the next read.
func (r *Relay) splice(dst, src *net.TCPConn, count *atomic.Int64, limit int64) (int64, error) {
	now := time.Now()
	if err := errors.Join(src.SetReadDeadline(now.Add(spliceWait)), dst.SetWriteDeadline(now.Add(r.idle))); err != nil {
		return 0, err
	}
	want := min(limit, spliceBytes)
	n, err := dst.ReadFrom(&io.LimitedReader{R: src, N: want})
	count.Add(n)
	if n > 0 {
		r.moved()
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		// Which side's? The writer's comes only after the whole idle time.
		if time.Since(now) >= r.idle {
			return n, ErrIdle
		}
		return n, nil
	case err != nil && !closed(src):
		return n, &writeError{err}
	case err != nil:
		return n, err
	case n == 0:
		return n, io.EOF
	}
	return n, nil // a short stretch: the next read finds the end of file
}

// closed reports whether the reading side of a failed splice is the one that
// failed; the error does not say. Unknown is yes.
func closed(c *net.TCPConn) bool {
	const tcpClose = 7 // include/net/tcp_states.h
	gone := true
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		gone = err != nil || info.State == tcpClose
	})
	return gone
}

func (r *Relay) moved() { r.last.Store(int64(time.Since(r.start))) }

func (r *Relay) deadline() time.Time {
	return r.start.Add(time.Duration(r.last.Load()) + r.idle)
}

func (r *Relay) expired() bool { return !time.Now().Before(r.deadline()) }
