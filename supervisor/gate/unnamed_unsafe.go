package gate

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// unnamed reports whether a socket is of the family AF_UNIX and has no name at
// that end. x/sys/unix gives the same text for no name and for an abstract one
// of a single NUL; their lengths differ (man 7 unix).
func unnamed(call uintptr, fd int) bool {
	var addr unix.RawSockaddrUnix
	size := uint32(unsafe.Sizeof(addr))
	_, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&addr)), uintptr(unsafe.Pointer(&size)))
	return errno == 0 && addr.Family == unix.AF_UNIX && uintptr(size) == unsafe.Sizeof(addr.Family)
}
