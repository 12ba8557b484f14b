// Package probe tries, inside a jail, what a jail must not permit.
//
// Trust: it runs in the jail as an agent would, and its answer is as good as
// the jail: `clawjail checklist` starts it there with the program of its own.
// Outside of a jail it does no harm either: it writes nothing that it could
// write, and sends a single packet to an address that nobody has (RFC 5737).
//
// Ownership and concurrency: Doors is called once.
//
// May be imported by package checklist and by the command line. It imports
// nothing of clawjail.
//
// # Decisions
//
//   - It is a part of the command line's program and not one of its own: that one
//     is there wherever the checklist is, and static.
//   - What the kernel answers to wrong arguments with anything but a refusal is an
//     open door: the call was reached.
//   - A connection that nobody answers is open as well. A jail refuses at once.
package probe
