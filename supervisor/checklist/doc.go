// Package checklist goes through what a deployment needs before people trust it:
// it turns facts about a host into items that are in order, need attention, have
// failed or are not known. What has to be done again and again it takes from the
// ledger below it.
//
// # Trust
//
// Facts are gathered by the command line as root and by a jail of its own
// (package probe). Whoever gathers says what was tried and failed; a fact that nobody
// could get is not in order.
//
// # Ownership and concurrency
//
// Facts and Report are values.
//
// # Who may import it
//
// The command line judges and shows, the console shows. Of clawjail it imports audit/escape and what
// is below it.
//
// # Decisions
//
//   - Judge sees facts and no files, so that a test takes the facts of a good
//     host and changes the one that it is about.
//   - The ledger is a file and not a search of the log: the log forgets after its
//     retention, and a test made a quarter ago is still good. Each entry is a
//     record in the log as well, which is what an auditor believes.
//   - The console shows the report of the last run, which root gave to the
//     supervisor, and judges only by when what recurs is due. A console that could
//     have things tried would have root do it on behalf of a network.
//   - The items on what a jail holds come from a jail (probe): a configuration
//     that reads well proves nothing about a kernel.
//   - Attention does not fail the checklist. It is for what an operator may have
//     decided; what nobody should run with, fails.
package checklist
