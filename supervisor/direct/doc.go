// Package direct freezes jails without a supervisor: on their cgroups, for a
// responder whose supervisor does not answer, and resets their connections. It leaves a note for the one that
// comes back, which records it.
//
// # Trust
//
// Only root can do this. Only what is a jail's cgroup is touched: below clawjail
// in the unified hierarchy, named as the supervisor names jails, and of cgroup2.
// A jail's name is read from its UTS namespace, for whoever does not know its id:
// a jail that lies about it can only be frozen for another. Notes are believed
// if they are root's alone, and are bounded.
//
// # Ownership and concurrency
//
// Functions; a note belongs to whoever reads it, who removes it.
//
// # Who may import it
//
// The command line, to freeze; the supervisor, for the notes.
//
// # Decisions
//
//   - There is no direct thaw: what goes on must be recorded first, and needs a
//     supervisor that answers what it asks.
//   - Connections are reset by the kernel (SOCK_DESTROY in the jail's network
//     namespace), not by the egress proxy: it may hang with its supervisor, or go on
//     without one. What a frozen jail had sent would still go out otherwise.
//   - The note is written after the jail stands, or was ordered to: containing
//     comes before the record of it. Where no note can be written that is said.
//   - The supervisor removes a note when its record is in the log.
package direct
