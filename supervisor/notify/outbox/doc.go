// Package outbox keeps messages until they were told: a durable queue for each
// channel, with what became of every attempt.
//
// # Trust
//
// A message's texts are made by the supervisor and escaped already. What a
// sender reports of an attempt is bounded. Whoever is the gateway can claim to
// have sent what it has not; it can make no message.
//
// # Ownership and concurrency
//
// An Outbox owns its file. Its methods may be called from any goroutine; they
// wait for the disk.
//
// # Bounds
//
//	what                          bound            at the bound
//	messages waiting per channel  MaxQueued        a further one is dropped, counted and recorded
//	attempts of a message         notify.MaxAge    given up, counted and recorded
//	keys remembered               MaxKeys          the oldest is forgotten
//	a message                     notify.MaxText   cut
//
// # Who may import it
//
// The supervisor.
//
// # Decisions
//
//   - At least once: a gateway that dies between sending and saying so sends
//     again. Each delivery has an id which stays the same, for receivers that
//     want to tell.
//   - The supervisor keeps the time of the next attempt, not the gateway: it
//     outlives both.
//   - Quiet hours are asked about when a message is due, and not written down when
//     it is queued: clocks are set, and configurations changed, in between.
//   - A wait that is longer than any delay is one for a clock that was set back,
//     and ends at once.
//   - What was said within Window about the same thing is not said again; the
//     keys are on the disk too, or every restart would repeat itself.
//   - The memory is what counts, and the file follows: on a full disk people are told
//     all the same, once, and what was not written is written with the next change or
//     within a minute. What a supervisor that is killed before that had in memory only
//     is lost, or told again.
//   - bbolt, which the supervisor links already, and not files: a message for
//     several channels is queued for all of them or for none.
package outbox
