// Package seal signs where an audit log stands, so that what was cut off,
// rewritten or removed since can be told from what was there.
//
// A hash chain alone proves that a log is of one piece; whoever can write the
// file can still cut off its end, or write everything anew. A checkpoint says,
// signed with ed25519, how many records there were, what the hash of the last
// one was, and when. Checkpoints stand beside the log in one append-only file
// of JSON lines that are chained themselves, and each can be copied to places
// that the host cannot take back: a file on another disk, the system's log.
//
// A retirement is the checkpoint that allows a log to begin late: it says which
// records were removed by retention. A key record hands over to a new key,
// signed by the old one.
//
// # Trust
//
// The checkpoint file and the anchors are read as hostile bytes: Decode takes
// only what Encode writes. The private key belongs to root; a key file that
// others can read is refused. Who has the key can sign anything: that is what
// anchors are for.
//
// # Concurrency
//
// A Sealer's methods may be called from any goroutine; one Sealer exists per
// log, kept so by the log's own lock, which its owner holds.
//
// # Who may import it
//
// The supervisor seals; audit/verify and the command line read.
//
// # Decisions
//
//   - A checkpoint is written only when the records that it covers are on the
//     disk, or the loss of the machine would look like a cut.
//   - Checkpoints do not stand in the log itself: the log would change with
//     every signature and could never be covered whole.
//   - ed25519 of the standard library, PEM files that openssl reads: nothing
//     of our own in a format that has to be trusted for years.
//   - No time-stamping service: root processes do not dial. A webhook can be
//     fed from the anchor file.
package seal
