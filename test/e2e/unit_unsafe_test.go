//go:build e2e

package e2e

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuseCalls has the kernel answer EPERM to system calls, for this process and what it
// becomes: what systemd makes of SystemCallFilter=~.
func refuseCalls(calls []int) error {
	const loadNumber = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS // of the offset 0 in struct seccomp_data
	prog := []unix.SockFilter{{Code: loadNumber}}
	for _, nr := range calls {
		prog = append(prog,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(nr)},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	}
	prog = append(prog, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	p := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(prog)
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}
