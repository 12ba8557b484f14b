// Package export writes audit records in the forms that other systems read:
// JSON lines as the log has them, CSV, and OCSF (Open Cybersecurity Schema
// Framework, version 1.5.0), one JSON event a line.
//
// # Trust
//
// Texts in records come from jails. JSON and CSV quote them; a CSV cell that a
// spreadsheet would take for a formula gets an apostrophe in front.
//
// # Concurrency
//
// A Writer is used by one goroutine.
//
// # Who may import it
//
// The command line.
//
// # Decisions
//
//   - OCSF classes: exec is Process Activity (1007), file and delete File
//     System Activity (1001), connect and egress Network Activity (4001), dns
//     DNS Activity (4003), everything else Application Lifecycle (6002). What
//     has no place there stands in "unmapped", so that nothing is lost.
//   - The hash chain is in "unmapped.prev": an export proves nothing by itself,
//     but can be held against the log.
package export
