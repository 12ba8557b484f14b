// Package seccomp says what a jail may ask of the kernel: an inert,
// serialisable list of rules, a reference evaluator, and the jail's own list.
package seccomp
