// Package python parses Python 2-flavoured prints to Python 3.14 into package
// ir. It is tolerant: a statement that does not parse is a problem with a
// place, and the rest of the file is still read.
//
// # Trust
//
// The text is hostile. Parse is pure and does no I/O; text, tokens, nesting and
// nodes are bounded (package ir), and every loop consumes a token or ends.
//
// Ownership and concurrency: Parse shares nothing.
//
// May be imported by the packages below policy/skill/code only.
//
// # Decisions
//
//   - An own parser. The grammars for Go that can be had are either bindings of
//     tree-sitter through cgo, which this project does not link, or stop at
//     Python 3.4. What an audit needs is less than a compiler's front end: no
//     symbol tables, no type comments, and wrong programs may pass.
//   - Format strings are lexed as Python 3.12 does, with quotes nested in their
//     expressions: older programs cannot tell the difference.
//   - After an error all further tokens of the statement read as the end of the
//     file, so that every level of the descent unwinds by itself; there is no
//     panic and no error value to hand through forty functions.
package python
