// Package sniff reads the name that a client asks for out of the first bytes
// of TLS and HTTP/1.
//
// Trust: every byte is a jail's.
//
// Concurrency: pure functions and small values. No I/O.
//
// Imported by: packages of jail/egress; nothing is imported but match.
//
// # Decisions
//
//   - A parser here need not understand what a server would understand; it
//     must never understand something else. What two servers could read in
//     two ways (a second Host, a folded line, a bare line feed, two lengths,
//     two names in one ClientHello, white space before a colon) is refused.
//   - Every parser works on a growing buffer and says how many bytes it needs
//     before it can say more, so that a client that sends one byte at a time
//     does not make it start over at each.
//   - A ClientHello without server_name is refused, and so is TLS 1.1's
//     predecessor with its own hello format (SSL 2.0).
//   - Encrypted ClientHello: the outer name decides, since that is the one
//     that routes. Behind a front that serves several names, the inner name
//     is unknown to us. DNS answers carry no ECH keys, so clients do not
//     use it by themselves.
//   - Requests on one connection are told apart by their lengths, as RFC 9112
//     says. A server that ignores a length (of a GET, say) reads a body as
//     the next request; its other virtual hosts can then be reached.
//   - What a client sends inside TLS (an HTTP/2 :authority, a Host that is
//     not the SNI) is not seen. We do not hold the keys.
package sniff
