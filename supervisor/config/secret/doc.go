// Package secret reads files with secrets, and refuses those that are none: a
// file that others can read, and a text that others can guess.
//
// Trust: the file is the operator's; what it holds came from a generator, or
// from somebody who was in a hurry. The error never has a part of it.
//
// Ownership and concurrency: functions without state.
//
// Imported by the supervisor, cmd/clawjail-gateway and cmd/clawjail.
//
// # Decisions
//
//   - Refused and not warned of: a console whose tokens can be forged is worse
//     than none.
//   - Measured with arithmetic and a short list: root links no dictionary. What
//     `config init` writes is 48 random bytes and passes by far.
package secret
