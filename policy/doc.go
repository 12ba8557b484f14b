// Package policy says what a jail may do: files, programs, network, limits,
// environment. It is the meaning of a policy and nothing else: no YAML, no
// JSON, no I/O, no clock.
//
// # Trust
//
// A Policy comes from an operator's file through package source (in the
// unprivileged CLI), or from the control socket through package compiled (in
// the root supervisor), which validates it again. A Request comes from the
// kernel: resolved paths, argv, socket addresses. Its strings were chosen by
// the jail and are compared, never interpreted.
//
// # Evaluation
//
// First matching rule wins and the section's default closes it. Files are the
// exception: the longest listed path that is the request's path or an ancestor
// of it wins, because a list of paths is a tree, and what is not listed is
// denied. Whatever Evaluate does not know is denied: the zero Verdict is Deny.
//
// # Ownership and concurrency
//
// A Policy is a value that nobody changes once it was made. Evaluate may be
// called from any number of goroutines.
//
// Everybody may import this package except the mechanisms (seccomp, bpf, jail
// and what is below them): they do not know policy. It imports the standard
// library only.
//
// # Decisions
//
//   - Globs are our own: `*` never crosses a slash in a program's path, a match
//     takes linear time per star, and the same code decides whether one pattern
//     covers another, which is how unreachable rules are found. path.Match can
//     do only the first and has character classes that nobody reads aloud.
//   - /bin, /sbin and /lib* mean the directories of the same name in /usr, in
//     rules and in requests: on merged systems the kernel only ever reports
//     the latter, and a rule for /bin/su that never fires would fail open.
//   - Network rules are kept in the order in which they are judged (the most
//     specific first within one document, a document's own before its base's),
//     so that Evaluate need not know where they came from.
//   - A verdict on the number of deletions needs state, so Evaluate judges one
//     deletion as a write and leaves counting to the gate.
//   - A category (routine, sensitive, critical) is a word for a verdict and no
//     verdict of its own: nothing that enforces has to know it. It goes with the
//     rule's origin, and so into every request, notice and record.
package policy
