// Package file gives the supervisor what its configuration file says, without
// reading a byte of YAML as root.
//
// Trust: the file is obeyed only if nobody but root can change it. Its text is
// read by a child without any privileges (`clawjail config compile`), which
// gets it as an open file and so sees no other. What the child prints is
// bounded, decoded strictly and validated; what it says about problems is
// escaped.
//
// Ownership: Load returns when the child is gone.
//
// Concurrency: functions; each Load has a child of its own.
//
// May be imported by cmd/clawjaild, cmd/clawjail-gateway and, for Trusted, by the
// command line.
//
// # Decisions
//
//   - The child is nobody and not a user of its own: it exists for some
//     milliseconds, before anything else of clawjail does, and is given one
//     file, an empty environment and no_new_privs.
//   - It is executed through a descriptor, because nobody cannot search the
//     directories above a build tree in root's home.
//   - Directories above the file are checked as well: who can write one can put
//     another file of root's in its place.
package file
