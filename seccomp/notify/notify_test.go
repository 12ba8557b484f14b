package notify

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The size of an argument is bits 16 to 29 of its ioctl number.
func TestLayoutsHaveTheSizesOfTheirIoctls(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request uintptr
		size    uintptr
	}{
		{"notif", unix.SECCOMP_IOCTL_NOTIF_RECV, notifBytes},
		{"resp", unix.SECCOMP_IOCTL_NOTIF_SEND, respBytes},
		{"addfd", unix.SECCOMP_IOCTL_NOTIF_ADDFD, addfdBytes},
	} {
		if want := tt.request >> 16 & 0x3fff; tt.size != want {
			t.Errorf("%s is %d bytes, the kernel's %d", tt.name, tt.size, want)
		}
	}
}
