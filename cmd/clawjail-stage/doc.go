// Command clawjail-stage runs inside a jail, before the agent: it gives up what
// is left to give up and executes the agent. The shim starts it, with two
// descriptors; see package stage for what it does with them, whom it trusts and
// what it leaves to others. It takes no arguments and reads no environment.
//
// The process is its own owner: one goroutine, nothing left behind. Nobody
// imports it.
//
// # Decisions
//
//   - A binary of its own, not a mode of the shim: it is static, without cgo and
//     libcontainer, two megabytes that are shown in every jail and started for
//     every exec.
package main
