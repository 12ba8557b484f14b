// Package database opens the bbolt files in which the supervisor keeps state: it
// says in words what is wrong with one and what to do, and turns the panics of
// bbolt over damaged pages into errors.
//
// # Trust
//
// The files are the supervisor's own (mode 0600 below its state directory). A disk,
// or somebody with another tool, can have damaged them; what an entry holds is for
// its reader to judge.
//
// # Ownership and concurrency
//
// The caller owns the database that Open gives, which no second process can open.
//
// # Who may import it
//
// Packages of the supervisor that keep state.
//
// # Decisions
//
//   - Every entry is read once at the start. A page that is damaged is met by a
//     person who starts a daemon, and not in the night by one that runs.
//   - Not bbolt's own Check: it looks from a goroutine of its own, where a panic
//     cannot be caught.
package database
