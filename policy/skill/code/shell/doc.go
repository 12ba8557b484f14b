// Package shell parses POSIX shell and Bash into package ir, with the parser of
// mvdan.cc/sh. Words keep which of their parts are split and expanded; tricks
// that only hide a word from a reader are named in the word's Text.
//
// # Trust
//
// The text is hostile. The parser below recurses, so Parse refuses text whose
// brackets, pipes, operators or keywords could nest deeper than a stack allows
// before it hands it over. It does no I/O and runs nothing.
//
// Ownership and concurrency: Parse shares nothing.
//
// May be imported by the packages below policy/skill/code only.
//
// # Decisions
//
//   - mvdan.cc/sh is the only full parser of the language in Go. Its own error
//     recovery invents tokens; instead the text is parsed again from the line
//     after an error, MaxProblems times at most, so that a document's half-shell
//     fences are read as far as they are shell.
//   - A conditional list (a && b) becomes an If, because the assignment in
//     [ -n "$X" ] || X=1 must not hide what X held.
package shell
