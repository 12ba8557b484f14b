// Command clawjail-egress answers DNS and relays TCP for all jails.
//
// Trust: only the supervisor starts it, as a user of its own, without
// capabilities, environment or descriptors but its two sockets; it checks that
// and goes under a seccomp filter before it reads a byte of anybody else. It
// needs no configuration: rules come over its socket.
//
// It has wiring only.
//
// # Decisions
//
//   - No flags: whoever could start it with others could not do more than
//     with none.
package main
