// Package recovery makes the codes that sign somebody in whose authenticator is
// lost, each of them once.
//
// Trust: codes are typed by strangers. Ownership and concurrency: functions
// without state; the caller keeps what Use left.
//
// Imported by supervisor/gateway/auth and cmd/clawjail.
//
// # Decisions
//
//   - 80 random bits each, so a plain digest is enough to keep: nobody tries
//     that many, with or without a slow hash.
package recovery
