// Package dnsgate answers a jail's DNS questions out of a table, without
// asking anybody.
//
// Trust: every byte of a query is a jail's.
//
// Concurrency: Answer keeps no state.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - A name that policy does not allow is NXDOMAIN. Nothing about it leaves
//     the host, so DNS is no way out; the question is an event.
//   - An allowed name always has A and AAAA, whether or not it exists: both
//     lead to egress, which finds out when the client connects. All other
//     types are NODATA, HTTPS and SVCB among them: they could carry hints
//     that go around the table, and keys for Encrypted ClientHello.
//   - ANY gets the A record, one of the answers that RFC 8482 permits.
//   - No SOA comes with negative answers, so that nobody caches them
//     (RFC 2308 section 5): an approval may come a second later.
//   - Answers never exceed 512 bytes and are never cut, so nothing needs TCP;
//     it is served because clients may use it.
package dnsgate
