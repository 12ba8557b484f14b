// Package store keeps the people who may sign in: one file of users, with their
// password hashes, second factors, passkeys and sessions.
//
// Trust: the file belongs to the sign-in process (and root), nobody else may
// read it. Its first line has a digest of the rest: what was damaged or cut is
// refused whole, with the file's name, and never half believed. The digest is
// against accidents; whoever can write the file is whoever it says.
//
// Ownership: a Store owns no descriptor between calls. Concurrency: any number
// of goroutines and processes; changes are made under a file lock, and replace
// the file, so that a reader has all of a change or nothing of it.
//
// Imported by supervisor/gateway/auth and cmd/clawjail.
//
// # Decisions
//
//   - A file and not bbolt: `clawjail user` must work while the sign-in process
//     runs, and bbolt is one process's. With at most MaxUsers people, a change
//     writes some hundred kilobytes.
//   - Sessions are in their user's record. To disable somebody, to take a role
//     or to end a session is then one write that ends them, with no list of
//     revoked tokens that could lag behind: an access token counts only while
//     its session is here.
package store
