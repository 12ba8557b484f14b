// Package message holds what a jail and the supervisor say to each other on the
// jail's action socket: one JSON object a line, an answer for each request.
//
// # Trust
//
// A request comes straight from a jail, into a root process. DecodeRequest is a
// small parser of its own on top of encoding/json's tokens: flat objects only,
// every key once and spelt exactly, whole numbers only, every text bounded and
// UTF-8. It is fuzzed. An answer comes from the supervisor and is believed by
// the client in the jail, which has nobody else to believe.
//
// # Ownership and concurrency
//
// Pure values and functions. No I/O.
//
// Imported by supervisor/action and by clawjail-act, so it links nothing of
// either.
//
// # Decisions
//
//   - Lines of JSON and not HTTP: the root process parses as little of what a
//     jail sends as it can, and a shell script with a socket can speak it.
//   - Amounts are whole minor units with a currency: a fraction, an exponent, a
//     sign or more than can be counted is refused and never rounded.
//   - encoding/json's decoder into a struct takes keys in any case, the last of
//     doubled ones, and silently replaces what is no UTF-8.
package message
