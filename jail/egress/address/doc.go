// Package address says which addresses a resolved name may have.
//
// Trust: addresses come from resolvers and, through them, from whoever runs
// the zone of an allowed name; any of them may point inwards.
//
// Concurrency: pure functions.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - An address that carries another one (v4-mapped, NAT64, 6to4) is judged
//     as the inner one. Teredo and v4-compatible addresses are refused.
//   - IPv6 outside 2000::/3 and these is refused: a new special range is then
//     refused before anybody lists it here.
//   - Documentation ranges pass. They lead nowhere, and tests need them.
package address
