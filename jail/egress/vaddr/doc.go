// Package vaddr gives each name that a jail asks for an address of its own, so
// that a connection says which name was meant, whatever it speaks.
//
// Trust: names come from the jail, canonical and allowed already.
//
// Concurrency: a Table may be used by several goroutines.
//
// Imported by: packages of jail/egress.
//
// # Decisions
//
//   - An address is a hash of jail and name, moved on when taken. It is the
//     same after a restart of clawjail-egress, when clients still hold the
//     address, except after a collision.
//   - Nothing is ever taken back during a jail's life: an address that
//     changed its name would lead old connections elsewhere. A full table
//     refuses new names.
package vaddr
