// Package rule is the table of the audit's rules: identifier, severity, class,
// what it detects, why that matters, a bad and a good example, the fix, and the
// CWE and OWASP agentic identifiers. Findings are made here, so that a report
// and `skill rules` can never disagree.
//
// Trust: the table is ours; message and evidence of a finding may be the
// attacker's text and are escaped, redacted and cut here, in one place.
//
// Ownership and concurrency: All and Find compute their answers from literals;
// everything may be called from any goroutine.
//
// May be imported by everything in policy/skill and by the CLI.
//
// # Decisions
//
//   - New with an identifier that the table lacks makes a critical threat
//     instead of panicking or dropping the finding: the parser child must give
//     an answer, and a wrong identifier must be seen. A test looks every
//     identifier up that the tree's sources name.
//   - Rules have no switch to turn them off. What a team accepts goes into the
//     baseline file, with a reason and an expiry.
package rule
