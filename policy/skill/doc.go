// Package skill holds the values that the audit of a skill is made of: the
// tree that was read, the manifest, the units of code in it, findings,
// capabilities, and the verdict over them. It is inert: no I/O, no parsers.
// The packages below it read (tree, manifest), look (prose, unicode, file,
// supply, code), and put together (audit, report).
//
// # Trust
//
// Everything in a Tree was chosen by whoever published the skill, who may be
// the attacker. A Finding's Evidence and Message are safe to print: rule.New
// escapes them and takes secrets out. Paths in a Place are not escaped until
// they are shown; report does that.
//
// # Severity and class
//
// A finding says what it is about (Class) apart from how bad it would be
// (Severity) and how sure the rule is (Confidence). Only threats, and
// vulnerabilities that are high, weigh in the verdict; a capability that the
// skill declares weighs nothing and feeds the derived policy.
//
// The zero value of each of these is the worst one, so that a field somebody
// forgot rejects a skill instead of approving it.
//
// Ownership and concurrency: values; nobody changes a Tree after it was read.
//
// May be imported by everything in policy/skill and by the CLI. It imports the
// standard library only.
//
// # Decisions
//
//   - One Tree in memory, read once, instead of a file system that every rule
//     opens again: what was judged is what was hashed, and a file that changes
//     while it is read is noticed in one place. The bounds of package tree keep
//     that to tens of megabytes.
//   - A Place is a file with line and column, and not a byte offset: findings
//     come out of archives and decoded text, where offsets mean nothing to the
//     reader.
package skill
