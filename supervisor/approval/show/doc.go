// Package show writes a held request for a human: as one line and as a page.
//
// Facts of the kernel come first, what the agent says comes last and is marked
// as its claim. A command line is shell words that a shell would read as
// exactly these arguments; every character that would not be seen, or would
// move others, is an escape in $'…'.
//
// Trust: the texts of a request are hostile. Nothing of them reaches the output
// but visible characters; the only control sequences are the colours that are
// asked for, and new lines.
//
// Ownership and concurrency: pure functions.
//
// May be imported by everybody who shows requests: the CLI, the terminal UI,
// notifications. Imports package approval and audit/escape.
//
// # Decisions
//
//   - Widths of characters come from a few Unicode ranges instead of a library:
//     being one column wrong only makes a line break late.
//   - Lines break anywhere. Breaking at blanks would let a file name with many
//     blanks look like several things.
package show
