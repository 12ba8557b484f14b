// Package strict reads the values of the YAML files that operators write, and
// reports every problem of a file in one pass, each with file, line, column
// and, where there is one, a hint. What the values mean is the business of the
// packages above: policy/source and supervisor/config/source.
//
// Trust: the text comes from an operator, or from whoever the operator took it
// from, and is read by a process without privileges. Everything is bounded
// (MaxBytes, MaxDepth, MaxProblems).
//
// # The language
//
// YAML's core, and of that only mappings with plain keys, lists and scalars:
// no anchors, aliases, merge keys, tags, second documents, duplicate keys, and
// no other word for true and false. Numbers are decimal. Sizes and durations
// carry a unit.
//
// Ownership and concurrency: a Reader belongs to one goroutine and one
// document; everything else is a function of its arguments.
//
// May be imported by the packages that read such files, and never be part of
// the supervisor.
//
// # Decisions
//
//   - go.yaml.in/yaml/v3 through its Node tree: it keeps line and column of
//     every value, and its type resolution, which takes `yes` for true, is
//     never asked. Decoding into structs was dropped for that reason.
//   - It stands below policy, whose units it reads, so that a size is written
//     the same way in every file.
package strict
