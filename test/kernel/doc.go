// Package kernel helps tests that need root and the real kernel.
//
// Trust: none of its input is foreign. It changes nothing that outlives the
// test: what it makes hangs on descriptors that the test closes.
//
// Concurrency: each function belongs to the test that calls it.
//
// May be imported by tests only.
//
// # Decisions
//
//   - A small disk is a tmpfs that is attached nowhere and reached through its
//     descriptor: no mount namespace, no mount point, nothing to unmount.
package kernel
