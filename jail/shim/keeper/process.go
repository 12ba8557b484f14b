package keeper

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/container"
	"clawjail/jail/shim/protocol"
	"clawjail/jail/stage"
	"clawjail/seccomp/notify"
)

// process is one process that was started into the jail.
type process struct {
	run *container.Running
	pid int
	// control is the socket to the stage, nil once the command runs.
	control *net.UnixConn
	// listener is the seccomp notification descriptor. Kept open: when the
	// last copy closes, notified calls fail with ENOSYS.
	listener *os.File
	// ledger is where whoever answers those calls writes down which it has
	// received, so that another one can answer them.
	ledger *os.File
	name   string   // of a process of Exec
	pty    *os.File // nil without a terminal
	ended  chan struct{}
}

// close closes the descriptors of a process that has ended.
func (p *process) close() {
	if p.control != nil {
		p.control.Close()
	}
	if p.listener != nil {
		p.listener.Close()
	}
	if p.ledger != nil {
		p.ledger.Close()
	}
	if p.pty != nil {
		p.pty.Close()
	}
}

func (k *keeper) command() protocol.Command {
	return protocol.Command{Argv: k.spec.Argv, Env: k.spec.Env, Cwd: k.spec.Cwd, Terminal: k.spec.Terminal}
}

// launch starts a process as far as the stage: it waits behind its filter to
// be released. On error the process has ended.
func (k *keeper) launch(c protocol.Command, files map[string]*os.File, first bool) (_ *process, err error) {
	p := &process{ended: make(chan struct{})}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.ledger, err = notify.NewLedger(); err != nil {
		return nil, err
	}
	config, err := stage.Config{
		Filter: k.spec.Filter, Landlock: k.spec.Landlock, LandlockABI: k.spec.LandlockABI,
		Argv: c.Argv, Env: c.Env, Cwd: c.Cwd,
	}.File()
	if err != nil {
		return nil, err
	}
	defer config.Close()
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	p.control = ours
	defer theirs.Close()

	cp := container.Process{
		Exe:   k.stage,
		Extra: []*os.File{config, theirs}, // stage.ConfigFD, stage.ControlFD
		// The stage is a small Go program that lives for a millisecond.
		// HOME keeps libcontainer from looking one up.
		Env: []string{"HOME=/", "GOGC=off", "GOMAXPROCS=1"},
	}
	var console *net.UnixConn
	if c.Terminal {
		var inner *os.File
		if console, inner, err = pair(); err != nil {
			return nil, err
		}
		defer console.Close()
		defer inner.Close()
		cp.Console = inner
	} else {
		cp.Stdin, cp.Stdout, cp.Stderr = files[protocol.FileIn], files[protocol.FileOut], files[protocol.FileErr]
		give(k.spec.User, cp.Stdin, cp.Stdout, cp.Stderr)
	}
	if err := k.spawn(p, cp, first); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.run.Signal(unix.SIGKILL)
			_, _ = p.run.Wait()
		}
	}()
	if c.Terminal {
		if p.pty, err = receivePTY(console); err != nil {
			return nil, err
		}
	}
	theirs.Close() // or the end of the stage would not end the connection
	m, listener, err := stage.Await(p.control)
	p.listener = listener
	switch {
	case err != nil:
		return nil, fmt.Errorf("the stage did not come up: %w", err)
	case m.Type == "error":
		return nil, &stageError{m}
	case listener == nil:
		return nil, errors.New("the stage sent no seccomp listener")
	}
	return p, nil
}

// spawn starts the process and has it execute the stage.
func (k *keeper) spawn(p *process, cp container.Process, first bool) (err error) {
	began := monotonic()
	if !first {
		if p.run, err = k.box.Exec(cp); err != nil {
			return err
		}
		p.pid, err = p.run.PID()
		return err
	}
	if p.run, err = k.box.StartInit(cp); err != nil {
		return err
	}
	k.mark("container", began)
	if p.pid, err = p.run.PID(); err == nil {
		if err = k.joinUnified(p.pid); err == nil {
			err = k.box.ExecInit()
		}
	}
	if err != nil {
		_ = p.run.Signal(unix.SIGKILL)
		_, _ = p.run.Wait()
	}
	return err
}

// give makes the jail's user the owner of pipes, which are only reachable
// through the passed descriptors. Without it a program could use descriptor 2,
// but not open /dev/stderr.
func give(u jail.User, files ...*os.File) {
	for _, f := range files {
		if f == nil {
			continue
		}
		var fs unix.Statfs_t
		if unix.Fstatfs(int(f.Fd()), &fs) == nil && fs.Type == unix.PIPEFS_MAGIC {
			// Nothing depends on it but the convenience.
			_ = unix.Fchown(int(f.Fd()), int(u.UID), int(u.GID))
		}
	}
}

// pair makes a socket to a process in the jail.
func pair() (*net.UnixConn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "inner")
	f := os.NewFile(uintptr(fds[0]), "outer")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return c.(*net.UnixConn), theirs, nil
}

// receivePTY takes the master of the terminal that libcontainer made. The
// socket's other end is with libcontainer's code, before the stage.
func receivePTY(c *net.UnixConn) (*os.File, error) {
	name, oob := make([]byte, unix.PathMax), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := c.ReadMsgUnix(name, oob)
	if err != nil {
		return nil, fmt.Errorf("receive the terminal: %w", err)
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(msgs) != 1 {
		return nil, fmt.Errorf("receive the terminal: %d control messages, %v", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("receive the terminal: %d descriptors, %v", len(fds), err)
	}
	return os.NewFile(uintptr(fds[0]), "pty"), nil
}

// release lets the command start. It returns when the command runs or could
// not be executed.
func (p *process) release() error {
	if err := stage.Release(p.control); err != nil {
		return fmt.Errorf("release the stage: %w", err)
	}
	m, _, err := stage.Await(p.control)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	return &stageError{m}
}

// status waits for the process and says how it ended.
func (p *process) status() *protocol.Status {
	ws, err := p.run.Wait()
	switch {
	case err != nil && ws == 0:
		return &protocol.Status{Code: exitCannotStart}
	case ws.Signaled():
		return &protocol.Status{Code: 128 + int(ws.Signal()), Signal: int(ws.Signal())}
	default:
		return &protocol.Status{Code: ws.ExitStatus()}
	}
}
