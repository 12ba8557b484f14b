package shim

import (
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim/protocol"
)

// maxEarly bounds the processes that ended before Exec returned: as many as the
// shim lets run at once.
const maxEarly = 128

// Proc is a further process in the jail.
type Proc struct {
	// PTY is the terminal's master, nil without ExecSpec.Terminal. The caller
	// owns it.
	PTY *os.File
	// PID is the process as the host numbers it.
	PID int

	h     *Handle
	num   uint32
	ended chan struct{} // closed when exit or err is set
	exit  Exit
	err   error
}

// Exec starts a further process in the jail. The error is a *StartError when
// the command could not be executed. When ctx ends first the process is killed.
func (h *Handle) Exec(ctx context.Context, spec ExecSpec, io Stdio) (*Proc, error) {
	blob, err := protocol.EncodeCommand(protocol.Command{
		Argv: spec.Argv, Env: spec.Env, Cwd: spec.Cwd, Terminal: spec.Terminal,
	})
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	numbers := make(chan uint32, 1) // of the one process there is
	trapped := func(a answer) {
		select {
		case numbers <- a.m.Proc:
		default:
		}
		listener, ledger := a.files[protocol.FileListener], a.files[protocol.FileLedger]
		if spec.OnListener == nil || listener == nil || ledger == nil {
			closeFiles(a.files)
			return
		}
		spec.OnListener(listener, ledger)
	}
	answered, stop := h.killAfter(ctx, numbers)
	a, err := h.requestNoting(answered, protocol.Message{Type: protocol.Exec, Name: spec.Name}, trapped,
		[]string{protocol.FileSpec, protocol.FileIn, protocol.FileOut, protocol.FileErr},
		[]*os.File{blob, io.In, io.Out, io.Err})
	stop()
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err() // killed, whatever its stage could say about that
		}
		return nil, err
	}
	p := &Proc{
		PTY: a.files[protocol.FilePTY], PID: a.m.PID,
		h: h, num: a.m.Proc, ended: make(chan struct{}), err: ErrClosed,
	}
	h.add(p)
	if ctx.Err() != nil {
		// It has begun in the same moment. Its end is heard, and nobody asks for it.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
		defer cancel()
		_ = p.Signal(last, unix.SIGKILL)
		if p.PTY != nil {
			p.PTY.Close()
		}
		return nil, ctx.Err()
	}
	return p, nil
}

// abandonTime bounds the wait for a process that nobody wants any more.
const abandonTime = 10 * time.Second

// killAfter has a process killed that is being started when ctx ends: it may wait
// for somebody's approval, and nobody would know it. The context that it gives goes
// on until that is done.
func (h *Handle) killAfter(ctx context.Context, numbers <-chan uint32) (context.Context, func()) {
	answered, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var killer sync.WaitGroup
	quit := make(chan struct{})
	killer.Go(func() {
		select {
		case <-ctx.Done():
		case <-quit:
			return
		}
		limit := time.AfterFunc(abandonTime, cancel)
		defer limit.Stop()
		select {
		case num := <-numbers:
			_ = h.simple(answered, protocol.Message{Type: protocol.Signal, Proc: num, Signal: int(unix.SIGKILL)})
		case <-quit:
			return
		case <-answered.Done():
			return
		}
		select { // its end answers the request
		case <-quit:
		case <-answered.Done():
		}
	})
	return answered, func() { close(quit); killer.Wait(); cancel() }
}

// add begins to listen for the end of a process.
func (h *Handle) add(p *Proc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if exit, ok := h.early[p.num]; ok {
		delete(h.early, p.num)
		p.exit, p.err = exit, nil
		close(p.ended)
	} else if h.procs == nil {
		close(p.ended)
	} else {
		h.procs[p.num] = p
	}
}

// procEnded is called by the reader.
func (h *Handle) procEnded(num uint32, exit Exit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.procs[num]
	if p == nil {
		// Exec has not returned yet. If it never does, because its context
		// ended, the entry stays until the jail ends, or is lost to others.
		if len(h.early) >= maxEarly {
			clear(h.early)
		}
		h.early[num] = exit
		return
	}
	delete(h.procs, num)
	p.exit, p.err = exit, nil
	close(p.ended)
}

// Wait waits until the process has ended. ErrClosed means that the jail ended
// and took the process with it.
func (p *Proc) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.ended:
		return p.exit, p.err
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Signal sends a signal to the process.
func (p *Proc) Signal(ctx context.Context, sig unix.Signal) error {
	return p.h.simple(ctx, protocol.Message{Type: protocol.Signal, Proc: p.num, Signal: int(sig)})
}

// Resize sets the size of the process' terminal.
func (p *Proc) Resize(ctx context.Context, rows, cols uint16) error {
	return p.h.simple(ctx, protocol.Message{Type: protocol.Resize, Proc: p.num, Rows: rows, Cols: cols})
}
