// Package launch turns what an operator typed into the request that starts a
// jail: who it runs as, in which workspace, under which policy.
//
// Trust: it runs with the caller's rights; the supervisor checks everything
// again. It reads policies, so it is never linked into the supervisor.
//
// Ownership and concurrency: functions over values; reads the user database
// and the file system.
//
// May be imported by cmd/clawjail.
//
// # Decisions
//
//   - No supplementary groups: a user in "docker" or "disk" is root in all but
//     name, and an agent needs neither.
//   - The invoking user is SUDO_UID and not the owner of the terminal or the
//     login: it is what sudo itself vouches for.
package launch
