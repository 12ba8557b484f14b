package supervisor

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFiles is what a supervisor may need at its bounds: a dozen descriptors for
// each of MaxJails jails, and what the proxy needs, which inherits the limit.
const openFiles = 65536

// raiseOpenFiles raises the limit of open files where it is lower. Root may,
// unless CAP_SYS_RESOURCE was taken away: then what there is must do, and the
// proxy refuses to start with less than it needs.
//
// syscall and not x/sys: this one tells the runtime, which else gives children
// the limit that it found (syscall/rlimit.go, since Go 1.19).
func raiseOpenFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if limit.Cur >= openFiles {
		return nil
	}
	limit.Cur, limit.Max = openFiles, max(openFiles, limit.Max)
	return os.NewSyscallError("setrlimit", syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
}

// ProbeHost tries the features of the kernel that a jail's plan depends on.
func ProbeHost() Host {
	return Host{LandlockABI: landlockABI(), UserNS: userNamespaces()}
}

// landlockABI asks the kernel for its Landlock version; 0 is none.
// security/landlock/syscalls.c:landlock_create_ruleset, since 5.13.
func landlockABI() int {
	const createRulesetVersion = 1 // LANDLOCK_CREATE_RULESET_VERSION
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, createRulesetVersion)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// userNamespaces makes one: limits and security modules can forbid it in more
// ways than a file under /proc tells. There is nothing to execute in it, which
// the child finds out last, when it is in the namespace and its ids are mapped.
func userNamespaces() bool {
	cmd := exec.Command("/proc/self/exe/none")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return errors.Is(cmd.Start(), unix.ENOTDIR)
}
