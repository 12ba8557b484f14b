// Package sink copies the audit log to where others look: journald, syslog, and
// through clawjail-gateway receivers of OTLP logs.
//
// The log itself never waits for a sink. It is followed as any reader follows
// it, so that a sink gets what is in it, redacted and with its numbers; each
// sink has a queue of its own, and what does not find room there is counted.
//
// # Trust
//
// Records hold text of jails. journald gets it in fields whose lengths are
// written before them where they could hold a newline, syslog as one escaped
// line. The gateway takes batches and says what became of them; it can lose what
// it takes and change nothing.
//
// # Ownership and concurrency
//
// A Set owns its sinks. Run works until its context ends; the other methods may
// be called from any goroutine.
//
// # Bounds
//
//	what                    bound       at the bound
//	records per sink        MaxQueued   the newest is dropped and counted
//	records in a batch      MaxBatch    the next batch
//	a datagram              maxDatagram the record is left out, its line stays
//
// # Who may import it
//
// The supervisor; the gateway for the form of a batch.
//
// # Decisions
//
//   - Following the file and not hooking into its writer: a slow or broken sink
//     cannot cost the writer anything, not even a channel.
//   - Records are followed from where the log stands at the start; what a sink
//     missed while nobody ran is in the log, and `audit export` has it.
//   - The native protocol of journald over its socket: no library and no
//     libsystemd, it is a datagram with fields.
//   - What was dropped is recorded in the log itself when room is found again,
//     once per stretch.
package sink
