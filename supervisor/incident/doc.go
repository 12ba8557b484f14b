// Package incident keeps incidents: what was stopped and why, what was done
// since and by whom, and which jails stay held until somebody with the right
// releases them.
//
// An incident goes through these states:
//
//	state      action    next
//	open       contain   contained
//	open       kill      killed
//	contained  preserve  preserved
//	contained  release   released
//	contained  kill      killed
//	preserved  preserve  preserved
//	preserved  assess    assessed
//	preserved  release   released
//	preserved  kill      killed
//	assessed   preserve  preserved
//	assessed   assess    assessed
//	assessed   release   released
//	assessed   kill      killed
//	released   close     closed
//	killed     restore   restored
//	killed     close     closed
//	restored   restore   restored
//	restored   close     closed
//
// Every step is kept with its time, who took it and what came of it, and is on
// the disk before it is acted upon: an incident, and the hold that it puts on
// jails, survives the supervisor and the machine.
//
// # Trust
//
// Names and reasons come from operators, and what is about a jail's doing from
// records: whoever shows an incident escapes it. The store's directory is
// root's; a file in it that cannot be read is said and holds everything that it
// might hold: see Store.Blocked.
//
// # Concurrency
//
// A Store may be used from any goroutine. One exists per directory, which the
// supervisor's lock on its state sees to.
//
// # Who may import it
//
// The supervisor, and the command line for the types.
//
// # Decisions
//
//   - One JSON file per incident, replaced as a whole, beside its evidence: a
//     responder can read, copy and archive it with nothing but tools that every
//     machine has. There are few incidents, so nothing needs an index.
//   - Containing comes before the record of it: a frozen jail without a record
//     is repaired from the audit log, a record without a frozen jail is not.
//   - A quarter of a MiB is kept on the disk for the records of incidents, and
//     evidence leaves room for what proves it: a hold and its release are durable on
//     a disk that is full. Looked at and left: a disk of its own, which is one more
//     thing to set up.
package incident
