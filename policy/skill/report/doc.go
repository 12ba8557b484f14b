// Package report shows the report of an audit: text for a terminal, JSON,
// SARIF 2.1.0 for CI, and a page of HTML that needs nothing else; and it applies
// a baseline, the file in which a team accepts findings with a reason and an
// expiry.
//
// # Trust
//
// A report may come from the process that parsed the skill, which a hostile
// skill may have taken over: Decode bounds it, refuses what it does not know,
// and escapes every string again. The page has no script and a content security
// policy that allows none.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by the CLI.
//
// # Decisions
//
//   - SARIF through github.com/owenrumney/go-sarif: it knows the format's many
//     defaults and carries the schema, against which a test validates. Levels:
//     critical and high are errors, medium a warning, the rest notes.
//   - A baseline entry names a finding by its fingerprint, which does not depend
//     on lines, and must have a reason and an expiry of at most a year. Nothing
//     that rejects a skill can be accepted by one: indicators, signatures and
//     critical threats of high confidence stay.
//   - The verdict is computed again after the baseline was applied, here and not
//     in the parser.
package report
