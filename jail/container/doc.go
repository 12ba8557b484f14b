// Package container starts processes in jails through libcontainer. It is the
// only package that imports libcontainer, and one of two with cgo.
//
// # What libcontainer does here
//
// It makes the mount, ipc, uts, cgroup and user namespaces, moves the process
// into its cgroups and sets their limits, pivots into the file tree, drops
// every capability, sets the resource limits and the identity, hands out the
// terminal, closes descriptors and executes the stage. It mounts nothing but
// a bind of /dev onto itself: the tree comes ready from package jail/root, and
// the mounts are locked by the kernel when they are copied into the mount
// namespace of the user namespace.
//
// # What it does not do
//
// The network namespace comes from package jail/netns, the pid namespace from
// Reaper. Both belong to the host's user namespace, so that nothing in the
// jail has privileges over them.
//
// # The reaper
//
// Process 1 of the jail is not the command but a few dozen lines of C
// (reaper.c) in a copy of the shim: it mounts the jail's /proc, gives up
// everything it has and then only waits for orphans. So the command
// is an ordinary process: signals have their default effect on it, its status
// is a real wait status, and orphans are reaped. The reaper dies with the
// shim (PR_SET_PDEATHSIG), and the kernel kills the whole pid namespace with
// it: SIGKILL of the shim leaves no process behind.
//
// # Trust
//
// Config comes from package shim/keeper, which has validated the spec. Files
// passed to a process are inherited by code inside the jail.
//
// # Concurrency
//
// A Container is used by one goroutine. StartReaper must be called by a
// goroutine that is locked to a thread that lives as long as the jail, because
// the death signal is tied to the thread.
//
// # Decisions
//
//   - The command as process 1 (as runc does): `kill -TERM $$` would do
//     nothing and `kill -9 $$` neither, ctrl-C on a program without a handler
//     would be ignored, and orphans would stay zombies.
//   - The stage staying as process 1: a Go process of 3 MB in every jail, with
//     the agent's uid, in place of a few pages with no rights at all.
//   - Executing a program as process 1: 2 ms of processor time, most of it the
//     dynamic linker's, against 0.2 for the copy.
//   - User namespace 0 is an unprivileged uid of the host (RootID), not 0: what
//     becomes uid 0 in the jail owns nothing on the host.
//   - A session keyring per jail by libcontainer: keyrings of RootID would
//     count against one user's quota of 200 for all jails. The shim makes one
//     as root (constructor in reaper.c), and everything in the jail has it.
package container
