// Package seccomp says what a jail may ask of the kernel: an inert,
// serialisable list of rules, what the rules mean (Evaluate), how they read
// (Text), and the jail's own list (Base).
//
// Trust: rules come from our own plan, over a file or socket; Validate checks
// them again. The package makes no system call and keeps no state; every
// function may be called from anywhere. It imports only the standard library
// and x/sys/unix, knows no policy, and is imported by jail, supervisor/plan and
// its own subpackages:
//
//	compiler   rules to filter bytes, with libseccomp (cgo)
//	vm         interprets filter bytes
//	service    filters of our own daemons
//	notify     the listener of a loaded filter
//	tracee     what a thread held by the listener asks for
//
// Rules describe one architecture, that of the build; only amd64 has a table,
// and another does not compile.
//
// # Decisions
//
//   - An allowlist in which every named system call has a decision; a test
//     refuses a table with an undecided one. Numbers without a name get ENOSYS,
//     as on the kernel before they were invented.
//   - First match decides. libseccomp has no such order; compiler makes it.
//   - One comparison, masked equality. All others can be said with it, and a
//     comparison of 64 bits on an argument that the kernel cuts to 32 has been
//     a way around filters before (CVE-2019-7303, CVE-2019-10063).
//   - EPERM for what is refused, ENOSYS for what programs can do without
//     (clone3, openat2 and io_uring keep their arguments in memory, where a
//     filter cannot look), the protocol's own errno for sockets, EINVAL for
//     prctl options: what programs already handle.
//   - seccomp(2) is allowed: a nested filter can only shrink what is left, its
//     verdicts cannot outrank ours, and a second listener is refused by the
//     kernel with EBUSY. landlock_* is allowed for the same reason.
//   - ptrace is refused whole, not only of others: a tracer sees and rewrites
//     system calls of its tracee after the filter has judged the registers it
//     had then only since 4.8, and debuggers are no part of an agent. strace and
//     gdb do not work in a jail.
//   - memfd_create is allowed, and so is executing a memfd, which no mount
//     option forbids: the kernel's answer is vm.memfd_noexec, per pid
//     namespace, since 6.3. The exec probes see such an exec.
//   - Linux AIO (io_setup) is absent: databases fall back, and it is another
//     way to do file I/O. vmsplice and memfd_secret likewise.
//   - Own identity calls (setuid, setgroups, capset) are allowed: without
//     capabilities they can only give things up, and many programs stop if they
//     fail with an unexpected errno.
//   - sync is allowed although it reaches the whole host; it is a nuisance, and
//     package managers call it.
//   - uretprobe and uprobe are allowed: the kernel runs them only from its own
//     trampoline, and a process that is refused them crashes when the host
//     attaches a probe.
//   - Kernel TLS and other upper-layer protocols (TCP_ULP) are refused: they
//     load modules under a socket. setsockopt costs a filter run for it.
//   - unshare is refused with every flag, CLONE_FILES too: no agent that we ran
//     calls it for anything but namespaces.
package seccomp
