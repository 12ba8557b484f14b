package notify

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrGone means that the call is no longer there to be answered: its thread
// was killed, or it was answered already.
var ErrGone = errors.New("the call is gone")

// ErrClosed is returned by Recv after Close, and when no task is left that
// uses the filter.
var ErrClosed = errors.New("listener closed")

// Call is one system call that waits for an answer.
type Call struct {
	ID   uint64 // the kernel's name for it, unique for the listener
	TID  int32  // thread id in the pid namespace of whoever received it
	Nr   int32
	Arch uint32 // AUDIT_ARCH_*
	IP   uint64
	Args [6]uint64
}

// Listener receives the calls of one filter.
type Listener struct {
	file *os.File
	fd   int
	wake *os.File // readable when closed
	end  *os.File // its other end
	woke int      // wake's descriptor
	kept *ledger  // nil without one

	mu     sync.RWMutex // held for reading while the descriptor is used
	closed bool
}

// Open takes over the listener's descriptor. Where the kernel can (6.6 and
// later), answers wake the caller on the receiving thread's own processor,
// which makes a round trip several times faster.
func Open(f *os.File) (*Listener, error) {
	wake, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// Fd makes a system call each time.
	l := &Listener{file: f, fd: int(f.Fd()), wake: wake, end: end, woke: int(wake.Fd())}
	// kernel/seccomp.c:seccomp_notify_set_flags, since 6.6; EINVAL before.
	err = ioctlValue(l.fd, unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
	if err != nil && !errors.Is(err, unix.EINVAL) {
		_ = wake.Close()
		_ = end.Close()
		return nil, fmt.Errorf("set up the seccomp listener: %w", err)
	}
	return l, nil
}

// OpenKept is Open for a listener whose received calls are written down in a
// file that NewLedger made; the file stays the caller's. Left gives those that a
// former receiver has not answered.
func OpenKept(f, ledger *os.File) (*Listener, error) {
	kept, err := openLedger(ledger)
	if err != nil {
		return nil, err
	}
	l, err := Open(f)
	if err != nil {
		return nil, errors.Join(err, kept.close())
	}
	l.kept = kept
	return l, nil
}

// Left lists the calls that were received by somebody else, still wait and have
// no answer. Recv does not give them again.
func (l *Listener) Left() []Left {
	if l.kept == nil {
		return nil
	}
	var out []Left
	for _, c := range l.kept.left() {
		if l.Valid(c.ID) {
			out = append(out, c)
		} else {
			l.kept.forget(c.ID)
		}
	}
	return out
}

// Acting notes that a call is about to be carried out on the caller's behalf:
// whoever finds it without an answer cannot know whether that has happened.
func (l *Listener) Acting(id uint64) {
	if l.kept != nil {
		l.kept.acting(id)
	}
}

// Recv waits for the next call. ErrClosed is the end; any other error is the
// listener's own and does not pass.
func (l *Listener) Recv() (Call, error) {
	for {
		ready, err := l.poll()
		if err != nil || !ready {
			if err == nil {
				err = ErrClosed
			}
			return Call{}, err
		}
		call, err := l.receive()
		switch {
		case err == nil:
			return call, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT):
			// The caller was killed between the wake-up and the receive.
			continue
		default:
			return Call{}, os.NewSyscallError("ioctl SECCOMP_IOCTL_NOTIF_RECV", err)
		}
	}
}

// receive has the kernel write the call into the ledger, where there is one.
func (l *Listener) receive() (Call, error) {
	var own notif
	n := &own
	var s *slot
	if l.kept != nil {
		if s = l.kept.take(l.Valid); s != nil {
			n = &s.n
		}
	}
	if err := recv(l.fd, n); err != nil {
		return Call{}, err
	}
	if s != nil {
		l.kept.keep(n.id)
	}
	return n.call(), nil
}

func (n *notif) call() Call {
	return Call{ID: n.id, TID: int32(n.pid), Nr: n.nr, Arch: n.arch, IP: n.ip, Args: n.args}
}

// answered is called when a call has its answer, or is gone.
func (l *Listener) answered(id uint64) {
	if l.kept != nil {
		l.kept.forget(id)
	}
}

// poll waits until a call can be received; false means the end.
func (l *Listener) poll() (bool, error) {
	fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.woke), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, os.NewSyscallError("poll", err)
		case fds[1].Revents != 0:
			return false, nil
		case fds[0].Revents&unix.POLLIN != 0:
			return true, nil
		case fds[0].Revents != 0:
			return false, nil // POLLHUP: no task uses the filter any more
		}
	}
}

// Valid reports whether the call still waits. What was read of the caller's
// memory before a true answer was read from the caller and not from a process
// that got its pid later.
func (l *Listener) Valid(id uint64) bool {
	return l.use(func(fd int) error { return ioctlPointer(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, &id) }) == nil
}

// Continue lets the kernel execute the call; see the package documentation for
// what that means.
func (l *Listener) Continue(id uint64) error {
	return l.send(resp{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// Deny makes the call fail. errno 0 would be success and is replaced by EPERM.
func (l *Listener) Deny(id uint64, errno unix.Errno) error {
	if errno == 0 {
		errno = unix.EPERM
	}
	return l.send(resp{id: id, err: -int32(errno)})
}

// Return makes the call succeed with a value, without being executed.
func (l *Listener) Return(id uint64, value int64) error {
	return l.send(resp{id: id, val: value})
}

func (l *Listener) send(r resp) error {
	err := l.use(func(fd int) error { return send(fd, &r) })
	switch {
	case err == nil:
		l.answered(r.id)
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINPROGRESS):
		l.answered(r.id)
		return ErrGone
	}
	return fmt.Errorf("answer a system call: %w", err)
}

// AddFD gives the caller a copy of f and makes its call return the new
// descriptor, as one step. unknown means that the kernel was interrupted and
// the caller may or may not have it: whoever counts must count it as done.
// kernel/seccomp.c:seccomp_notify_addfd; ADDFD_FLAG_SEND since 5.14.
func (l *Listener) AddFD(id uint64, f *os.File, cloexec bool) (unknown bool, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) {
		a := addfd{id: id, flags: unix.SECCOMP_ADDFD_FLAG_SEND, srcfd: uint32(fd)}
		if cloexec {
			a.newfdFlags = unix.O_CLOEXEC
		}
		sendErr = l.use(func(listener int) error { return add(listener, &a) })
	})
	switch err := errors.Join(err, sendErr); {
	case err == nil:
		l.answered(id)
		return false, nil
	case errors.Is(err, unix.ENOENT):
		l.answered(id)
		return true, ErrGone
	default:
		return false, fmt.Errorf("hand a file to the caller: %w", err)
	}
}

// use runs fn with the descriptor, retrying what a signal interrupted.
func (l *Listener) use(fn func(fd int) error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return ErrClosed
	}
	for {
		if err := fn(l.fd); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Interrupt ends Recv without closing the descriptor: held calls stay held for
// whoever holds another copy of it.
func (l *Listener) Interrupt() { _, _ = l.end.Write([]byte{0}) }

// Close ends Recv and closes this copy of the descriptor. Recv must have
// returned, or return first: call Interrupt, wait for the receiver, then Close.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var err error
	if l.kept != nil {
		err = l.kept.close()
	}
	return errors.Join(err, l.end.Close(), l.wake.Close(), l.file.Close())
}
