// Package script parses JavaScript and TypeScript, modules and scripts, with
// JSX, into package ir. Types are skipped. It is tolerant: a statement that does
// not parse is a problem with a place, and the rest of the file is still read.
//
// # Trust
//
// The text is hostile. Parse is pure and does no I/O; text, nesting, nodes and
// the tokens read (speculation included) are bounded, and every loop consumes a
// token or ends.
//
// Ownership and concurrency: Parse shares nothing.
//
// May be imported by the packages below policy/skill/code only.
//
// # Decisions
//
//   - An own parser. Those that can be had keep their tree to themselves
//     (esbuild, typescript-go), have no places in it (tdewolff/parse), or stop
//     before modules and types (goja); a chain of two of them would lose the
//     places and stop at the first error.
//   - One dialect: TypeScript's syntax is accepted in JavaScript, except where
//     the two disagree (generic calls), where the file's language decides.
//   - What can begin an arrow function is tried as one and else read again as an
//     expression; failed tries are remembered, so that nesting them costs
//     quadratic time at worst, and Tokens are bounded in any case.
package script
