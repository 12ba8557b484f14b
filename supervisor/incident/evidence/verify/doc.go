// Package verify proves a bundle of evidence, on any machine.
//
// # Trust
//
// Every byte of a bundle is hostile until its signature is checked, and sizes
// and counts are bounded meanwhile.
//
// # Concurrency
//
// Bundle is a function without state.
//
// # Who may import it
//
// The command line, never a process that runs as root for others: it reads
// archives.
//
// # Decisions
//
//   - Apart from package evidence, so that the supervisor, which only writes
//     bundles, links nothing that reads one.
package verify
