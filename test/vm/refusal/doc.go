// Package refusal checks that clawjail refuses a kernel that is too old, with
// words: `make vm-matrix` runs it on bullseye's 5.10, and nothing else does (build
// tag oldkernel).
//
// Trust: everything is ours. Ownership: none. Concurrency: one test at a time.
// Nobody imports it.
//
// # Decisions
//
//   - The built binaries, not their packages: what counts is what a person sees
//     and what a script's exit code says.
package refusal
