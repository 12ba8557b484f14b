// Package counter is the supervisor's way to a store of limits that other hosts
// share: clawjail-counter, a process without privileges, dials it, because the
// supervisor dials nowhere. The two speak lines of JSON over a socket pair.
//
// # Trust
//
// The process is believed about counts and nothing else; what it answers is
// bounded and checked, and what makes no sense is an error, which denies. It is
// given the password of the store on the socket, and nothing more.
//
// # Ownership and concurrency
//
// A Client owns the process, and starts it again when it ended, at most once in
// restartAfter. Every method may be called by any goroutine; calls are answered in
// any order.
//
// May be imported by the supervisor and by cmd/clawjail-counter. It links no
// client of any store.
//
// # Decisions
//
//   - No answer within answerTime is limit.ErrAway, like a store that does not
//     answer: whether this process or the store hangs is the same to a jail.
//   - A Redis library in the supervisor was never an option: it parses what comes
//     from the network, as root.
package counter
