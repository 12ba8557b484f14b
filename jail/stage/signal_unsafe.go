package stage

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct of rt_sigaction(2) on this architecture
// (include/linux/signal_types.h:sigaction).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

const (
	sigDefault = 0
	sigIgnore  = 1
	sigLast    = 64 // _NSIG
)

// forgetIgnored gives every signal that is ignored its usual effect. An execve
// keeps what is ignored, and so a supervisor that was started by nohup would
// have its agents deaf to SIGHUP, which many shells then refuse to trap.
// Signals with a handler lose it by the execve itself.
func forgetIgnored() error {
	for sig := uintptr(1); sig <= sigLast; sig++ {
		if sig == uintptr(unix.SIGKILL) || sig == uintptr(unix.SIGSTOP) {
			continue
		}
		var now sigaction
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), unsafe.Sizeof(now.mask), 0, 0); errno != 0 {
			return errno
		}
		if now.handler != sigIgnore {
			continue
		}
		usual := sigaction{handler: sigDefault}
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&usual)), 0, unsafe.Sizeof(usual.mask), 0, 0); errno != 0 {
			return errno
		}
	}
	return nil
}
