// Package resolve asks the host's resolvers for the addresses of allowed
// names.
//
// Trust: replies come from the network and from whoever runs a zone. Which of
// the addresses may be dialed is for the caller to judge.
//
// Ownership: a Resolver owns its cache and the lookups that run; a lookup goes
// on for its other waiters when one gives up, and ends within lookupTime.
//
// Concurrency: a Resolver may be used by several goroutines.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - Not the standard library's resolver: it reads /etc/hosts and
//     nsswitch.conf, appends search domains, and cannot be given servers for
//     each jail. Here a name means the same everywhere: what the resolvers
//     say about exactly this name.
//   - /etc/hosts is not read. Its entries point inwards nearly always, and an
//     address that policy trusts can be written into the policy.
//   - Resolvers may have any address, loopback as well (systemd-resolved):
//     they are the host's choice, and no jail can reach them.
//   - A resolver that is slow with one family does not hold up the other
//     (RFC 8305 section 3).
package resolve
