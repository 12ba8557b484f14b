// Package code analyses the code of a skill: shell, Python, JavaScript and
// TypeScript, in files and in the fences of documents. It parses each unit into
// package ir and lets package flow run them together. Its findings are those of
// the families FLOW, EXEC, FS, NET and OBF, SEC-002, and COV-001 for what could
// not be read; its capabilities feed the derived policy.
//
// # Trust
//
// The units are hostile text. Analyze does no I/O and runs nothing; all of its
// work is bounded, and it gives up early when its context ends. It is meant to
// run in a jail all the same.
//
// Ownership and concurrency: Analyze shares nothing and may be called from
// several goroutines.
//
// May be imported by policy/skill/audit.
//
// # Decisions
//
//   - Own parsers for Python and for JavaScript (see python and script), the
//     one of mvdan.cc/sh for shell: nothing that can be had parses Python or
//     TypeScript in Go without cgo and with places in its tree.
//   - Units of a language without a parser are not looked at here; who reads the
//     tree reports them.
package code
