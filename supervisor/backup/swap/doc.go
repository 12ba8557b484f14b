// Package swap puts directories in the place of others, all of them or none, over
// a loss of power.
//
// # How
//
// The new trees are staged beside the old ones, each with a mark in it, and a journal
// names them: from here on the swap happens. Each pair is exchanged in one step
// (renameat2 with RENAME_EXCHANGE), what was there is moved aside, marks and journal
// are removed. Whoever starts next calls Finish, which goes on where it stopped: the
// mark says which trees are in place.
//
// # Trust
//
// The journal is root's, beside directories that are root's.
//
// # Ownership and concurrency
//
// Functions. Do holds a lock on the journal, so that Finish is refused while it
// runs.
//
// # Who may import it
//
// supervisor/backup, and cmd/clawjaild, which finishes a swap before it reads
// anything. It links nothing but the standard library and system calls.
//
// # Decisions
//
//   - Forward, never back, once the journal is there: what it names is whole and
//     proven, and the other way would need as many steps.
//   - A mark in the tree and not its inode's number: file systems exist that give
//     another one after a restart.
package swap
