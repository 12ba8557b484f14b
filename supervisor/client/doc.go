// Package client talks to the supervisor over its control socket. It is what
// the CLI, the gateway and tests use.
//
// Trust: the socket belongs to root; its answers are believed. Texts in them
// may have begun in a jail and are raw.
//
// Ownership: files that an answer brings belong to the caller.
//
// Concurrency: a Client may be used by several goroutines; each call has a
// connection of its own.
//
// May be imported by cmd/clawjail, the gateway and tests.
//
// # Decisions
//
//   - No http.Transport: each call has a connection of its own, because
//     descriptors belong to a connection, and so to exactly one request.
//   - Streams are pipes of the client's, even where its own would do: a jail that
//     is given a file of the host could truncate it, or open it again.
//   - SIGPIPE is caught and not ignored: what is ignored is inherited.
package client
