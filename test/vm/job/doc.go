// Package job is what the VM runner and the guest's first process tell each
// other: a list of commands, written as JSON into the directory they share.
//
// Trust: both ends are ours. Ownership: plain values. Concurrency: none.
// Importers: test/vm and test/vm/guest.
//
// # Decisions
//
//   - Results are files (NAME.out, NAME.rc) in the shared directory, not text on
//     the console: a kernel message in the middle of a line cannot spoil them.
package job
