package daemon

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/service"
)

// harden gives up what the process was started with and does not need, and
// refuses to go on when it has more than it should.
func harden() error {
	if os.Geteuid() == 0 || os.Getuid() == 0 {
		return errors.New("runs as root; only the supervisor starts this program, as its own user")
	}
	if groups, err := os.Getgroups(); err != nil || len(groups) > 0 {
		return fmt.Errorf("supplementary groups %v: want none (%v)", groups, err)
	}
	if err := noCapabilities(); err != nil {
		return err
	}
	if err := enoughFiles(); err != nil {
		return err
	}
	if err := closeInherited(HandoverFD); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return nil
}

// openFiles is what the process may need at its bounds: two descriptors for
// each of maxConns connections, more for tries and pipes, four for each jail.
const openFiles = 16384

// enoughFiles checks the limit that the process inherited; the Go runtime has
// raised the soft one already. Found out at the bound, it would be refused
// connections.
func enoughFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if limit.Cur < openFiles {
		return fmt.Errorf("may open %d files, want %d: raise the supervisor's limit (ulimit -Hn, LimitNOFILE=)", limit.Cur, openFiles)
	}
	return nil
}

// noCapabilities refuses any capability that is in force, can be raised, or
// would be inherited.
func noCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, s := range sets {
		if s.Effective|s.Permitted|s.Inheritable != 0 {
			return errors.New("has capabilities: want none")
		}
	}
	return nil
}

// closeInherited closes descriptors above last that came through exec. Those
// that the Go runtime has opened since are close-on-exec, which tells them
// apart.
func closeInherited(last int) error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= last {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			unix.Close(fd)
		}
	}
	return nil
}

// confine takes away the file system but for resolv.conf, and installs the
// filter, which every thread gets, and with it no_new_privs. It is called
// before the first byte of anybody but the supervisor is read. The filter comes
// last: it does not let landlock's system calls through.
func confine(conf string) error {
	if err := readable(confDirs(conf)...); err != nil {
		return err
	}
	if err := service.Install(service.Egress); err != nil {
		return err
	}
	// Tried, not assumed.
	if f, err := os.Open("/"); !errors.Is(err, unix.EACCES) {
		if err == nil {
			f.Close()
		}
		return fmt.Errorf("landlock is not in force: opening / gave %v", err)
	}
	return nil
}
