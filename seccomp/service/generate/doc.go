// Command generate compiles the filters of package service into the files that
// it embeds. Run it with go generate in seccomp/service; it needs libseccomp.
// Its input is our own code. It runs alone, owns the files that it writes, and
// nobody imports it.
//
// # Decisions
//
//   - No golden bytes: another libseccomp may arrange the same filter otherwise.
//     The test of package service compares what the bytes mean.
package main
