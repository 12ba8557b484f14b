package notify

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The layouts of include/uapi/linux/seccomp.h. Their sizes are part of the
// ioctl numbers; a test compares both.

// notif is struct seccomp_notif with its struct seccomp_data.
type notif struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

// resp is struct seccomp_notif_resp.
type resp struct {
	id    uint64
	val   int64
	err   int32
	flags uint32
}

// addfd is struct seccomp_notif_addfd.
type addfd struct {
	id         uint64
	flags      uint32
	srcfd      uint32
	newfd      uint32
	newfdFlags uint32
}

const (
	notifBytes = unsafe.Sizeof(notif{})
	respBytes  = unsafe.Sizeof(resp{})
	addfdBytes = unsafe.Sizeof(addfd{})
)

// recv needs a zeroed n: the kernel refuses anything else.
func recv(fd int, n *notif) error {
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n))
}

func send(fd int, r *resp) error {
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(r))
}

// add returns the caller's new descriptor number in the ioctl's result, which
// nobody needs.
func add(fd int, a *addfd) error {
	return ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(a))
}

func ioctlPointer(fd int, request uintptr, p *uint64) error {
	return ioctl(fd, request, unsafe.Pointer(p))
}

// ioctlValue passes a value, not a pointer: SECCOMP_IOCTL_NOTIF_SET_FLAGS takes
// its flags that way, whatever its number says.
func ioctlValue(fd int, request, value uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, value)
	if errno != 0 {
		return errno
	}
	return nil
}

func ioctl(fd int, request uintptr, p unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(p))
	if errno != 0 {
		return errno
	}
	return nil
}
