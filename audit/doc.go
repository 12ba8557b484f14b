// Package audit keeps the record of what jails did and what was decided: an
// append-only log of JSON lines, each bound to the one before it by a hash.
//
// # Form
//
// A log is a directory of segments. A segment is named for the sequence number
// of its first record, twenty digits and ".jsonl", so that names sort in the
// order of writing. A line is one Record in the one encoding that AppendJSON
// gives, its members in the order of the struct. The member "prev" is last and
// holds the hex SHA-256 of the exact bytes of the line before, without its
// newline; the chain goes on over segments, and the very first record has
// Genesis. Sequence numbers are dense: a number that is missing is a line that
// is missing.
//
// Text from a jail is bytes and need not be UTF-8. A byte that is not part of
// valid UTF-8 is written as the lone surrogate \udc80 … \udcff, as Python's
// "surrogateescape" does, so that nothing is lost and no two texts look alike;
// Decode turns it back. Control, bidirectional and invisible characters are
// written as \u escapes, so that the file is safe to look at.
//
// Pack compresses closed segments (".jsonl.zst"), and Expired and Remove take
// old ones away: audit/seal signs what went, audit/verify proves what is left.
//
// # Durability
//
// Append hands every record to the kernel with one write before it returns: the
// death of the writer loses nothing that Append has accepted. Against the death
// of the machine there are three policies. SyncInterval, the default, flushes
// in the background 100 ms after the first unflushed record, and at once when a
// record is a refusal, a human's decision, a gap or about a jail's life;
// SyncAlways makes Append wait for the flush, which concurrent callers share;
// SyncNever leaves it to the kernel. All three flush at rotation and at Close.
//
// What is lost is said: a torn last line found by Open is moved to a file in
// "recovery" and a gap record takes its place; records refused for want of
// space are counted and the count is the first record written after.
//
// # Trust
//
// The strings of a record come from jails and are hostile. The directory is
// the supervisor's and written by nobody else; its readers still treat every
// line as hostile, because the log is read when something has gone wrong.
//
// # Ownership and concurrency
//
// One Log exists per directory, held by a flock on the directory itself. Its
// methods may be called from any goroutine. Query and Follow take no lock and
// run beside a writer.
//
// # Who may import it
//
// The supervisor writes; the command line reads. It imports nothing of clawjail
// but audit/escape, and is pure Go.
//
// # Decisions
//
//   - The encoder is by hand: encoding/json replaces invalid UTF-8, and costs
//     several times the hash. The decoder accepts exactly what the encoder
//     writes, so a record has one form and can be compared by its bytes.
//   - One write per record and no buffer of our own: a buffer would be faster
//     and would lose its content with the process.
//   - A complete but unreadable line is left where it is and the chain goes
//     over its bytes: only the torn end of the newest segment is ever moved.
//   - Closed segments are compressed with zstd (klauspost/compress, pure Go):
//     gzip of the standard library reads a quarter as fast, and evidence is
//     packed with the same library.
//   - flock on the directory and not a lock file: nothing to be left behind.
//   - A database was considered: it cannot be read with less, nor proved with
//     sha256sum.
package audit
