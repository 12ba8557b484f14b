// Package notify answers the system calls that a seccomp filter hands to user
// space (seccomp_unotify(2)).
//
// Trust: a Call holds register values, which the kernel copied and nobody can
// change any more. What a register points at belongs to the caller and changes
// whenever it likes; nothing here reads it (package tracee does).
//
// A continued call is executed by the kernel with whatever its pointers lead to
// by then. Continue is therefore never a permission by itself: it is for calls
// whose arguments are all in registers, and for those that a later check in
// the kernel judges again.
//
// Ownership: a Listener owns its descriptor. When the last descriptor of a
// filter's listener is closed anywhere, pending and later calls get ENOSYS:
// the filter fails closed.
//
// Concurrency: Recv is for one goroutine, which should be locked to its thread
// (the kernel can then hand the processor over directly); everything else may
// be called from anywhere. A call is answered once; a second answer is ErrGone.
//
// May be imported by supervisor, the shim (NewLedger) and tests.
//
// # Decisions
//
//   - poll(2) before each receive: the receive itself cannot be interrupted by
//     closing its descriptor, and blocks for good when the caller was killed
//     between the wake-up and the receive on kernels before 6.11.
//   - A ledger in shared memory, which the receive ioctl itself fills in, and not
//     a journal that is written afterwards: a receiver that is killed in between
//     would leave a call that nobody can answer, because it is delivered once.
//     Nothing is written to a disk: callers do not outlive a boot either.
//   - Our own ioctls instead of libseccomp's: that would be cgo in the
//     supervisor for five calls, and libseccomp 2.5 knows neither ADDFD nor
//     the synchronous wake-up.
package notify
