package gateway

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Account is who the gateway runs as.
type Account struct{ UID, GID int }

// DefaultUser is the account that the supervisor's default configuration lets
// read counters.
const DefaultUser = "64902:64902"

// ParseAccount reads a user's name, or "uid" or "uid:gid". Root is refused.
func ParseAccount(s string) (Account, error) {
	uid, gid, both := strings.Cut(s, ":")
	if !both {
		gid = uid
	}
	a := Account{}
	var err1, err2 error
	a.UID, err1 = strconv.Atoi(uid)
	a.GID, err2 = strconv.Atoi(gid)
	if err1 != nil && !both {
		u, err := user.Lookup(s)
		if err != nil {
			return a, fmt.Errorf("user %q: %w", s, err)
		}
		a.UID, err1 = strconv.Atoi(u.Uid)
		a.GID, err2 = strconv.Atoi(u.Gid)
	}
	const maxID = 1<<32 - 2 // 1<<32-1 is "unchanged" to setresuid
	switch {
	case err1 != nil || err2 != nil || a.UID < 0 || a.GID < 0 || a.UID > maxID || a.GID > maxID:
		return a, fmt.Errorf("user %q: write a name, uid or uid:gid", s)
	case a.UID == 0 || a.GID == 0:
		return a, fmt.Errorf("user %q is root; the gateway runs as a user of its own", s)
	}
	return a, nil
}

// Confined reports whether this process has given up what it must: it is not
// root, cannot gain privileges and has no capabilities.
func Confined() (bool, error) {
	if os.Geteuid() == 0 || os.Getuid() == 0 {
		return false, nil
	}
	nnp, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return false, os.NewSyscallError("prctl", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return false, os.NewSyscallError("capget", err)
	}
	none := sets[0].Effective|sets[0].Permitted|sets[0].Inheritable|sets[1].Effective|sets[1].Permitted|sets[1].Inheritable == 0
	return nnp == 1 && none, nil
}

// Reexec gives everything up and executes this program again with the same
// arguments; it returns only with an error. Root becomes the account, anybody
// else stays who they are.
func Reexec(a Account, argv, env []string) error {
	// What follows belongs to this thread until it executes.
	runtime.LockOSThread()
	if os.Geteuid() == 0 {
		if err := become(a); err != nil {
			return err
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return os.NewSyscallError("capset", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return os.NewSyscallError("execve", unix.Exec("/proc/self/exe", argv, env))
}

// become changes from root to the account. The order is the kernel's: the
// bounding set and the groups need capabilities that the user id takes away.
func become(a Account) error {
	for c := uintptr(0); ; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && c > 0 { // past the last one
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := syscall.Setgroups(nil); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return os.NewSyscallError("setresgid", err)
	}
	if err := syscall.Setresuid(a.UID, a.UID, a.UID); err != nil {
		return os.NewSyscallError("setresuid", err)
	}
	return nil
}

// Harden does what is left to do for a confined process: no core dumps, no
// memory to be read by others of the same user.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return os.NewSyscallError("setrlimit", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	return nil
}
