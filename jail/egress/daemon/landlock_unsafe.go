package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readable confines the process, all its threads, to reading files below some
// directories. No other file can be opened, nothing can be bound, no abstract
// unix socket and no process outside reached with a signal; each as far as the
// kernel's Landlock knows it. Descriptors that are open stay as they are.
func readable(dirs ...string) error {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Errorf("landlock: %w (is it in the lsm= kernel option?)", os.NewSyscallError("landlock_create_ruleset", errno))
	}
	attr := handled(int(abi))
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_create_ruleset", errno)
	}
	defer unix.Close(int(fd))
	for _, dir := range dirs {
		if err := allowReading(int(fd), dir); err != nil {
			return fmt.Errorf("landlock: allow reading %q: %w", dir, err)
		}
	}
	// The process has no cgo, so the runtime can make every thread do it.
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("prctl(PR_SET_NO_NEW_PRIVS)", errno)
	}
	if _, _, errno := syscall.AllThreadsSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return os.NewSyscallError("landlock_restrict_self", errno)
	}
	return nil
}

// handled lists what a Landlock of some ABI can refuse, and we never need.
// include/uapi/linux/landlock.h; Documentation/userspace-api/landlock.rst says
// which ABI brought what.
func handled(abi int) unix.LandlockRulesetAttr {
	const abi1 = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // the lowest thirteen
	attr := unix.LandlockRulesetAttr{Handled_access_fs: abi1}
	for _, later := range []struct {
		abi                int
		fs, net, scopeBits uint64
	}{
		{abi: 2, fs: unix.LANDLOCK_ACCESS_FS_REFER},
		{abi: 3, fs: unix.LANDLOCK_ACCESS_FS_TRUNCATE},
		{abi: 4, net: unix.LANDLOCK_ACCESS_NET_BIND_TCP},
		{abi: 5, fs: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV},
		{abi: 6, scopeBits: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL},
	} {
		if abi >= later.abi {
			attr.Handled_access_fs |= later.fs
			attr.Handled_access_net |= later.net
			attr.Scoped |= later.scopeBits
		}
	}
	return attr
}

func allowReading(ruleset int, dir string) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("open", err)
	}
	defer unix.Close(fd)
	rule := unix.LandlockPathBeneathAttr{
		Allowed_access: unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR,
		Parent_fd:      int32(fd),
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_add_rule", errno)
	}
	return nil
}

// confDirs are the directories in which a resolv.conf is read: its own, and
// that of what it links to.
func confDirs(conf string) []string {
	dirs := []string{filepath.Dir(conf)}
	if real, err := filepath.EvalSymlinks(conf); err == nil && filepath.Dir(real) != dirs[0] {
		dirs = append(dirs, filepath.Dir(real))
	}
	return dirs
}
