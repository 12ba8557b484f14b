// Package wire is the layout of what clawjail's probes write into their ring
// buffer, and the decoder that turns those bytes into an Event.
//
// Trust: the fixed part of a record is written by our own BPF programs, the
// strings in it (paths, argv) were chosen by the jailed process. Decode treats
// the whole record as hostile: every length is checked against the record and
// against a named limit, unknown classes, flags and trailing bytes are errors.
// Strings may hold any byte except NUL; escape them before they reach a
// terminal, a log or a page.
//
// Ownership: Decode copies; an Event keeps no reference to the record.
// Concurrency: pure functions, no state.
// Importers: bpf, and whoever consumes events (supervisor).
//
// # Decisions
//
//   - One fixed header for all classes: 144 bytes cost less than a second layout
//     to keep true. A test compares it with the BTF of the committed object.
//   - Path components come leaf first, as the probe meets them; turning them round
//     here is free there.
//   - Text is not cleaned: through a symlink "a/.." is not where it started, so a
//     path with PathExact false is what was asked for and no more.
//   - A record that does not add up is an error and never a partial event.
package wire
