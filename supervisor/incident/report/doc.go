// Package report writes an incident for people: Markdown, a page of HTML that
// needs nothing else, and JSON, with a timeline of what the jail did and what
// was done about it.
//
// # Trust
//
// Every text may come from a jail. It is escaped for a terminal first and for
// Markdown or HTML then; the page has a content security policy that runs
// nothing and loads nothing.
//
// # Concurrency
//
// Functions without state.
//
// # Who may import it
//
// The command line. It imports audit, its views and package incident.
//
// # Decisions
//
//   - The timeline leaves out what was allowed and is of no interest (reads of
//     the log do that better) and is bounded: a report is read by people.
//   - The picture is SVG inside the page: lanes of time, no script, no library.
package report
