// Package view shows audit records to people: one record, one line, columns
// for the time, the jail, the gate and the verdict, and then what it was about.
//
// # Trust
//
// Every text of a record is hostile and leaves through audit/escape. The
// package adds no control bytes of its own but colours, and those only when
// asked.
//
// # Ownership and concurrency
//
// Pure functions.
//
// # Who may import it
//
// The command line.
//
// # Decisions
//
//   - Fixed columns instead of text/tabwriter: a log that is followed has no
//     end at which columns could be measured.
//   - What the kernel saw comes first (the resolved path), what the program
//     said of itself after it (its arguments).
package view
