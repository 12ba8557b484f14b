// Package verify proves an audit log, offline and without the daemon: it says
// that the log is whole, or where and how it was altered.
//
// What it holds against each other: the number and the chain of every line, the
// names of the segments, the signed checkpoints, the key that is trusted, and
// copies of checkpoints that were kept elsewhere. From these it tells edits,
// deletions, insertions, another order, segments with their names swapped, an
// end that was cut off, a log written anew, and a wrong key apart.
//
// # What it cannot tell
//
// Records after the last checkpoint are chained and not signed: whoever can
// write the file can replace them, or cut them off. Report.Unsigned counts
// them. Whoever has the signing key can sign another log; anchors tell.
//
// # Trust
//
// Every byte that it reads is hostile. Lines and their number of anomalies are
// bounded; the log itself may be of any size and is read once, as a stream.
//
// # Concurrency
//
// Lines are hashed by as many goroutines as there are processors; Log waits for
// all of them before it returns.
//
// # Who may import it
//
// The command line, the supervisor's incidents. It imports audit and
// audit/seal.
//
// # Decisions
//
//   - Lines are not decoded, only their fixed parts are: the hash covers the
//     rest, and decoding everything costs ten times the hash.
//   - The hash of a line does not need the hash of the one before, only its
//     text, so that lines are hashed side by side and compared in order.
package verify
