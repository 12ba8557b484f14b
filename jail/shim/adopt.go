package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim/protocol"
)

// ErrNobody means that no shim is there any more: what is left of its jail can
// be swept away.
var ErrNobody = errors.New("no shim is there")

// ErrVersion is a shim of a build that this one does not understand.
var ErrVersion = protocol.ErrVersion

// Orphan is a jail that a former supervisor left with its shim.
type Orphan struct {
	*Handle
	Placed
	InitPID int
	// Listener, Ledger and PTY are those of Created; PTY is nil without a terminal.
	Listener, Ledger, PTY *os.File
	// Kept is what Keep gave, Note the last note.
	Kept map[string]*os.File
	Note string
	// Lost is when the shim lost its supervisor; Frozen says that it has frozen
	// the jail since.
	Lost   time.Time
	Frozen bool
	// Procs are the processes of Exec that run, Gone the last that ended, by
	// their names.
	Procs map[string]OrphanProc
	Gone  map[string]Exit
}

// OrphanProc is a process of Exec.
type OrphanProc struct {
	*Proc
	Listener, Ledger *os.File
}

// Close ends the jail and closes the files.
func (o *Orphan) Close() error {
	o.Forget()
	return o.Handle.Close()
}

// Forget closes the files that nobody took: take by setting to nil.
func (o *Orphan) Forget() {
	o.Placed.Close()
	closeFiles(o.Kept)
	for _, f := range []*os.File{o.Listener, o.Ledger, o.PTY} {
		if f != nil {
			f.Close()
		}
	}
	for _, p := range o.Procs {
		for _, f := range []*os.File{p.Listener, p.Ledger, p.PTY} {
			if f != nil {
				f.Close()
			}
		}
	}
}

// Adopt takes over the shim of the jail that has this state directory. A shim
// that has not noticed yet that its supervisor is gone is waited for until ctx
// ends. The error is ErrNobody when there is no shim.
func Adopt(ctx context.Context, stateDir, cgroupParent, id string) (*Orphan, error) {
	conn, proc, err := find(ctx, stateDir)
	if err != nil {
		return nil, fmt.Errorf("adopt the shim of jail %q: %w", id, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	stderr, err := os.Open(fmt.Sprintf("/proc/%d/fd/2", proc.pid()))
	if err != nil {
		conn.Close()
		proc.release()
		return nil, fmt.Errorf("adopt the shim of jail %q: %w", id, err)
	}
	h := newHandle(conn, proc, stderr)
	h.spec = jail.Spec{ID: id, StateDir: stateDir, CgroupParent: cgroupParent}
	o, err := h.hear()
	if err == nil && !stop() {
		err = ctx.Err() // the connection is closed, or about to be
	}
	if err != nil {
		if o != nil {
			o.Forget()
		}
		conn.Close()
		proc.release()
		stderr.Close()
		return nil, fmt.Errorf("adopt the shim of jail %q: %w", id, err)
	}
	go h.read()
	return o, nil
}

// retry is how often it is looked whether a shim listens that is there.
const retry = 10 * time.Millisecond

// find connects with the shim. Who is connected to is the process that the state
// directory names, and runs the program of a shim.
func find(ctx context.Context, stateDir string) (*protocol.Conn, *stranger, error) {
	dir, err := os.Open(stateDir)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	defer dir.Close()
	b, err := os.ReadFile(filepath.Join(stateDir, protocol.PIDFile))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return nil, nil, fmt.Errorf("%w: its file holds %q, which is no process", ErrNobody, b)
	}
	proc, err := openStranger(pid)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNobody, err)
	}
	// The number may be another process's by now; proc is the one looked at here.
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "clawjail-shim" {
		proc.release()
		return nil, nil, fmt.Errorf("%w: process %d is another program", ErrNobody, pid)
	}
	tick := time.NewTicker(retry)
	defer tick.Stop()
	for {
		conn, who, err := protocol.Dial(dir)
		switch {
		case err == nil && who == pid:
			return conn, proc, nil
		case err == nil:
			conn.Close()
			err = fmt.Errorf("process %d listens there, not %d", who, pid)
		}
		if ended(proc) {
			proc.release()
			return nil, nil, fmt.Errorf("%w: it has ended", ErrNobody)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			proc.release()
			return nil, nil, errors.Join(ctx.Err(), err)
		}
	}
}

func ended(s *stranger) bool {
	n := 0
	raw, err := s.fd.SyscallConn()
	if err != nil {
		return true
	}
	_ = raw.Control(func(fd uintptr) {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	return n > 0
}

// hear reads what a shim says to a supervisor that has found it. What it has got
// so far goes with an error.
func (h *Handle) hear() (*Orphan, error) {
	o := &Orphan{Handle: h, Procs: map[string]OrphanProc{}, Gone: map[string]Exit{}, Kept: map[string]*os.File{}}
	m, files, err := h.conn.Receive()
	if err != nil {
		return nil, err
	}
	if m.Type != protocol.Hello {
		closeFiles(files)
		return nil, fmt.Errorf("the shim begins with %q", m.Type)
	}
	o.Placed = placedOf(answer{m, files})
	o.InitPID, o.Note, o.Frozen, o.Lost = m.PID, m.Note, m.Frozen, time.Unix(0, m.Lost)
	o.Listener, o.Ledger, o.PTY = files[protocol.FileListener], files[protocol.FileLedger], files[protocol.FilePTY]
	for name, f := range files {
		if kept, ok := strings.CutPrefix(name, protocol.KeptPrefix); ok {
			o.Kept[kept] = f
		}
	}
	for _, g := range m.Gone {
		o.Gone[g.Name] = exitOf(&g.Status)
	}
	if !o.Placed.complete() || o.Listener == nil || o.Ledger == nil {
		return o, errors.New("the shim did not send all files of the jail")
	}
	for {
		m, files, err := h.conn.Receive()
		switch {
		case err != nil:
			return o, err
		case m.Type == protocol.Adopted:
			closeFiles(files)
			return o, nil
		case m.Type != protocol.Running || len(o.Procs) >= protocol.MaxProcs:
			closeFiles(files)
			return o, fmt.Errorf("the shim says %q in between", m.Type)
		}
		p := &Proc{PTY: files[protocol.FilePTY], PID: m.PID, h: h, num: m.Proc, ended: make(chan struct{}), err: ErrClosed}
		h.procs[m.Proc] = p
		o.Procs[m.Name] = OrphanProc{p, files[protocol.FileListener], files[protocol.FileLedger]}
	}
}
