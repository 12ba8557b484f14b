package main

import (
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
)

// What the process may use of the host, jail or not. RLIMIT_DATA and not
// RLIMIT_AS: the runtime reserves more addresses than it ever uses.
const (
	maxMemory = 2 << 30
	maxCPU    = 60 // seconds
	maxFiles  = 16
)

// confine gives up everything that reading stdin and writing stdout does not
// need. In a jail most of it is gone already, and the jail's filter may refuse
// the rest.
func confine(jailed bool) error {
	for _, l := range []struct {
		what  int
		limit uint64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_NOFILE, maxFiles}, {unix.RLIMIT_CPU, maxCPU}, {unix.RLIMIT_DATA, maxMemory}} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.what, &now); err != nil {
			return os.NewSyscallError("getrlimit", err)
		}
		limit := min(l.limit, now.Max)
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return os.NewSyscallError("setrlimit", err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if jailed {
		return nil // by it
	}
	if err := landlock.V9.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("give up files: %w", err)
	}
	return service.Install(service.Parser)
}
