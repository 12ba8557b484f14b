// Package redact takes secrets out of audit records before they are written.
//
// A value is a secret because of its name (password, token, key, secret, … and
// what the operator adds), as an argument, in an assignment, a header, a URL or
// JSON, or because of its own form, as the keys of known services have one. It
// is replaced by "[redacted:FINGERPRINT]": equal values have equal fingerprints
// on one host, so that a responder can follow a secret through the log without
// reading it, and nobody without the host's key can try guesses against it.
//
// # What it cannot do
//
// It knows names and forms. A secret that is called "x" and looks like a word
// stays. The records of an approval show the digest of what the approver saw,
// which is not redacted: somebody who has the log and guesses the whole command
// line can confirm the guess.
//
// # Trust
//
// The texts are hostile. The scanner is linear in their length, does not
// allocate when there is nothing to do, and never writes into what it is given:
// a record's slices are copied before they are changed.
//
// # Concurrency
//
// A Redactor is not changed after New and may be used by any goroutine.
//
// # Who may import it
//
// The supervisor, and what shows or exports text of jails. It imports audit.
//
// # Decisions
//
//   - HMAC-SHA-256 with a key of the host, cut to 48 bits: enough to correlate,
//     useless to confirm a guess without the key.
//   - Names are compared by the words in them, not by patterns: "max_tokens" is
//     about tokens in the plural and a number, "keyboard" is no key.
//   - gitleaks and its kin were considered: hundreds of expressions over every
//     record, for secrets in source trees rather than in command lines.
package redact
