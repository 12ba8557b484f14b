// Command tally reads `go test -json` on standard input, shows what a person
// wants to see of it (one line a package, the whole output of what failed) and
// closes with "N passed, N failed".
//
// It exists because a skipped test is a failure where this project must have
// the feature (-noskip), because several runs are added up, and because a run
// in which nothing ran must not look like a success.
//
// Trust: the input is the output of our own tests. Ownership: none.
// Concurrency: one goroutine. Nobody imports it.
//
// # Decisions
//
//   - Only top-level tests are counted: a table of a thousand rows is one test.
//   - gotestsum does the same and more; this is a hundred lines and no
//     dependency.
package main
