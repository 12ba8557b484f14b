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
//   - Calls that wait for nobody (open, getpid, stat, connect to a closed port of
//     the loopback) are measured by the worker's
//     processor time, the least of 50 batches: then another program's work on the
//     machine does not count as clawjail's, or as the bare one's.
//   - What the supervisor does meanwhile, on another processor if there is one, is
//     printed beside it: records cost it 6 to 9 µs each.
//   - Programs that a loop starts are measured by the clock, and their processor
//     time is printed: the clock on two busy processors says 1.1 to 1.4 of the
//     same thing from one minute to the next.
//   - Where most of a cost is the kernel's, a row says what: "an empty filter and
//     domain" is a seccomp filter that allows everything and a Landlock domain that
//     forbids one thing, and nothing of clawjail. An open and close takes 1.04 of
//     bare under the one and 1.07 under the other on 6.18, 1.13 under both; they
//     are what jails are made of, so 1.05 is missed there by any jail that has
//     them. "An empty program" at the end of system calls is what any program
//     there costs every task of the host.
//   - In the sections but outside the probes are attached while bare runs, too:
//     they stay for a moment after the jail before it.
//   - A missed target is printed and fails only with -strict.
package main
