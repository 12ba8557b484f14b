// Package notify is what people are told, and what is said about telling them:
// messages, deliveries, reports. It is inert.
//
// The supervisor is root and dials nowhere. It keeps messages in package
// notify/outbox; clawjail-gateway, which has no rights, asks it for what is due,
// sends that with package notify/send, and says how it went.
//
// # Trust
//
// A Message's texts are made by the supervisor and escaped already. What a
// sender reports of an attempt is bounded and shown escaped. Whoever is the
// gateway can claim to have sent what it has not; it can make no message.
//
// # Concurrency
//
// Values.
//
// # Who may import it
//
// The supervisor, the gateway and the API for the types.
//
// # Decisions
//
//   - Who is told stands in package notify/rota, when in the supervisor beside what
//     is held, how in notify/herald and notify/outbox: a held request that was
//     decided takes back what was not sent, and each asks what it needs to know at
//     the moment that it acts.
//   - The secrets of channels travel over the supervisor's socket to the
//     gateway's user and nobody else: the gateway reads no file of root's, and a
//     secret that was replaced is in force with the next message.
package notify
