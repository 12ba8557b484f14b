package behalf

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxAgain bounds the retries of a call that signals interrupt. The Go runtime
// sends SIGURG to preempt.
const maxAgain = 1000

// again makes a call until no signal interrupts it.
func again(call func() error) unix.Errno {
	for range maxAgain {
		if errno := errnoOf(call()); errno != unix.EINTR {
			return errno
		}
	}
	return unix.EINTR
}

// errnoOf is the errno in err; an error without one is EIO.
func errnoOf(err error) unix.Errno {
	if err == nil {
		return 0
	}
	var errno unix.Errno
	if errors.As(err, &errno) && errno != 0 {
		return errno
	}
	return unix.EIO
}

// control runs fn with the descriptor of f, which cannot be closed, and its
// number not be given to another file, before fn returns.
func control(f *os.File, fn func(fd int)) error {
	if f == nil {
		return unix.EBADF
	}
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { fn(int(fd)) })
	}
	if err != nil { // it is closed
		return fmt.Errorf("%w: %w", unix.EBADF, err)
	}
	return nil
}

func stat(f *os.File) (unix.Stat_t, error) {
	var st unix.Stat_t
	var err error
	if cerr := control(f, func(fd int) { err = unix.Fstat(fd, &st) }); cerr != nil {
		return st, cerr
	}
	return st, os.NewSyscallError("fstat", err)
}

func duplicate(f *os.File) (*os.File, error) {
	var fd int
	var err error
	if cerr := control(f, func(old int) { fd, err = unix.FcntlInt(uintptr(old), unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// kernelDev is a device number as the kernel has it: major<<20 | minor.
func kernelDev(dev uint64) uint64 { return uint64(unix.Major(dev))<<20 | uint64(unix.Minor(dev)) }

// name is a path to an open file. Threads of one process may use each other's
// descriptors this way whatever their credentials.
// fs/proc/fd.c:proc_fd_permission, kernel/ptrace.c:__ptrace_may_access.
func name(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
