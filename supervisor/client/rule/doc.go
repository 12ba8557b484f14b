// Package rule writes what an approver said "always" to into a policy file: one
// rule that allows exactly that, put where it is reached first, the rest of the
// file as it was.
//
// Trust: the file is the operator's; the texts of the request are hostile and
// go in as quoted strings, with every pattern and variable in them made
// literal. The caller checks the result as a policy before it replaces the
// file.
//
// Ownership: a Change owns a temporary file beside the policy until Apply or
// Discard.
//
// Concurrency: none; a Change belongs to one goroutine.
//
// May be imported by cmd/clawjail only: it reads YAML (package
// policy/source/edit), which no root process does.
//
// # Decisions
//
//   - Everything that can fail (the disk, permissions, the check) fails in
//     Prepare, before the request is approved; Apply is a comparison and a
//     rename. Two writers within that instant would need a lock that no editor
//     takes.
//   - A rule names no directory, so "always" is wider than the other scopes;
//     Wider says so.
package rule
