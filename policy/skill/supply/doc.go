// Package supply looks at what a skill installs: hooks that run at install
// time, names of packages that are almost those of popular ones, versions that
// are not pinned, foreign indexes, lock files, and the install entries of the
// front matter (CJS-SUP).
//
// Trust: hostile text, bounded by its caller. JSON is read with encoding/json,
// requirements and TOML by lines: their grammar is lines, and a hostile file
// must not get a parser of its own.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by the audit.
//
// # Decisions
//
//   - The list of popular names is short and embedded. A long one makes more
//     neighbours, and every neighbour of a popular name is some honest package:
//     names of six letters and more, one edit away, are reported.
//   - What very many people install (known.txt, the most downloaded of two
//     registries) needs nobody's look, nor does the tool that the front matter
//     names and that the skill is about. Everything else that a skill has
//     fetched and run is code that nobody audits here, and goes to a person: the
//     companion package is what most attacks are made of.
//   - Hooks are judged by what they run: `husky` and `tsc` are not what an
//     attacker would put there, a download or `node -e` is.
package supply
