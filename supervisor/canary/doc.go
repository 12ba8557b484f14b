// Package canary watches files that nothing has a reason to open, and says who
// opens one, while that process still waits for it.
//
// # Trust
//
// Paths are the configuration's. Who opens a file is the kernel's word; its
// cgroup is looked up while it waits, so that no short life escapes.
//
// # Ownership and concurrency
//
// A Watch owns its descriptor; Run answers until Close.
//
// # Who may import it
//
// The supervisor.
//
// # Decisions
//
//   - fanotify with permission events (FAN_OPEN_PERM, marks on inodes), not the
//     probes: they report opens for writing and those that failed, and a canary is
//     read, through whatever mount shows it.
//   - Everybody but jails is let through at once. When this process dies the
//     kernel lets everybody through.
//   - Files are marked again now and then: one that was replaced has another
//     inode. One that is not there is no error: it may come.
package canary
