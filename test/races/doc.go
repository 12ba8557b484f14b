// Package races runs the gate against an attacker who owns every process of a
// jail and races it: the built binaries, programs in C that change what a held
// call means while it is judged (testdata/race), and the same small internet
// around them as in test/e2e. The tests have the build tag e2e and need root.
//
// An attack tries to run a program that says so with its first system call, or
// to delete more than it may. A test demands that none of the tries won, that
// the race was run (what is allowed went through, what differs was stopped),
// that jail and supervisor are well afterwards, and that the audit log is whole
// and tells of it.
//
// Trust: the attackers are our own; everything that they reach lives in
// namespaces of the test process. Ownership: each test owns its jails; one
// supervisor serves all but those that kill it. Concurrency: one test at a
// time, an attack wants the processors for itself. Nobody imports it.
//
// # Decisions
//
//   - C, static, without a runtime: a process that shares memory and no thread
//     with another cannot be written in Go, and a try costs half as much.
//   - An attack ends after a number of tries or a time, whatever comes first: a
//     loaded machine makes fewer tries, and the promise is about each of them.
//     CLAWJAIL_RACE_SECONDS makes them longer. With CLAWJAIL_RACE_FULL=1 the
//     number decides: 10,000 of each, 100,000 executions in the storms, minutes
//     of being held; fewer is a failure then. That takes about an hour.
//   - Mounts over a program are made from outside: a process in a jail can make
//     none, which the same attack proves by trying.
package races
