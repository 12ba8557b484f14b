package plan

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// Host is the Run.Stat of the host it runs on. The path is opened once without
// effect on what it names (O_PATH), so that kind, owner and real path are
// facts about one and the same file.
func Host(name string) (FileFact, error) {
	// Most paths have no link in them, and then they are their own real path.
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err == nil && path.Clean(name) == name {
		defer unix.Close(fd)
		return factOf(fd, name, name)
	}
	if err == nil {
		unix.Close(fd)
	} else if !errors.Is(err, unix.ELOOP) && !errors.Is(err, unix.ENOSYS) { // openat2: since 5.6
		return FileFact{}, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return hostByLink(name)
}

// hostByLink is Host for a path with a link in it.
func hostByLink(name string) (FileFact, error) {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return FileFact{}, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return FileFact{}, err
	}
	fact, err := factOf(fd, name, real)
	if err != nil {
		return FileFact{}, err
	}
	if link, err := os.Readlink(name); err == nil {
		fact.Link = link
	}
	return fact, nil
}

func factOf(fd int, name, real string) (FileFact, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileFact{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	fact := FileFact{Real: real, UID: st.Uid, Mode: fs.FileMode(st.Mode & 0o777)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fact.Kind = KindDir
	case unix.S_IFREG:
		fact.Kind = KindFile
	}
	return fact, nil
}

// HostLandlockABI asks the kernel for its Landlock version; 0 is none.
// security/landlock/syscalls.c:landlock_create_ruleset, since 5.13.
func HostLandlockABI() int {
	const createRulesetVersion = 1 // include/uapi/linux/landlock.h:LANDLOCK_CREATE_RULESET_VERSION
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, createRulesetVersion)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// HostUserNS reports whether the kernel has user namespaces and has not been
// told to make none. Whether one can be made, only making one tells.
func HostUserNS() bool {
	if _, err := os.Stat("/proc/self/ns/user"); err != nil {
		return false
	}
	most, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	return err == nil && string(most) != "0\n"
}
