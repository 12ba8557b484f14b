// Package unicode finds characters that show a reader something else than a
// program or a model reads: tag characters, bidirectional controls, invisible
// runs, variation selectors that carry bytes, letters of mixed scripts in one
// name, and controls (CJS-UNI). What was hidden is decoded and handed back, so
// that it can be judged as text.
//
// Trust: hostile text; one pass over it, with bounded findings.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by the audit.
//
// # Decisions
//
//   - Emoji (ZWJ sequences, flags of regions made of tags, keycaps, VS16) and
//     the joiners of Indic, Arabic and Persian scripts are ordinary text and
//     make no finding.
//   - A few stray invisible characters are what copying from a web page leaves:
//     they count only in a run, between letters of a word, or in a name.
package unicode
