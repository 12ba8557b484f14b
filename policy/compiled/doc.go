// Package compiled is the form in which a policy crosses from the CLI to the
// supervisor, and by whose digest it is known: canonical JSON.
//
// # Trust
//
// Decode reads bytes from the control socket in a root process. It has no I/O
// and no goroutines, it accepts at most MaxBytes, it validates everything that
// policy.Validate knows, and it accepts exactly one byte sequence per policy:
// what Encode makes. Duplicate keys, keys in another case or order, unknown
// keys, white space, invalid UTF-8 and trailing data are all the same error,
// because none of them survives being encoded again.
//
// # Ownership and concurrency
//
// Everything is a pure function. Any package above the mechanisms may import
// this one; it imports package policy and the standard library.
//
// # Decisions
//
//   - encoding/json and a comparison with the canonical form, instead of a JSON
//     parser of our own: the standard library is lenient in at least five ways,
//     but no leniency survives the comparison.
//   - Numbers are integers in the smallest unit (bytes, nanoseconds,
//     thousandths of a processor), so that no float is ever formatted.
//   - Verdicts and access are their names, so that the form can be read and a
//     renumbered constant cannot change what an old policy means.
//   - Where a rule was written is part of the form: records quote it. Only the
//     last element of the file's name is, so that the digest does not depend on
//     the directory.
package compiled
