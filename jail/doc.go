// Package jail describes a jail: who runs in it, what is mounted, what it may
// use. A Spec is inert data; package jail/shim turns it into a running jail.
//
// # Trust
//
// A Spec is made by supervisor/plan from a validated policy and by nobody
// else. It is checked again by Validate on both sides of the socket to the
// shim, because the shim is root and the cost is a few microseconds. Names,
// argv and the environment in it may come from an attacker; paths in Mounts
// may lie below directories that an earlier agent could write, which is why
// the shim opens every source without following symbolic links.
//
// # Ownership and concurrency
//
// Spec and the types in it are values: copy them, do not share slices that
// you go on changing. Cgroup is a handle with an open directory; its methods
// may be called from several goroutines, Close once.
//
// Everybody may import this package: it links the standard library, x/sys and
// package seccomp only.
//
// # Decisions
//
//   - No OCI runtime-spec here: it has a thousand knobs, and each of them
//     would need a reason to be off. Spec has what clawjail uses.
//   - Paths are UTF-8 (Validate refuses others), argv and env are bytes: file
//     trees are named by a policy, which is text, but a program may be given
//     any argument.
//   - The cgroup is opened as a directory and every file in it is reached by
//     openat, so that a directory that is removed and made again under the
//     same name is never mistaken for the jail.
//   - Weight and quota are raised for a freeze (Haste), rather than the priority
//     of the supervisor: a supervisor that runs before everything else does so
//     at the bidding of jails, and it is the jail's own tasks that have to run.
//     What was there before stands in an attribute of the cgroup's own file: a
//     supervisor that is killed in those milliseconds leaves jails before the
//     host and without a quota, and the shim and the next supervisor undo it.
package jail
