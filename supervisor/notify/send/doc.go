// Package send is how clawjail-gateway tells people: it asks the supervisor for
// what is due, sends it, and says how it went.
//
// # Trust
//
// Servers are hostile: answers are bounded in size and time, redirects are not
// followed, and of what a server says only a short escaped line goes into a
// report. Routes hold secrets; no error that is reported has one in it.
//
// # Ownership and concurrency
//
// A Sender's Run works until its context ends, at most workers deliveries at the
// same time.
//
// # Who may import it
//
// cmd/clawjail-gateway.
//
// # Decisions
//
//   - shoutrrr (nicholas-fedor's, MIT, released every few weeks) for chats and
//     everything else that it knows; nikoksr/notify had no release for two years
//     and sends mail with a library that has none since 2021, without asking for
//     TLS. shoutrrr reads answers to their end and knows no context, so that
//     Bounded has to be the process's default transport: NewSender says no
//     otherwise.
//   - wneessen/go-mail (MIT) for mail, not shoutrrr: it takes a context, insists
//     on TLS and needs nothing but golang.org/x.
//   - The signed webhook is one POST with net/http, in the form of
//     standardwebhooks.com, for which receivers have libraries. The library
//     cannot sign the body that it makes.
//   - No proxy from the environment: where messages go stands in the
//     configuration.
package send
