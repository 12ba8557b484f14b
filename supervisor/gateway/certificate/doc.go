// Package certificate makes and checks the console's TLS certificate.
//
// Trust: certificate and key are the operator's files. Whoever connects sees
// the certificate; that it is the right one they know by its fingerprint, which
// Make's caller shows, or by an authority that signed it.
//
// Ownership and concurrency: functions without state.
//
// Imported by cmd/clawjail-gateway and cmd/clawjail.
//
// # Decisions
//
//   - TLS 1.3 only: every browser that has passkeys speaks it.
//   - A certificate of our own is its own authority for one name and nothing
//     else, for 397 days: what browsers take at most.
//   - One that has expired does not start; one that is about to says so in the
//     log, on the health page and as a metric.
package certificate
