// Package compiler turns seccomp.Rules into the bytes of a seccomp filter with
// libseccomp. It loads nothing: the bytes go to whoever runs under them.
//
// Trust: the rules come from our own plan, but through a file or a socket, so
// they are validated. What libseccomp made is not believed either: Compile
// interprets it and compares it with Rules.Evaluate before it returns.
//
// This is the only package besides jail/container that uses cgo. The shim
// imports it, and the generator of seccomp/service.
//
// # Decisions
//
//   - libseccomp has one action per set of conditions and one default for the
//     whole filter: it cannot say "EPERM for these registers, else allow", and
//     an unconditional rule silently swallows the conditional ones of the same
//     call. So conditional rules are compiled as levels of their own: programs
//     whose default is a marker, and in whose exported code every return of the
//     marker is replaced by a jump to the next level. First match then holds
//     for any list of rules.
//   - The levels are linear with the first calls first (conditional calls are
//     the ones for which the kernel runs the program at all; it remembers the
//     constant answers in a bitmap, kernel/seccomp.c:seccomp_cache_prepare_bitmap,
//     since 5.11). The last level is libseccomp's binary tree: one linear program
//     takes twice as long to load, 0.45 instead of 0.23 ms.
//   - Two stacked filters instead of fused levels: twice the entry cost on each
//     conditional call, and one more object to account for.
//   - seccomp.TSYNC, NNP and listener flags of libseccomp are not used:
//     libseccomp 2.5.4 cannot set WAIT_KILLABLE_RECV.
package compiler
