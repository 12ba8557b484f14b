// Package hook runs the commands that an operator configured: to tell somebody,
// to rotate a credential. A command has a time, a bound on what is kept of its
// output, a user, and a cgroup of its own in which nothing outlives it.
//
// # Trust
//
// The command line is the configuration's, which is root's. The program must be
// root's alone, as must be every directory above it. What it prints is bounded
// and escaped; what is written to its standard input may name what a jail chose,
// escaped as well, and never becomes an argument or a variable.
//
// # Ownership and concurrency
//
// Run returns when nothing of the command is left. It may be called from any
// goroutine.
//
// # Who may import it
//
// The supervisor.
//
// # Decisions
//
//   - A user without rights unless the configuration names root: most commands
//     only have to reach a web service. With such a user no_new_privs is set.
//   - A cgroup and not a process group: what a command leaves in the background
//     ends with it, whatever session it went into.
//   - Output beyond the bound is read and thrown away: a command that blocks on
//     a full pipe would look like one that hangs.
//   - No shell: an operator who wants one writes it down.
package hook
