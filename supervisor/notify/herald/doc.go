// Package herald is the supervisor's part of telling people: it chooses the
// channels of a message, queues it, hands what is due to the gateway, runs the
// channels that are commands, and records what became of everything.
//
// # Trust
//
// Messages are the supervisor's, their texts escaped. Reports come from the
// gateway and are bounded. Secrets are read from files of root's alone and go to
// whoever calls Due, which must be the gateway.
//
// # Ownership and concurrency
//
// A Herald owns its queue. Its methods may be called from any goroutine. Run
// runs commands until its context ends.
//
// # Who may import it
//
// The supervisor.
//
// # Decisions
//
//   - Commands are run by the supervisor and not by the gateway, whose seccomp
//     filter lets it start nothing: package hook takes the rights away.
//   - A record for what was sent, given up or dropped, and for the first attempt
//     that failed; further attempts are counted only.
//   - What asks for a decision lasts as long as its request does, by the queue's
//     word, and not until a time on a clock that can be set.
//   - Without channels nothing is queued, and nothing is kept.
package herald
