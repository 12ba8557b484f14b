// Package journal keeps the open requests and the remembered scopes of package
// approval in a bbolt file, so that they outlive the supervisor.
//
// Trust: the file is the supervisor's own (mode 0600 below its state
// directory); still every entry goes through approval.Decode or DecodeRemembered, and one that does
// not pass is dropped and reported.
//
// Ownership: a Journal owns its file, which no second process can open.
//
// Concurrency: Put and Remove may be called by any goroutine; those that come
// at the same time share one commit.
//
// May be imported by the supervisor only.
//
// # Decisions
//
//   - bbolt rather than a file per request: one fsync for many requests that
//     come together, and a full disk is an error of the commit that changes
//     nothing.
//   - Buckets in the supervisor's state.db, so that later state can be
//     committed in the same transaction.
package journal
