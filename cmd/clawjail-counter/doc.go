// Command clawjail-counter counts for the supervisor in a Redis that several hosts
// share. The supervisor starts it as a user without privileges, gives it the
// settings on a socket, and asks it line by line; it ends with the socket.
//
// Trust: it parses what a Redis sends, and so holds nothing but the way to it. The
// supervisor bounds what it answers. It puts itself under a seccomp filter before
// it dials: it asks servers by name or address, reads files, and can neither write
// one, nor serve, start or trace anything.
//
// # Decisions
//
//   - A process of its own and not the gateway: that one serves the network, and
//     what it would be asked while it is busy there decides about money.
package main
