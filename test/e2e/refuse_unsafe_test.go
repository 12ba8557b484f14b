//go:build e2e

package e2e

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// install puts a filter on this thread, and on what it executes. Root needs no
// no_new_privs for it, which would change what is tested.
func install(filter []unix.SockFilter) error {
	runtime.LockOSThread() // and stays so: the thread executes something else
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
