// Package keeper is the process clawjail-shim: it builds one jail, is the
// parent of its processes and keeps what must outlive a supervisor: exit
// statuses, terminals, seccomp listeners, the network namespace's sockets.
//
// # Life
//
// A supervisor starts the process (shim.Start) in a mount namespace of its
// own, with a socket as descriptor 3 (package shim/protocol). The process
// serves exactly one jail and ends with it. It is in cgroups of the supervisor's,
// not in the jail's.
//
// When the connection to the supervisor ends, the jail goes on if a Keep came
// before its command was let go, and is killed and removed otherwise. In the
// first case the shim holds what it was given (descriptors of BPF programs, maps
// and links, whatever the supervisor wants back), and its own: the listeners with
// the calls that wait, the ledgers of those that were received, sockets, terminals
// and exit statuses. It listens at protocol.Socket in its state directory, which
// is open to root alone, and gives all of it to the next supervisor. Until then
// the rule that came with Keep says what happens: nothing, or after a time the
// jail is frozen or killed. A jail that ends meanwhile leaves its status: the shim
// stays until a supervisor has said Bye.
//
//	while there is no supervisor     what it comes to
//	a call that is trapped           waits in the kernel
//	a call that was held             waits; it is in its ledger
//	an execution on its way          judged by its token: the programs stay attached
//	another one                      is trapped, see above
//	output of a detached jail        waits in its pipe when that is full
//	connections, DNS questions       the egress proxy answers them: what the shim
//	                                 keeps has it live on (package jail/egress)
//	the wall clock limit             ends the jail, as ever
//	a request of `clawjail exec`     nobody hears it; what it started goes on, and what
//	                                 was about to run is known to the next supervisor
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
//   - What has to outlive the supervisor is held in descriptors and not pinned in
//     a BPF file system: the last shim's end takes it down, so that there are no
//     pins of a former boot, of another supervisor or of nobody to find and judge.
//   - The socket is made when the supervisor is lost, not before: it costs a start
//     nothing, and there is nobody that it could be for.
//   - Network namespace, filter and file tree are made at the same time: each
//     takes one to three milliseconds.
//   - The garbage collector runs only near MemoryLimit: a shim that has
//     started a jail allocates next to nothing.
package keeper
