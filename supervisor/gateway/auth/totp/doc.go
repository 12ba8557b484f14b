// Package totp makes and checks the codes of authenticators: RFC 6238 with
// HMAC-SHA1, 30 seconds and six digits, which is what all of them do.
//
// Trust: codes are typed by strangers. A code counts once: Check gives the step
// that it belongs to, and the caller keeps the last one that counted and hands
// it in, so that a code that was seen or replayed does not count again.
//
// Ownership and concurrency: functions without state.
//
// # Decisions
//
//   - Own code: forty lines on the standard library, and the refusal of replays
//     is part of them instead of something to remember around a library.
//   - One step before and after now counts: clocks of telephones differ, and
//     people type slowly. Not more.
package totp
