package service

import (
	"encoding/binary"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// load installs the filter on all threads. With TSYNC_ESRCH (since 5.7) a
// thread that cannot follow is an error and not a thread id.
func load(b []byte) error {
	insns := make([]unix.SockFilter, 0, len(b)/unix.SizeofSockFilter)
	for ; len(b) >= unix.SizeofSockFilter; b = b[unix.SizeofSockFilter:] {
		insns = append(insns, unix.SockFilter{
			Code: binary.NativeEndian.Uint16(b), Jt: b[2], Jf: b[3], K: binary.NativeEndian.Uint32(b[4:]),
		})
	}
	if len(insns) == 0 {
		return unix.EINVAL
	}
	prog := unix.SockFprog{Len: uint16(len(insns)), Filter: &insns[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(&prog)
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}
