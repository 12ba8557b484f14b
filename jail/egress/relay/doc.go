// Package relay carries the bytes of a decided connection both ways.
//
// Trust: bytes of both ends are hostile; a Gate looks at those of the client
// for as long as its protocol can still change the destination.
//
// Ownership: Run owns both connections from its call on and closes them.
//
// Concurrency: Run blocks; Abort may be called from anywhere, once or often.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - An end of file goes on as a half-close and the other direction runs on.
//     An error is a reset on both sides, so that nobody takes a cut transfer
//     for a whole one. One exception: when the server no longer takes bytes,
//     what it still says (a 413, an alert) is delivered before the reset.
//   - A waiting direction holds no buffer and no pipe; buffers come from a
//     pool when bytes are there. Bulk goes through splice(2), by way of
//     net.TCPConn.ReadFrom, in short stretches: a pipe that waits is two
//     descriptors and a share of the user's pipe budget.
//   - Idle means that neither direction moved. A direction that is merely
//     held back by a slow reader counts as idle too, once it has waited for
//     the whole time.
package relay
