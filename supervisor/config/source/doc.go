// Package source reads the supervisor's configuration as people write it: YAML,
// by default /etc/clawjail/config.yaml. It reports every problem of a file in
// one pass, each with file, line, column and, where there is one, a hint.
//
// # The file
//
// It is a mapping with "version: 1" and sections; what is left out has its
// default. example.yaml beside this file has every setting. The language is
// that of policy/strict, so the manners are those of policies.
//
// # Trust
//
// The file is root's, but its text is parsed without privileges: by the
// operator's `clawjail config`, and for the supervisor by a child that is
// nobody. Parse is pure but for Groups, bounded and fuzzed.
//
// Ownership and concurrency: everything is a function of its arguments; Load
// reads a file as well.
//
// May be imported by the command line, and never by the supervisor.
//
// # Decisions
//
//   - One table of settings, for reading and for showing, so that explain
//     cannot forget one. What it prints is a file that Parse reads back as the
//     same configuration, which a test holds.
//   - Values are checked by config.Validate alone; this package says where they
//     stand. Ranges come from package config too.
//   - "version: 1" is asked for, so that a file that was cut to nothing is an
//     error and not a host without its settings.
//   - No variables, no environment, no include: what is in force can be read
//     off the file.
//   - Section names are those that later settings fit in: who may use the
//     socket is access, who decides for others is hitl.
package source
