package shim

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim/protocol"
)

// Stdio are the three standard files of a process in the jail. With a
// terminal all three are ignored; otherwise nil means /dev/null. Pipes are
// given to the jail's user, so that it can open /dev/stdout too.
type Stdio struct{ In, Out, Err *os.File }

// Placed is where a jail will be. Nothing is in the cgroup yet, and nobody in
// the network namespace.
type Placed struct {
	// CgroupPath is the cgroup v2 directory, CgroupID its number.
	CgroupPath string
	CgroupID   uint64
	// NetNS is the jail's network namespace.
	NetNS *os.File
	// TCP4 and TCP6 listen in it, UDP4 and UDP6 are bound in it, all at
	// netns.Port. TCP6 and UDP6 are nil on a kernel without IPv6.
	TCP4, TCP6, UDP4, UDP6 *os.File
}

func (p Placed) complete() bool {
	return p.CgroupPath != "" && p.NetNS != nil && p.TCP4 != nil && p.UDP4 != nil
}

// Close closes the files.
func (p Placed) Close() {
	for _, f := range []*os.File{p.NetNS, p.TCP4, p.TCP6, p.UDP4, p.UDP6} {
		if f != nil {
			f.Close()
		}
	}
}

// Created describes a jail that is built and waits for Go. The caller owns
// the files.
type Created struct {
	Placed
	// InitPID is the process that becomes the jail's command, as the host
	// numbers it.
	InitPID int
	// PTY is the terminal's master, nil without Spec.Terminal.
	PTY *os.File
	// Listener receives what the filter traps. The shim holds another copy: when
	// this one closes, what is trapped waits for whoever comes next.
	Listener *os.File
	// Ledger is where the calls that were received from it are written down
	// (package seccomp/notify). The shim holds it, too.
	Ledger *os.File
	// Filter is the compiled seccomp filter that is loaded; it may be cached
	// and passed as Spec.Filter the next time.
	Filter []byte
	// Timings says how long each phase took:
	//
	//	shim       from Start until the shim's main; nothing for a spare one
	//	reaper     start process 1, and what a spare shim does ahead
	//	received   until the shim has the spec
	//	spec       read and check it
	//	claim      make the state directory
	//	place      make the cgroup, wait for the network namespace
	//	netns      make the network namespace (beside reaper)
	//	maps       make the user namespaces that map the owners of mounts
	//	tree       build the file tree
	//	proc       mount and mask /proc
	//	filter     compile the filter (beside maps, tree and proc)
	//	wait       for it
	//	create     libcontainer's checks
	//	container  libcontainer's start: namespaces, cgroups, pivot
	//	stage      container, and from there until the filter is loaded
	//	total      everything, seen from the supervisor
	//
	// The names are for people and may change.
	Timings map[string]time.Duration
}

// Close closes all files.
func (c *Created) Close() {
	c.Placed.Close()
	for _, f := range []*os.File{c.PTY, c.Listener, c.Ledger} {
		if f != nil {
			f.Close()
		}
	}
}

// Exit is how a jail or a process in it ended.
type Exit struct {
	// Code is the exit status, 128+Signal when a signal ended it.
	Code int
	// Signal is the number of the fatal signal, or 0.
	Signal int
	// OOMKilled says that the kernel killed something in the jail for want of
	// memory; not always the command itself.
	OOMKilled bool
	// WallClock says that Limits.Wall ended the jail.
	WallClock bool
	// Lost says that the shim ended the jail because no supervisor came back.
	Lost bool
}

// MaxKept bounds the files that Keep takes.
const MaxKept = protocol.MaxFiles - 8

// Loss is what becomes of a jail whose supervisor has gone.
type Loss struct {
	Then  string // LossHold, LossFreeze or LossKill
	After time.Duration
}

// The choices of Loss.Then.
const (
	LossHold   = protocol.LossHold
	LossFreeze = protocol.LossFreeze
	LossKill   = protocol.LossKill
)

// StartError is a jail that could not be built, or a command that could not be
// started in it. Start returns it for most: the stage looks the command up
// before it waits for Go.
type StartError struct {
	// Op is the step that failed: "create" for the shim's own, or the stage's
	// landlock, seccomp, chdir, lookup, exec.
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

// Unwrap gives the system call's error to errors.Is.
func (e *StartError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// ExecSpec is a further process in a running jail. It runs as the jail's user
// behind the same filter and the same Landlock rules.
type ExecSpec struct {
	Argv, Env []string
	Cwd       string
	Terminal  bool
	// OnListener takes over the process' seccomp listener before the command
	// is executed. It is called by the handle's reader and must not block; nil
	// leaves what is trapped waiting. The second file is its ledger.
	OnListener func(listener, ledger *os.File)
	// Name is what the next supervisor will know the process by; may be empty.
	Name string
}
