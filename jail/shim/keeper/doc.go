// Package keeper is the process clawjail-shim: it builds one jail, is the
// parent of its processes and keeps what must outlive a supervisor: exit
// statuses, terminals, seccomp listeners, the network namespace's sockets.
//
// # Life
//
// A supervisor starts the process (shim.Start) in a mount namespace of its
// own, with a socket as descriptor 3 (package shim/protocol). The process
// serves exactly one jail and ends with it. It is in the supervisor's cgroups,
// not in the jail's.
//
// When the connection to the supervisor ends, the jail is killed and removed.
// onDisconnect is the one place that decides this.
//
// # Trust
//
// The spec is the supervisor's and is validated again. What the stage says is
// read with the bounds of package jail/stage; nothing else from inside the
// jail is read here. Terminals are passed on unread.
//
// # Concurrency
//
// One goroutine (loop) owns all state. Goroutines that wait for a process, for
// the stage or for the socket post to it. The main goroutine is locked to its
// thread, because the kernel ends the reaper with the thread that made it.
//
// Only cmd/clawjail-shim imports this package.
//
// # Decisions
//
//   - Network namespace, filter and file tree are made at the same time: each
//     takes one to three milliseconds.
//   - The garbage collector runs only near MemoryLimit: a shim that has
//     started a jail allocates next to nothing.
package keeper
