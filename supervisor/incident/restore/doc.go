// Package restore puts a copy that is known to be good in the place of what a jail
// has written to, and keeps what was there.
//
// Compare says what differs; Replace exchanges the two in one step, so that there is
// never half of either.
//
// Trust: the good copy is the operator's. The other tree, and the directory that it
// is in, may belong to whoever attacks: no name in them is followed through a
// symbolic link, and what is made beside it is closed to others until it is whole.
//
// Ownership and concurrency: functions; two that replace the same tree at once make
// one of them fail.
//
// May be imported by the command line.
//
// # Decisions
//
//   - A whole tree and not single files: which of a tree's files a jail has changed
//     the log says only of jails whose policy watches all of it, and what an attacker
//     left unchanged is as suspect as the rest. What was there is beside it, to take
//     from it what is wanted.
//   - cp of the coreutils makes the copy, as it knows what there is to copy (holes,
//     extended attributes, hard links), and Compare proves it.
//   - The supervisor has no part in it but the record: its unit cannot write to homes.
package restore
