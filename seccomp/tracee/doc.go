// Package tracee looks at a thread that waits in a trapped system call: copies
// of what its registers point at, where it stands, and which files its paths
// lead to.
//
// Trust: everything read here is the thread's to choose, and its siblings can
// change it while we read and afterwards. So nothing here is a fact about what
// the kernel will do with the call; it is what was asked, to be shown, judged,
// and then compared in the kernel with what really happens. Files are pinned:
// a Resolved holds the file itself, not a name for it.
//
// A thread id can be given to another process. Whoever uses a Task checks
// after opening it, and after each read, that the call still waits
// (notify.Listener.Valid): as long as it does, the thread is the right one.
//
// Paths are resolved in the thread's own root and never out of it (openat2
// with RESOLVE_IN_ROOT), and magic links are not followed: /proc/self would be
// the reader's own. The few that programs use to execute and open (their own
// descriptors, exe, cwd, root) are taken from the thread by name.
//
// Ownership: a Task and a Resolved own descriptors and have Close.
//
// Concurrency: a Task is used by one goroutine.
//
// May be imported by supervisor and tests.
//
// # Decisions
//
//   - process_vm_readv(2) and not /proc/TID/mem, which takes three calls more
//     for every thread. It names the thread by its id, which somebody else may
//     have by then: whoever acts on what was read asks afterwards whether the call
//     still waits, as for everything else here. And it reads what the thread
//     itself could, so that what the kernel cannot read either is EFAULT here.
//   - Only 64-bit pointers: the filter kills 32-bit and x32 calls.
package tracee
