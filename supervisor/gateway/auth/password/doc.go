// Package password hashes passwords with Argon2id.
//
// Trust: passwords and stored hashes may be anything; both are bounded before
// memory is spent on them. Hashes carry their parameters (the PHC form), which
// are bounded too, so that a store that was changed cannot make a check cost
// gigabytes.
//
// Ownership and concurrency: functions without state. Each Hash or Check takes
// 64 MiB for some tens of milliseconds; callers bound how many run at once.
//
// Imported by supervisor/gateway/auth and cmd/clawjail (the first admin is made
// on the command line).
//
// # Decisions
//
//   - 64 MiB, 3 passes, 1 lane: the second recommendation of RFC 9106 with one
//     lane, because checks of several people run side by side.
package password
