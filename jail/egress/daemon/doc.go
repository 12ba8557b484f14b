// Package daemon is the process clawjail-egress: it answers the DNS questions
// and relays the TCP connections of all jails.
//
// Trust: control messages are the supervisor's. Everything else (queries,
// connections, replies of resolvers and servers) is hostile. The process runs
// as its own user without capabilities, under a filter, and holds no secret:
// whoever takes it over reaches what the host's network reaches, and can write
// false events, which the supervisor treats as such.
//
// Ownership: a jail owns its sockets, its goroutines and its connections, and
// stop waits for all of them. The ledger owns the event stream.
//
// Concurrency: one goroutine reads control messages, of one supervisor after the
// other, and owns the set of jails; one waits for the next supervisor;
// a jail has one goroutine for each socket and one or two for each connection.
//
// Imported by: cmd/clawjail-egress only. The supervisor's side is jail/egress,
// so that root processes do not link a DNS library.
//
// # Decisions
//
//   - One decision, one function: jail.decide. It is called when name, port
//     and protocol are known, before anything leaves the host, and it may
//     block: a client whose connection is held waits in its first read
//     (jail.hold).
//   - A client that ends its side while it is held has left: a killed process
//     and a half-close look the same, and hardly anything half-closes before
//     it has had an answer.
//   - A connection has its event's place in the queue before it is allowed.
//     When nobody takes events for long, new connections are refused;
//     none is ever unrecorded. Refusals and questions are counted together
//     when they repeat, and may be lost; how many were is an event.
//   - A refused client gets a reset, not a page or an alert: there is no
//     protocol in which a lie would help it. One that somebody decided about is
//     told so where its protocol has words for it, HTTP 403 or a TLS alert: it may
//     have skipped an action that it could ask for, and the reason says which.
//   - The host's own addresses are refused like loopback, even global ones:
//     a connection whose two addresses are equal ends at this host. That is
//     seen after connecting and before any byte is sent.
//   - Landlock besides the filter, by three system calls of our own: the filter
//     cannot tell one file from another, and what every user may read would
//     be there for whoever takes the process over.
//   - A panic on a connection ends that connection: one jail's bytes must not
//     take away the others' network.
//   - Resolvers are read from resolv.conf again when some seconds have passed,
//     since hosts move between networks while jails run.
package daemon
