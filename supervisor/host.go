package supervisor

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

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
// ways than a file under /proc tells.
func userNamespaces() bool {
	cmd := exec.Command("/proc/self/exe", "--version")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	return cmd.Run() == nil
}
