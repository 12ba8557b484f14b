// Package shim is the supervisor's side of a jail: Start runs a clawjail-shim
// process, which builds the jail and is its parent, and Handle talks to it.
// The process itself is package shim/keeper, what they say to each other is
// package shim/protocol.
//
// # Trust
//
// The shim is root's and of the same build. A jail that takes over its shim
// would have left the jail already.
//
// # Ownership
//
// The caller of Start owns the files in Created. A Handle owns the process and
// the connection: closing it kills the jail, and leaving it (Leave) does not when
// Keep was called. Adopt finds the jails that were left, or whose supervisor was
// killed. When the shim itself dies, the
// kernel kills the jail with it, and the handle removes the cgroups and the
// state directory that stay.
//
// # Concurrency
//
// The methods of Handle and Proc may be called by several goroutines. One
// goroutine per handle reads from the shim; Close and Wait wait for it.
//
// The package is free of cgo; the supervisor and tests import it.
//
// # Decisions
//
//   - A process per jail rather than threads of the supervisor: libcontainer
//     and cgo stay out of it, and a jail can outlive it.
//   - No timeout of its own on requests: the context says how long to wait.
//   - A spare shim is one that has not begun; there is no pool, and a shim never
//     serves a second jail. It can do ahead what does not depend on the jail:
//     itself, its mount namespace, the jail's network and pid namespaces.
//     libcontainer's half cannot: it copies the finished tree and the user's ids.
//   - Wait does not wait for the removal of cgroups and directories, which takes
//     3 ms and concerns nobody; Close does.
package shim
