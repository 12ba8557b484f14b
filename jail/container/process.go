package container

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// Process says what to execute in the container. It is always the stage.
type Process struct {
	// Exe is the program, open; the process is executed through its
	// descriptor, so that the program need not be visible in the jail.
	Exe *os.File
	// Env is the stage's environment, not the command's.
	Env []string
	// Stdin, Stdout and Stderr: nil is /dev/null.
	Stdin, Stdout, Stderr *os.File
	// Extra become descriptors 3 and up; Exe follows them.
	Extra []*os.File
	// Console, when set, is a unix socket over which the master of a new
	// terminal is sent; the standard files are then ignored.
	Console *os.File
}

// Running is a process of the container. Wait must be called.
type Running struct{ p *libcontainer.Process }

// StartInit starts the first process: the namespaces and cgroups are made and
// the process waits for ExecInit.
func (c *Container) StartInit(p Process) (*Running, error) { return c.start(p, true) }

// ExecInit lets the first process execute its program.
func (c *Container) ExecInit() error {
	if err := c.c.Exec(); err != nil {
		return fmt.Errorf("execute the stage: %w", err)
	}
	return nil
}

// Exec starts a further process in the running container.
func (c *Container) Exec(p Process) (*Running, error) { return c.start(p, false) }

func (c *Container) start(p Process, first bool) (*Running, error) {
	extra := append(append([]*os.File{}, p.Extra...), p.Exe)
	groups := make([]int, len(c.cfg.User.Groups))
	for i, g := range c.cfg.User.Groups {
		groups[i] = int(g)
	}
	proc := &libcontainer.Process{
		Args:             []string{fmt.Sprintf("/proc/self/fd/%d", 2+len(extra))},
		Env:              p.Env,
		UID:              int(c.cfg.User.UID),
		GID:              int(c.cfg.User.GID),
		AdditionalGroups: groups,
		ExtraFiles:       extra,
		ConsoleSocket:    p.Console,
		Init:             first,
		// Said or not, an error ends the start and is in its error. Without a
		// level, libcontainer's C code reports every step, one write(2) and one
		// JSON document each: two milliseconds.
		LogLevel: strconv.Itoa(int(logrus.ErrorLevel)),
	}
	// A nil *os.File in an interface would not be nil.
	if p.Stdin != nil {
		proc.Stdin = p.Stdin
	}
	if p.Stdout != nil {
		proc.Stdout = p.Stdout
	}
	if p.Stderr != nil {
		proc.Stderr = p.Stderr
	}
	if err := c.c.Start(proc); err != nil {
		return nil, fmt.Errorf("start container process: %w", err)
	}
	return &Running{p: proc}, nil
}

// PID is the process as the host numbers it.
func (r *Running) PID() (int, error) { return r.p.Pid() }

// Wait waits for the process to end and returns how it did.
func (r *Running) Wait() (unix.WaitStatus, error) {
	state, err := r.p.Wait()
	if state == nil {
		return 0, err
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok {
		return 0, fmt.Errorf("wait: unexpected status %T", state.Sys())
	}
	return unix.WaitStatus(status), nil
}

// Signal sends a signal to the process.
func (r *Running) Signal(sig unix.Signal) error { return r.p.Signal(sig) }

// Init is the other half of libcontainer: when the program was started again
// by StartInit or Exec it sets up the process and never returns. It must be
// the first thing main does.
func Init() {
	if len(os.Args) > 1 && os.Args[1] == "init" {
		libcontainer.Init()
	}
}
