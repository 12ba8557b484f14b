package plan

import (
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Host is the Run.Stat of the host it runs on. The path is opened once without
// effect on what it names (O_PATH), so that kind, owner and real path are
// facts about one and the same file.
func Host(path string) (FileFact, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return FileFact{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileFact{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return FileFact{}, err
	}
	fact := FileFact{Real: real, UID: st.Uid, Mode: fs.FileMode(st.Mode & 0o777)}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		fact.Kind = KindDir
	case unix.S_IFREG:
		fact.Kind = KindFile
	}
	if real != path {
		if link, err := os.Readlink(path); err == nil {
			fact.Link = link
		}
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
