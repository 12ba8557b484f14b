// Command bench measures clawjail against nothing at all, bubblewrap and runc,
// in one run and interleaved, and prints ratios with p50 and p90: `make bench`.
// It runs inside the small internet of package test/e2e/smallnet and needs
// root.
//
// A figure without the protection on is worth nothing: before it measures, it
// asserts from inside the jail that the filter is loaded, and from outside that
// the probes are attached and the listener is held.
//
// The same binary is the load: `bench worker KIND N` does something N times in
// the jail, or outside it, and prints how long that took, so that start-up
// time never mixes with what is measured.
//
// Trust: run by hand. Ownership: see smallnet. Nobody imports it.
//
// # Decisions
//
//   - Ratios, not milliseconds, are compared with targets: machines differ and
//     are noisy, and the variants of a round run one right after the other.
//   - The least of each variant is printed beside the median: on a machine with
//     other things to do it is what the work itself takes. Targets are compared
//     with medians all the same.
//   - A missed target is printed and fails only with -strict.
package main
