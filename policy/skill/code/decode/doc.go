// Package decode takes the wrappings off text that a program may carry: base64,
// base32, base85, hex, gzip, zlib, bzip2, escapes, percent encoding, ROT13. It
// says what the content looks like, so that it can be read again in its own
// language.
//
// # Trust
//
// The input is hostile. Everything is bounded by MaxBytes of output and
// MaxLayers of wrapping; nothing is run, and there is no I/O.
//
// Ownership and concurrency: pure functions.
//
// May be imported by the packages below policy/skill.
//
// # Decisions
//
//   - Guess only looks inward where a decoding gives text or a known magic
//     number. Accepting every decodable string would make code of every hash.
package decode
