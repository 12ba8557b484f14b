// Package wire is what the gateway and the sign-in process say to each other:
// JSON over HTTP on a unix socket of their own.
//
// Trust: the sign-in process believes nothing that the gateway says about who
// somebody is; it looks at passwords, codes, passkeys and tokens itself. What
// it does take from the gateway is the client's address, which only slows
// guessing down: a gateway that lies about it still meets the bound for each
// user.
//
// Ownership and concurrency: plain values; a Client may be used by any
// goroutine.
//
// Imported by supervisor/gateway/auth and supervisor/gateway/web.
//
// # Decisions
//
//   - The socket is an abstract one with a random name, and who connects is
//     looked up with SO_PEERCRED: the gateway's unit can write nowhere, so
//     neither has a place for a file.
package wire
