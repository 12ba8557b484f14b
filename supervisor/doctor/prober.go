package doctor

import (
	"errors"
	"time"
)

// ErrLoose marks a program that others than root can change.
var ErrLoose = errors.New("others than root can change it")

// Prober is how Run looks at a host. Each function tries one feature, leaves
// nothing behind, and gives an error that says what did not work.
type Prober struct {
	Kernel     func() (Kernel, error)
	UID        func() int                  // effective user id
	Namespaces func() error                // pid, mount, network, ipc, uts and cgroup namespaces in one process
	UserNS     func() error                // a user namespace with a mapping
	Cgroup     func() (Cgroup, error)      // a cgroup of its own in each hierarchy, with limits
	Freeze     func() (Freeze, error)      // a cgroup frozen, thawed and killed with a process in it
	Seccomp    func() (Seccomp, error)     // a filter with a listener in a process of its own
	Libseccomp func() (string, error)      // version that clawjail-shim links
	Landlock   func() (int, error)         // a ruleset that really refuses; its ABI
	BPF        func() (BPF, error)         // each type of program
	IDMap      func() error                // an idmapped mount of the state directory's file system
	Memfd      func() error                // a sealed memfd
	Pidfd      func() error                // open, signal and getfd
	Space      func(string) (Space, error) // of the directory, or of what is there of it
	Clock      func() (Clock, error)
	Binary     func(string) error // the program lies beside this one and nobody but root can change it
}

// Kernel is what uname says.
type Kernel struct {
	Release string // 6.1.0-18-amd64
	Machine string // x86_64
}

// Cgroup is what cgroups can do here.
type Cgroup struct {
	Mode    string   // v2, hybrid or v1
	Missing []string // of memory, cpu and pids
}

// Freeze is how long it took.
type Freeze struct{ Took time.Duration }

// Seccomp is what user notification can do.
type Seccomp struct {
	WaitKillable bool // a held call is not cancelled by signals; since 5.19
	SyncWake     bool // faster answers; since 6.6
}

// BPF is what the probes found.
type BPF struct {
	Tier     string
	Features []Feature
}

// Feature is one thing that the probes need.
type Feature struct {
	Name     string
	Required bool
	Err      error
	Hint     string
}

// Space is what a directory's file system has left.
type Space struct {
	FreeBytes  uint64
	FreeInodes uint64
	NoInodes   bool  // the file system does not count them
	Write      error // nil: a file was made and removed
}

// Clock is what the clocks say.
type Clock struct {
	Real  time.Time     // CLOCK_REALTIME
	Boot  time.Duration // CLOCK_BOOTTIME
	Built time.Time     // when this program was built or installed
	Sync  bool          // the kernel is told by somebody what time it is
}
