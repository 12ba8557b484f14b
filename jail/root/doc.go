// Package root builds the file tree of a jail: an empty tmpfs, and in it
// exactly what the spec lists, a small /dev, and the few files in /etc without
// which programs do not start.
//
// # Where it works
//
// In the mount namespace of the calling process, which must be private to it:
// Build covers one directory of the host (Options.Work) with its own tmpfs.
// Every source is opened before that, so that a source may well lie there.
//
// # Trust
//
// Mounts come from a validated spec, but what stands at their sources may have
// been put there by an earlier agent. Sources are therefore opened component
// by component: a symbolic link is followed only if its directory, and every
// directory on the way, belongs to root and can be written by nobody else.
// The bind is made from the open descriptor, so a swap afterwards changes
// nothing. Targets never pass through a symbolic link, and missing mount
// points are made only in file systems that this package made itself.
//
// # What every mount has
//
// nosuid and nodev; read-only unless Write; noexec unless Exec; both for
// everything mounted below a source, too; private propagation. When the tree
// is copied into the mount namespace of a user namespace, the kernel locks
// all of this.
//
// # Ownership and concurrency
//
// Build is called once in a process; Tree.Close closes descriptors, the mounts
// end with the mount namespace. One goroutine.
//
// Only shim/keeper imports this package.
//
// # Decisions
//
//   - Not libcontainer's own mounting: it resolves sources by path, and takes
//     50 to 100 µs a mount for what four system calls do in 15.
//   - /dev has device nodes, not binds of the host's: a mode changed inside
//     would change the host's node.
//   - Owners: with a user namespace, files of the host's root are shown as
//     root's by an id-mapped mount where the file system can do that, and as
//     nobody's where it cannot. That is for show (ssh checks the owner of its
//     configuration), so it is not an error. For a workspace that must be
//     mapped in order to be writable it is one.
//   - A mask over a symbolic link is an error: the link's target would stay
//     visible.
package root
