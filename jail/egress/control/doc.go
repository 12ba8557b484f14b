// Package control holds what the supervisor and clawjail-egress say to each
// other: rules and requests one way, answers and events the other way, each a
// bounded JSON message.
//
// Trust: the supervisor believes nothing that it decodes here, since
// clawjail-egress parses bytes of jails and of the internet and may have been
// taken over by them. clawjail-egress believes the supervisor, and checks all
// the same, because a rule that it misreads is a hole.
//
// Concurrency: pure values and functions. No I/O, no goroutines, no logging.
//
// Imported by: jail/egress and its packages.
//
// # Decisions
//
//   - JSON, not a binary layout: messages are few, and a log of them can be
//     read. encoding/json accepts duplicate and wrong-case keys, so a decoded
//     message is encoded again and must come out as the same bytes.
package control
