package stage

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	insnBytes = unix.SizeofSockFilter
	maxInsns  = 4096 // include/uapi/linux/bpf_common.h:BPF_MAXINSNS
)

// loadFilter puts the calling thread under the filter, for good, and returns
// the listener, which is close-on-exec. A listener is made even for a filter
// that notifies nobody: a later filter cannot be given one by the shim.
//
// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV since 5.19.
func loadFilter(b []byte) (listener int, err error) {
	if len(b) == 0 || len(b)%insnBytes != 0 || len(b) > maxInsns*insnBytes {
		return -1, fmt.Errorf("filter of %d bytes: %w", len(b), unix.EINVAL)
	}
	insns := make([]unix.SockFilter, 0, len(b)/insnBytes)
	for ; len(b) > 0; b = b[insnBytes:] {
		insns = append(insns, unix.SockFilter{
			Code: binary.NativeEndian.Uint16(b), Jt: b[2], Jf: b[3], K: binary.NativeEndian.Uint32(b[4:]),
		})
	}
	prog := unix.SockFprog{Len: uint16(len(insns)), Filter: &insns[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(&prog)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
