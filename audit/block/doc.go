// Package block reads a stream of lines with all processors: it cuts the stream
// into blocks of whole lines, has each looked at by one of several goroutines,
// and gives the results in the order of the stream.
//
// # Trust
//
// The bytes are hostile. Memory is bounded by the number of processors times
// MaxLine; a longer line is an error.
//
// # Concurrency
//
// Scan waits for every goroutine that it started before it returns.
//
// # Who may import it
//
// The readers of the audit log. It imports nothing of clawjail.
//
// # Decisions
//
//   - Blocks of 1 MiB: small enough to stay in the cache, large enough that
//     handing them over costs nothing.
package block
