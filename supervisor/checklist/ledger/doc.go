// Package ledger keeps when what has to be done again and again was last done,
// and by whom.
//
// Trust: it belongs to root, and the supervisor alone writes it. Texts in it are
// an operator's.
//
// Ownership and concurrency: a Ledger may be used by several goroutines.
//
// May be imported by the supervisor and by package checklist. It imports nothing
// of clawjail.
//
// # Decisions
//
//   - Apart from package checklist, whose pages need a template engine that has no
//     business in a program of root's.
package ledger
