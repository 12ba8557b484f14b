// Package doctor says whether this host can run jails, what it lacks, and what
// mends it.
//
// Run asks a Prober, which has one function for each feature; each tries the
// feature and gives back what happened. Run alone judges: it turns facts into
// checks, and knows which of them `clawjail run` cannot do without.
//
// # Trust
//
// Facts come from the kernel and from files of root's. Text in them is shown
// escaped all the same.
//
// # Ownership and concurrency
//
// A Report is a value. Run calls the probes one after the other.
//
// # Who may import it
//
// clawjaild runs it, with the probes of supervisor/doctor/host and those of
// package bpf; clawjail reads and shows reports. It imports nothing of clawjail
// but audit/escape, so that the command line does not link what probes need.
//
// # Decisions
//
//   - A struct of functions and not an interface: a test takes the prober of a
//     good host and replaces the one function that it is about.
//   - Kernel versions are named in words only. What decides is whether the
//     feature works, so a distribution's backport is as good as a new kernel;
//     the one exception is a kernel that is too old as a whole, because there
//     one sentence helps more than ten failures.
package doctor
