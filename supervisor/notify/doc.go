// Package notify keeps what people are to be told until it was told: a durable
// queue of messages for each channel, with what became of every attempt.
//
// It sends nothing. The supervisor is root and dials nowhere; clawjail-gateway,
// which has no rights, asks it for what is due, sends that, and says how it
// went. Package notify/send is the gateway's part.
//
// # Trust
//
// A Message's texts are made by the supervisor and escaped already. What a
// sender reports of an attempt is bounded and shown escaped. Whoever is the
// gateway can claim to have sent what it has not; it can make no message.
//
// # Ownership and concurrency
//
// An Outbox owns its file. Its methods may be called from any goroutine; they
// wait for the disk.
//
// # Bounds
//
//	what                          bound        at the bound
//	messages waiting per channel  MaxQueued    a further one is dropped, counted and recorded
//	attempts of a message         by MaxAge    given up, counted and recorded
//	keys remembered               MaxKeys      the oldest is forgotten
//	a message                     MaxText      cut
//
// # Who may import it
//
// The supervisor, the gateway and the API for the types.
//
// # Decisions
//
//   - At least once: a gateway that dies between sending and saying so sends
//     again. Each delivery has an id which stays the same, for receivers that
//     want to tell.
//   - The supervisor keeps the time of the next attempt, not the gateway: it
//     outlives both.
//   - What was said within Window about the same thing is not said again; the
//     keys are on the disk too, or every restart would repeat itself.
//   - bbolt, which the supervisor links already, and not files: a message for
//     several channels is queued for all of them or for none.
package notify
