// Package secret recognises credentials in text: by the prefixes that their
// issuers give them, by the name of the variable they are assigned to together
// with their entropy, and by their envelope (private keys, connection strings).
// It finds them for rule CJS-SEC-001 and takes them out of everything that the
// audit prints.
//
// Trust: the text is hostile. Regular expressions here run in linear time.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by package rule and everything above it. It imports the
// standard library only.
//
// # Decisions
//
//   - A value that says of itself that it is an example (your_key_here, xxxx,
//     EXAMPLE, <token>) is no finding, but it is still redacted where it has a
//     known prefix: a mistake there costs nothing.
package secret
