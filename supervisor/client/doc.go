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
package client
