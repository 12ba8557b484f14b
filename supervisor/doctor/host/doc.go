// Package host tries the features that supervisor/doctor asks about on the
// machine it runs on.
//
// What cannot be undone in a process (a seccomp filter, a Landlock domain, a
// namespace) is tried in a child: this program again, which calls Try. What is
// made on the host (a cgroup, a file) has a name of its own and is removed.
//
// # Trust
//
// Runs as root and reads nothing that is not root's or the kernel's, save the
// few bytes that its own children print.
//
// # Ownership and concurrency
//
// Each probe cleans up after itself. They are not meant to run at once, since
// the names of what they make hold only the process's id.
//
// # Who may import it
//
// cmd/clawjaild. It imports package jail for cgroups, so that what is tried is
// the code that will run, and never policy or bpf: BPF is handed in.
//
// # Decisions
//
//   - Children and not threads: a Go thread with another filter or namespace
//     has to be given up, and its goroutine's library calls can end up on
//     another one.
//   - The Landlock and seccomp calls are our own few lines and not the stage's:
//     the stage asks for what a jail needs, here the question is what exists.
package host
