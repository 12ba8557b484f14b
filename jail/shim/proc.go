package shim

import (
	"context"
	"os"

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
// the command could not be executed.
func (h *Handle) Exec(ctx context.Context, spec ExecSpec, io Stdio) (*Proc, error) {
	blob, err := protocol.EncodeCommand(protocol.Command{
		Argv: spec.Argv, Env: spec.Env, Cwd: spec.Cwd, Terminal: spec.Terminal,
	})
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	trapped := func(a answer) {
		listener, ledger := a.files[protocol.FileListener], a.files[protocol.FileLedger]
		if spec.OnListener == nil || listener == nil || ledger == nil {
			closeFiles(a.files)
			return
		}
		spec.OnListener(listener, ledger)
	}
	a, err := h.requestNoting(ctx, protocol.Message{Type: protocol.Exec, Name: spec.Name}, trapped,
		[]string{protocol.FileSpec, protocol.FileIn, protocol.FileOut, protocol.FileErr},
		[]*os.File{blob, io.In, io.Out, io.Err})
	if err != nil {
		return nil, err
	}
	p := &Proc{
		PTY: a.files[protocol.FilePTY], PID: a.m.PID,
		h: h, num: a.m.Proc, ended: make(chan struct{}), err: ErrClosed,
	}
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
	return p, nil
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
