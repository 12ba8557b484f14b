// Package plan turns a policy into what the mechanisms understand: mounts,
// Landlock rules, a filter, limits and an environment for the jail, the
// destinations for egress, addresses for the probes. It is the only place
// where policy and mechanism meet, and `clawjail policy explain` prints what it
// makes, so that what is reviewed is what runs.
//
// # Trust
//
// The policy was validated by package policy/compiled. Everything in Run comes
// from the caller of the supervisor (argv, environment, workspace) or from the
// host (Stat). Below the workspace the host's files may be an earlier agent's
// work: a rule for a path in there never follows a symbolic link.
//
// Mounts are made by root. A caller who is not root could have it show a file
// in a directory that is closed to the caller, or make a directory where the
// caller may not: LowerFor asks the host with the caller's rights.
//
// # Ownership and concurrency
//
// Lower is a pure function of its arguments: it asks the host through Run.Stat
// and nothing else. Host is the Stat of the real host. A Plan is a value.
// Imported by the supervisor and by cmd/clawjail.
//
// # How files become mounts
//
// Every rule becomes a mount at the path with all links resolved, and a link
// in the jail for each link on the way, as the host has it (/bin to usr/bin).
// A path that is already shown in the same way by a rule above it gets no
// mount of its own.
//
//   - read: a read-only bind. Missing: left out, and Notes or Text say so.
//   - write: a bind. Missing: made if `create` (but never a home that the host
//     does not have: there it is a tmpfs), left out if `optional`, else the
//     launch stops with the command that makes it.
//   - private: a tmpfs.
//   - none: a mask, if a rule above shows the path.
//   - A read rule inside a writable tree (.git/hooks) also makes each directory
//     between the two a mount point, because a mount point cannot be renamed:
//     else the agent would move the directory and make a new one. If the path
//     is missing there is nothing to mount; then writes to it are judged
//     `audit`, since a denial could only kill after the fact what every
//     `git init` does.
//   - clawjail's own directories, and where a home keeps credentials, are
//     masked below any listed tree, unless (credentials) listed by name.
//
// # Decisions
//
//   - Landlock allows reading everywhere in the jail's root and names what may
//     be written and executed: the tree has nothing else in it, and a host file
//     reached through a stray descriptor is not below that root. Naming each
//     readable path instead would make `ls /` fail and protect nothing more.
//   - No Landlock in the kernel stops the launch: it is the second lock on
//     everything the mounts say.
//   - Names of programs are bound to what they link to on this host (python3 is
//     python3.11 to the kernel) here and not in the policy, which is of no host.
//   - The environment is built, not filtered: PATH has the caller's directories
//     only as far as the jail shows them.
package plan
