package shim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim/protocol"
)

// ErrLeft is what Wait says after Leave.
var ErrLeft = errors.New("the jail was left to its shim")

// ErrClosed is the answer to a request on a jail that has ended.
var ErrClosed = errors.New("the jail has ended")

// Handle is a connection to the shim of one jail.
type Handle struct {
	conn *protocol.Conn
	proc process
	// stderr is what the shim writes when it cannot say it otherwise: a memfd.
	stderr *os.File

	mu      sync.Mutex
	spec    jail.Spec // of the jail, once it is begun
	last    uint32
	waiting map[uint32]chan answer  // nil when the connection has ended
	notes   map[uint32]func(answer) // what comes before an answer
	procs   map[uint32]*Proc
	early   map[uint32]Exit // ended before Exec returned

	leaving bool // Leave was called

	ended chan struct{} // closed when exit and err are set
	exit  Exit
	err   error
	gone  chan struct{} // closed when left is set and the shim is reaped
	left  error         // what the shim could not remove
}

// answer is a message from the shim, with its files.
type answer struct {
	m     protocol.Message
	files map[string]*os.File
}

// Go lets the jail's command start. The error is a *StartError when the
// command could not be executed; Wait then reports its exit code.
func (h *Handle) Go(ctx context.Context) error {
	return h.simple(ctx, protocol.Message{Type: protocol.Go})
}

// Signal sends a signal to the jail's command.
func (h *Handle) Signal(ctx context.Context, sig unix.Signal) error {
	return h.simple(ctx, protocol.Message{Type: protocol.Signal, Signal: int(sig)})
}

// Resize sets the terminal's size.
func (h *Handle) Resize(ctx context.Context, rows, cols uint16) error {
	return h.simple(ctx, protocol.Message{Type: protocol.Resize, Rows: rows, Cols: cols})
}

// Kill kills everything in the jail.
func (h *Handle) Kill(ctx context.Context) error {
	return h.simple(ctx, protocol.Message{Type: protocol.Kill})
}

// PID is the shim's own process.
func (h *Handle) PID() int { return h.proc.pid() }

// Keep has the jail live on when this process goes, by the rule, and gives the
// shim what the next supervisor gets: files by name, at most MaxKept, which
// replace those of the last call and stay the caller's, and a note. It is called
// before Go; a jail whose supervisor goes before that ends. When it returns, the
// shim has let go of what it kept before.
func (h *Handle) Keep(ctx context.Context, rule Loss, note string, files map[string]*os.File) error {
	m, names, list, err := keepMessage(rule, note, files)
	if err != nil {
		return err
	}
	_, err = h.request(ctx, m, names, list)
	return err
}

// KeepBefore is Keep without its wait: what is requested later comes later.
func (h *Handle) KeepBefore(rule Loss, note string, files map[string]*os.File) error {
	m, names, list, err := keepMessage(rule, note, files)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.last++ // the answer finds nobody
	m.ID = h.last
	h.mu.Unlock()
	return h.conn.Send(m, names, list)
}

func keepMessage(rule Loss, note string, files map[string]*os.File) (protocol.Message, []string, []*os.File, error) {
	m := protocol.Message{Type: protocol.Keep, Note: note, Loss: &protocol.Loss{Then: rule.Then, After: rule.After}}
	var names []string
	var list []*os.File
	for name, f := range files {
		names, list = append(names, protocol.KeptPrefix+name), append(list, f)
	}
	if len(list) > MaxKept {
		return m, nil, nil, fmt.Errorf("%d files to keep, at most %d", len(list), MaxKept)
	}
	return m, names, list, nil
}

// Note replaces the note of Keep. It does not wait for the shim.
func (h *Handle) Note(note string) error {
	return h.conn.Send(protocol.Message{Type: protocol.Note, Note: note}, nil, nil)
}

// Leave closes the connection and nothing else: a jail that Keep was called for
// goes on. The shim is not waited for, and what it says no longer heard.
func (h *Handle) Leave() error {
	h.mu.Lock()
	h.leaving = true
	h.mu.Unlock()
	err := h.conn.Close()
	<-h.gone
	return err
}

// Wait waits until the jail has ended: nothing runs in it any more. An error
// means that it is not known how the command ended.
func (h *Handle) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-h.ended:
		return h.exit, h.err
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Close closes the connection: a jail that still runs is killed. It returns
// when everything is removed and the shim has ended, and must be called after
// Wait, too. An error names what could not be removed.
func (h *Handle) Close() error {
	// Without this word the jail may be one that lives on.
	_ = h.conn.Send(protocol.Message{Type: protocol.Bye}, nil, nil) // mostly the shim has ended
	err := h.conn.Close()
	// A shim that hangs is killed, and the kernel kills the jail with it.
	last := time.AfterFunc(closeTimeout, h.proc.kill)
	defer last.Stop()
	<-h.gone
	if errors.Is(err, net.ErrClosed) {
		err = nil // by the reader, when the shim had ended
	}
	return errors.Join(err, h.left)
}

// closeTimeout is longer than the shim's own patience (keeper.removeTimeout).
const closeTimeout = 20 * time.Second

func (h *Handle) simple(ctx context.Context, m protocol.Message) error {
	_, err := h.request(ctx, m, nil, nil)
	return err
}

// request sends m and waits for its answer.
func (h *Handle) request(ctx context.Context, m protocol.Message, names []string, files []*os.File) (answer, error) {
	return h.requestNoting(ctx, m, nil, names, files)
}

// requestNoting does the same, and hands what comes before the answer to note,
// with its files. The reader of the connection calls it: it must not block.
func (h *Handle) requestNoting(ctx context.Context, m protocol.Message, note func(answer),
	names []string, files []*os.File) (answer, error) {
	reply := make(chan answer, 1) // the reader never waits for us
	h.mu.Lock()
	if h.waiting == nil {
		h.mu.Unlock()
		return answer{}, ErrClosed
	}
	h.last++
	m.ID = h.last
	h.waiting[m.ID] = reply
	if note != nil {
		h.notes[m.ID] = note
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.notes, m.ID)
	}()
	err := h.conn.Send(m, names, files)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		err = ErrClosed
	}
	if err == nil {
		select {
		case a, ok := <-reply:
			if !ok {
				return answer{}, ErrClosed
			}
			if a.m.Failure != nil {
				return answer{}, startError(a.m.Failure)
			}
			return a, nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	h.mu.Lock()
	delete(h.waiting, m.ID)
	h.mu.Unlock()
	// The answer may have come in between.
	select {
	case a := <-reply:
		closeFiles(a.files)
	default:
	}
	return answer{}, err
}

func startError(f *protocol.Failure) *StartError {
	return &StartError{Op: f.Op, Path: f.Path, Errno: unix.Errno(f.Errno), ExitCode: f.Exit, Msg: f.Msg}
}

// read dispatches what the shim says until the connection ends, then cleans
// up. It is the only goroutine of a handle.
func (h *Handle) read() {
	defer close(h.gone)
	h.err = errors.New("the shim ended without a word")
	for {
		m, files, err := h.conn.Receive()
		if err != nil {
			if h.err != nil && !errors.Is(err, io.EOF) {
				h.err = fmt.Errorf("the connection to the shim: %w", err)
			}
			break
		}
		h.dispatch(answer{m, files})
	}
	h.conn.Close()
	h.mu.Lock()
	for _, reply := range h.waiting {
		close(reply)
	}
	h.waiting = nil
	procs := h.procs
	h.procs = nil
	h.mu.Unlock()
	for _, p := range procs {
		close(p.ended) // with Exit's zero value and p.err
	}
	h.reap()
}

func (h *Handle) dispatch(a answer) {
	switch a.m.Type {
	case protocol.Exit:
		closeFiles(a.files)
		if h.err != nil { // the first is the last
			h.exit, h.err = exitOf(a.m.Status), nil
			close(h.ended)
		}
		return
	case protocol.Ended:
		h.procEnded(a.m.Proc, exitOf(a.m.Status))
		closeFiles(a.files)
		return
	case protocol.Trapped, protocol.Placed:
		h.mu.Lock()
		note := h.notes[a.m.ID]
		h.mu.Unlock()
		if note == nil {
			closeFiles(a.files)
			return
		}
		note(a)
		return
	}
	h.mu.Lock()
	reply := h.waiting[a.m.ID]
	delete(h.waiting, a.m.ID)
	h.mu.Unlock()
	if reply == nil {
		closeFiles(a.files) // nobody waits any more
		return
	}
	reply <- a
}

// reap waits for the shim process. If it did not say how the jail ended, it
// cannot have removed everything either.
func (h *Handle) reap() {
	defer h.stderr.Close()
	h.mu.Lock()
	leaving := h.leaving
	h.mu.Unlock()
	if leaving {
		h.proc.release()
		if h.err != nil { // else it had ended
			h.err = ErrLeft
			close(h.ended)
		}
		return
	}
	waitErr := h.proc.wait()
	if h.err == nil {
		if waitErr != nil {
			h.left = fmt.Errorf("the shim ended with %w%s", waitErr, h.said())
		}
		return
	}
	defer close(h.ended)
	h.mu.Lock()
	spec := h.spec
	h.mu.Unlock()
	h.err = fmt.Errorf("%w (%v)%s", h.err, waitErr, h.said())
	// Only what this shim claimed: another jail may have the same id, and be
	// the reason why this one failed.
	if spec.StateDir == "" {
		return // a spare: it had claimed nothing
	}
	owner, err := os.ReadFile(filepath.Join(spec.StateDir, protocol.PIDFile))
	if err == nil && string(owner) == strconv.Itoa(h.proc.pid()) {
		h.err = errors.Join(h.err, Sweep(spec.StateDir, spec.CgroupParent, spec.ID))
	}
}

// maxSaid bounds how much of the shim's standard error is quoted.
const maxSaid = 4 << 10

// said is the end of what the shim wrote to its standard error.
func (h *Handle) said() string {
	st, err := h.stderr.Stat()
	if err != nil || st.Size() == 0 {
		return ""
	}
	b := make([]byte, maxSaid)
	n, _ := h.stderr.ReadAt(b, max(0, st.Size()-maxSaid))
	return ": " + string(b[:n])
}

// sweepTimeout bounds the wait for processes that the kernel is killing.
const sweepTimeout = 10 * time.Second

// Sweep removes what a shim that was killed left behind: it kills what is in
// the jail's cgroup and removes the cgroups and the state directory. A handle
// does it for its own shim; it is exported for those of an earlier supervisor,
// whose process in the state directory's protocol.PIDFile has ended.
func Sweep(stateDir, cgroupParent, id string) error {
	h, err := jail.FindHierarchies()
	if err != nil {
		return err
	}
	var errs []error
	dir := filepath.Join(h.Unified, cgroupParent, id)
	if c, err := jail.OpenCgroup(dir); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
		errs = append(errs, c.Kill(), c.AwaitEmpty(ctx), c.Close())
		cancel()
	}
	errs = append(errs, jail.RemoveCgroups(cgroupParent, id), os.RemoveAll(stateDir))
	return errors.Join(errs...)
}

func exitOf(s *protocol.Status) Exit {
	return Exit{Code: s.Code, Signal: s.Signal, OOMKilled: s.OOMKilled, WallClock: s.WallClock, Lost: s.Lost}
}

func closeFiles(files map[string]*os.File) {
	for _, f := range files {
		f.Close()
	}
}
