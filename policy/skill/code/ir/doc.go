// Package ir is the one small representation that shell, Python, JavaScript and
// TypeScript are parsed into: expressions, statements, functions, classes and
// shell commands, each with its line and column. It keeps what matters for
// where data flows and drops the rest (types, visibility, comments).
//
// # Trust
//
// The values describe hostile programs. Nothing here runs anything. Parsers
// promise trees no deeper than MaxDepth in brackets and blocks; chains of
// binary operators and of calls may be as long as MaxNodes and are to be walked
// in a loop, not by recursion.
//
// Ownership and concurrency: a File belongs to who parsed it and is not changed
// afterwards.
//
// May be imported by the packages below policy/skill/code only. It imports the
// standard library only.
//
// # Decisions
//
//   - One struct for all expressions and one for all statements, told apart by
//     their Op, and not a type a kind: three languages map onto it, and every
//     walker is one switch.
//   - Shell has its own three operations (Command, Pipe, Subst) and shares the
//     rest. Lowering a pipeline to calls would lose who reads whose output.
package ir
