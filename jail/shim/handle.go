package shim

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// Stdio are the three standard files of a process in the jail. With a
// terminal all three are nil; otherwise nil means /dev/null.
type Stdio struct{ In, Out, Err *os.File }

// Created describes a jail that is built and waits for Go. The caller owns
// the files.
type Created struct {
	// InitPID is the jail's first process, as the host numbers it.
	InitPID int
	// CgroupPath is the cgroup v2 directory, CgroupID its number.
	CgroupPath string
	CgroupID   uint64
	// NetNS is the jail's network namespace.
	NetNS *os.File
	// TCP4 and TCP6 listen in it, UDP4 and UDP6 are bound in it.
	TCP4, TCP6, UDP4, UDP6 *os.File
	// PTY is the terminal's master, nil without Spec.Terminal.
	PTY *os.File
	// Filter is the compiled seccomp filter that is loaded; it may be cached
	// and passed as Spec.Filter the next time.
	Filter []byte
	// Timings says how long each phase took.
	Timings map[string]time.Duration
}

// Exit is how a jail or a process in it ended.
type Exit struct {
	// Code is the exit status, 128+Signal when a signal ended it.
	Code int
	// Signal is the number of the fatal signal, or 0.
	Signal int
	// OOMKilled says that the kernel killed something for want of memory.
	OOMKilled bool
	// WallClock says that Limits.Wall ended the jail.
	WallClock bool
}

// StartError is a command that could not be started inside the jail.
type StartError struct {
	// Op is the step that failed: landlock, seccomp, chdir, lookup, exec, or
	// one of the shim's own.
	Op   string
	Path string
	// Errno is 0 if the failure was no system call's.
	Errno unix.Errno
	// ExitCode is what `clawjail run` exits with: 125, 126 or 127.
	ExitCode int
	// Msg is the text for people.
	Msg string
}

func (e *StartError) Error() string { return e.Msg }

// ExecSpec is a further process in a running jail.
type ExecSpec struct {
	Argv, Env []string
	Cwd       string
	Terminal  bool
}

// Handle is a connection to the shim of one jail.
type Handle struct{}

// Proc is a further process in the jail.
type Proc struct {
	// PTY is the terminal's master, nil without ExecSpec.Terminal.
	PTY *os.File
	// PID is the process as the host numbers it.
	PID int
}

var errTODO = errors.ErrUnsupported

// Start runs the shim binary bin and has it build the jail, up to the point
// where the stage waits for Go. The caller keeps io's files and may close
// them when Start returns.
func Start(ctx context.Context, bin string, spec jail.Spec, io Stdio) (*Handle, *Created, error) {
	return nil, nil, errTODO
}

// Go lets the jail's command start. The error is a *StartError when the
// command could not be executed; Wait then reports its exit code.
func (h *Handle) Go(ctx context.Context) error { return errTODO }

// Exec starts a further process in the jail, behind the same filter.
func (h *Handle) Exec(ctx context.Context, spec ExecSpec, io Stdio) (*Proc, error) {
	return nil, errTODO
}

// Signal sends a signal to the jail's command.
func (h *Handle) Signal(ctx context.Context, sig unix.Signal) error { return errTODO }

// Resize sets the terminal's size.
func (h *Handle) Resize(ctx context.Context, rows, cols uint16) error { return errTODO }

// Kill kills everything in the jail.
func (h *Handle) Kill(ctx context.Context) error { return errTODO }

// Wait waits until the jail has ended and everything of it is removed.
func (h *Handle) Wait(ctx context.Context) (Exit, error) { return Exit{}, errTODO }

// Close closes the connection: a jail that still runs is killed.
func (h *Handle) Close() error { return nil }

// Wait waits until the process has ended.
func (p *Proc) Wait(ctx context.Context) (Exit, error) { return Exit{}, errTODO }

// Signal sends a signal to the process.
func (p *Proc) Signal(ctx context.Context, sig unix.Signal) error { return errTODO }

// Resize sets the size of the process' terminal.
func (p *Proc) Resize(ctx context.Context, rows, cols uint16) error { return errTODO }
