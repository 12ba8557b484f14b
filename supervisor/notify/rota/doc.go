// Package rota says who is asked about what is held and over which channels, who
// stands in for whom, and when a channel is not to be disturbed.
//
// # Trust
//
// The configuration was validated. Who somebody is, is told by the caller.
//
// # Ownership and concurrency
//
// A Rota is constant. Every answer is a function of the moment that is asked
// about.
//
// # Who may import it
//
// The supervisor, and the command line for who is on duty where none runs.
//
// # Decisions
//
//   - Times are read when they are needed and never kept: a clock that is set,
//     a night that is an hour longer and a delegation that begins while something
//     waits need no thought.
//   - A delegate stands in for a person and not for an account: whoever is not
//     in the configuration has none.
//   - Whoever stands in may do what the other may in their groups. The role in
//     the console, or membership in the group of approvers, is their own.
package rota
