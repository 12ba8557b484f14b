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
//
// # Decisions
//
//   - SEQPACKET: the kernel keeps message boundaries, so there is no framing to
//     get wrong, and a message that is too long shows as cut.
//   - Descriptors are duplicated before they are sent, since File.Fd would make
//     the shared open file blocking.
package socket
