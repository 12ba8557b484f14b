// Package console tests the web console in a real browser: Debian's Chromium,
// with a virtual authenticator for passkeys, against the real sign-in and the
// real server, and a supervisor whose answers are as hostile as a jail's texts
// can be.
//
// Trust: the pages and the browser are under test; the supervisor here verifies
// every assertion as the real one does.
//
// Ownership and concurrency: a world belongs to its test.
//
// Nobody imports it.
//
// # Decisions
//
//   - The supervisor here is a queue of package approval behind the real
//     handlers and lists that the tests write: no jail can be made to hold 500
//     requests of every kind within seconds. That the real supervisor answers
//     the same is tested in package supervisor.
package console
