// Package shell judges a shell command before it is run: it parses the text with
// mvdan.cc/sh and looks at every simple command in it, wherever it stands, in a
// pipe, a substitution, a function, behind env, xargs, nohup or find -exec, in
// the text of sh -c and in a here-document for a shell.
//
// The result is an explanation and not a wall. What a shell really does with a
// text is only known when it runs, so the jail's gate judges every program again
// when the kernel executes it. Whatever this package cannot read as what it will
// be, a command whose name is in a variable, is refused with the words to write
// instead.
//
// # Trust
//
// The text comes from an agent and is hostile. Judge is pure and bounded by
// MaxBytes, MaxNesting and MaxFindings; it runs nothing and looks at no file.
// Texts in findings are the agent's: whoever prints them escapes them.
//
// # Ownership and concurrency
//
// Functions over values; nothing is shared.
//
// Imported by cmd/clawjail. It imports policy only.
//
// # Decisions
//
//   - mvdan.cc/sh, as in policy/skill/code/shell, and not that package: that one
//     reads half-shell from documents and joins what it finds into a data flow,
//     this one must know exactly which bytes to underline, and refuses what does
//     not parse.
//   - The tree is walked by the parser's own Walk, which visits every node: a
//     list of the places where a command can stand would miss one.
//   - Variables count as known only when a top-level statement assigned them a
//     literal once; anything cleverer would believe what a branch may not do.
//   - The dangerous things are a table of words with their reason, so that a
//     refusal says why and what to do instead, and not a list of expressions.
//   - The allowlist is the policy of the jail that will run the command, asked
//     through Options.Program: what is explained and what is enforced are one
//     list.
package shell
