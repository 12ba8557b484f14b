// Command clawjail-shim builds one jail, is its parent and keeps what must
// outlive the supervisor. It is started by the supervisor, never by hand; all
// of it is package jail/shim/keeper.
//
// Trust, ownership, concurrency: as that package says. Nobody imports it.
//
// # Decisions
//
//   - One binary for three processes: the shim, libcontainer's init (argument
//     "init") and process 1 of the jail (chosen by the environment, before the
//     Go runtime starts). libcontainer executes its own binary, and one file
//     is in the page cache once.
package main
