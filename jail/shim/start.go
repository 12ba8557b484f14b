package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/hostns"
	"clawjail/jail/shim/protocol"
	"clawjail/seccomp"
)

// Start runs the shim binary bin and has it build the jail, up to the point
// where the stage waits for Go. The caller keeps io's files and may close
// them when Start returns. When ctx ends before, everything is removed.
func Start(ctx context.Context, bin string, spec jail.Spec, io Stdio) (*Handle, *Created, error) {
	s, err := Prepare(bin, nil)
	if err != nil {
		return nil, nil, err
	}
	return s.Start(ctx, spec, io, nil)
}

// Spare is a shim that has no jail yet. It has a network namespace and a
// process 1, which are its own, and waits. Either Start or Close takes it.
type Spare struct {
	h     *Handle
	began time.Time
	// mounts wakes a poll when the host's mounts have changed since it was
	// opened or polled (fs/proc_namespace.c:mounts_poll). No os.File: the
	// runtime would poll it, too.
	mounts int
}

// Prepare starts a shim ahead: of a jail's way into the world that is a third
// which does not depend on what the jail is to be. It shows jails the mounts of
// host, nil for the caller's.
func Prepare(bin string, host *hostns.Host) (*Spare, error) {
	began := time.Now()
	if _, err := jail.EnsureUnified(); err != nil {
		return nil, fmt.Errorf("find a cgroup v2 mount: %w", err)
	}
	mounts, err := unix.Open(host.Mountinfo(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: host.Mountinfo(), Err: err}
	}
	h, err := spawn(bin, host)
	if err != nil {
		unix.Close(mounts)
		return nil, err
	}
	go h.read()
	return &Spare{h: h, began: began, mounts: mounts}, nil
}

// Usable reports whether a jail can still be made of it: the shim is there, and
// sees the host's mounts as they are. It has a copy of them, and not on every
// host does the copy follow.
func (s *Spare) Usable() bool {
	select {
	case <-s.h.gone:
		return false
	default:
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(s.mounts), Events: unix.POLLPRI}}, 0)
	return n == 0 && err == nil
}

// PID is the shim's own process.
func (s *Spare) PID() int { return s.h.PID() }

// Close ends the shim.
func (s *Spare) Close() error {
	return errors.Join(s.h.Close(), os.NewSyscallError("close", unix.Close(s.mounts)))
}

// Start makes the jail, as the function Start does. As soon as its cgroup and
// its network namespace are known, place is called with them, beside what
// follows, and owns the files then; Start waits for it, and its error is
// Start's. Without a place the files are part of the result.
func (s *Spare) Start(ctx context.Context, spec jail.Spec, io Stdio, place func(Placed) error) (*Handle, *Created, error) {
	began := time.Now()
	h := s.h
	_ = unix.Close(s.mounts) // only polled
	p := &placing{place: place, done: make(chan struct{})}
	c, err := h.start(ctx, spec, io, p)
	if err != nil {
		h.Close() // ends the reader, too: nothing is placed any more
		p.abandon()
		if errors.Is(err, ErrClosed) {
			<-h.ended
			err = h.err // says why the shim ended
		}
		return nil, nil, err
	}
	c.Timings["total"] = time.Since(began)
	return h, c, nil
}

// placing passes a Placed on. The handle's reader calls note, once.
type placing struct {
	place func(Placed) error
	noted bool
	at    Placed
	err   error
	done  chan struct{} // closed when err is set
}

func (p *placing) note(a answer) {
	if p.noted {
		closeFiles(a.files)
		return
	}
	p.noted, p.at = true, placedOf(a)
	switch {
	case !p.at.complete():
		p.err = errors.New("the shim did not send all files of the jail's network")
		close(p.done)
	case p.place == nil:
		close(p.done)
	default:
		at := p.at
		p.at = Placed{CgroupPath: at.CgroupPath, CgroupID: at.CgroupID} // the files are place's
		go func() {
			defer close(p.done)
			p.err = p.place(at)
		}()
	}
}

// abandon waits for place and closes what it does not own. The reader has ended.
func (p *placing) abandon() {
	if p.noted {
		<-p.done
	}
	p.at.Close()
}

func (h *Handle) start(ctx context.Context, spec jail.Spec, io Stdio, p *placing) (*Created, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	if len(spec.Filter) > 0 {
		spec.Seccomp = seccomp.Rules{} // nobody reads it then
	}
	blob, err := protocol.EncodeSpec(spec)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	h.mu.Lock()
	h.spec = spec
	h.mu.Unlock()
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // cannot fail
	a, err := h.requestNoting(ctx, protocol.Message{Type: protocol.Start, Sent: now.Nano()}, p.note,
		[]string{protocol.FileSpec, protocol.FileIn, protocol.FileOut, protocol.FileErr},
		[]*os.File{blob, io.In, io.Out, io.Err})
	if err != nil {
		return nil, err
	}
	c, err := created(a, spec)
	if err != nil {
		closeFiles(a.files)
		return nil, err
	}
	// It came before the answer, or the shim is none of ours.
	select {
	case <-p.done:
		err = p.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.Placed = p.at
	return c, nil
}

// oneProc keeps the shim and libcontainer's init, to which libcontainer passes
// it on, from starting threads for work that they do not have.
const oneProc = "GOMAXPROCS=1"

// noProbing keeps the Go runtime from looking for processor limits in cgroups,
// at the start and every second.
const noProbing = "GODEBUG=containermaxprocs=0,updatemaxprocs=0"

// spawn starts the shim process in a mount namespace and a session of its own.
func spawn(bin string, host *hostns.Host) (*Handle, error) {
	conn, theirs, err := protocol.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	fd, err := unix.MemfdCreate("shim-stderr", unix.MFD_CLOEXEC)
	if err != nil {
		conn.Close()
		return nil, os.NewSyscallError("memfd_create", err)
	}
	stderr := os.NewFile(uintptr(fd), "shim-stderr")
	cmd := &exec.Cmd{
		Path:       bin,
		Args:       []string{"clawjail-shim"},
		Env:        []string{protocol.ShimEnv + "=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", oneProc, noProbing},
		Dir:        "/",
		Stderr:     stderr,
		ExtraFiles: []*os.File{theirs}, // protocol.FD
		SysProcAttr: &syscall.SysProcAttr{
			Setsid: true,
			// Not Unshareflags: that would make every mount private, and the
			// shim wants to see the host's unmounts (keeper.isolate).
			Cloneflags: syscall.CLONE_NEWNS,
		},
	}
	if err := host.Start(cmd, hostns.Mounts|hostns.Network); err != nil {
		conn.Close()
		stderr.Close()
		return nil, fmt.Errorf("start the shim: %w", err)
	}
	return newHandle(conn, child{cmd}, stderr), nil
}

func newHandle(conn *protocol.Conn, proc process, stderr *os.File) *Handle {
	return &Handle{
		conn: conn, proc: proc, stderr: stderr,
		waiting: make(map[uint32]chan answer),
		notes:   make(map[uint32]func(answer)),
		procs:   make(map[uint32]*Proc),
		early:   make(map[uint32]Exit),
		ended:   make(chan struct{}),
		gone:    make(chan struct{}),
	}
}

// placedOf takes the note about a jail's place apart.
func placedOf(a answer) Placed {
	return Placed{
		CgroupPath: a.m.Cgroup, CgroupID: a.m.CgroupID,
		NetNS: a.files[protocol.FileNetNS],
		TCP4:  a.files[protocol.FileTCP4], TCP6: a.files[protocol.FileTCP6],
		UDP4: a.files[protocol.FileUDP4], UDP6: a.files[protocol.FileUDP6],
	}
}

// created takes the answer to the start request apart.
func created(a answer, spec jail.Spec) (*Created, error) {
	if a.m.Type != protocol.Created {
		return nil, fmt.Errorf("the shim answered %q to a start", a.m.Type)
	}
	c := &Created{
		InitPID: a.m.PID, Timings: a.m.Timings, Filter: spec.Filter,
		PTY: a.files[protocol.FilePTY], Listener: a.files[protocol.FileListener], Ledger: a.files[protocol.FileLedger],
	}
	if filter := a.files[protocol.FileFilter]; filter != nil {
		var err error
		if c.Filter, err = protocol.Unseal(filter); err != nil {
			return nil, fmt.Errorf("read the filter: %w", err)
		}
		filter.Close()
	}
	if c.Listener == nil || c.Ledger == nil || len(c.Filter) == 0 {
		return nil, errors.New("the shim did not send all files of the jail")
	}
	if c.Timings == nil {
		c.Timings = make(map[string]time.Duration)
	}
	return c, nil
}
