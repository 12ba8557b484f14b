// Package serve answers the calls of approvers over a queue: it turns requests,
// decisions and refusals of package approval into those of package api, and
// streams the changes. Who may call is decided before.
//
// Trust: ids, digests, scopes and reasons come from a client; the queue
// validates them.
//
// Ownership and concurrency: functions over a queue; Watch returns when the
// caller's context ends.
//
// May be imported by the supervisor, and by tests that need its answers.
//
// # Decisions
//
//   - Apart from the supervisor's handlers, so that tests of the commands and
//     of the terminal UI talk to the real answers and not to a copy.
package serve
