// Package socket sends and receives whole messages, with file descriptors,
// over a unix SEQPACKET socket.
//
// Trust: the other end is not believed: messages and descriptors are counted
// before they are used, and those that nobody asked for are closed.
//
// Ownership: received descriptors belong to the caller. Sent ones stay the
// sender's.
//
// Concurrency: one reader and one writer at a time.
//
// Imported by: packages of jail/egress.
package socket
