// Package source reads policies as people write them: YAML with extends,
// variables and presets. It reports every problem of a file in one pass, each
// with file, line, column and, where there is one, a hint.
//
// # Trust
//
// A policy file comes from the operator, or from whoever the operator took it
// from: it is parsed in the caller's process, by `clawjail` and never by the
// supervisor. Parse is pure and bounded (MaxBytes, MaxProblems, MaxDepth) and
// fuzzed. Choose never picks a file from the workspace, because the agent writes
// there.
//
// # The language
//
// YAML's core, and of that only mappings with plain keys, lists and scalars:
// no anchors, aliases, merge keys, tags, second documents, duplicate keys, and
// no other word for true and false. Numbers are decimal. Sizes and durations
// carry a unit. ${WORKSPACE}, ${HOME}, ${USER} and ${TMPDIR} are replaced in
// paths, programs, arguments and values of env.set; $${ is a literal ${.
//
// Wherever a verdict stands (allow, audit, ask, deny, kill, freeze) a category
// may stand instead: routine is allow, sensitive is audit, critical is ask. Of
// the network's lists too: `critical: ["api.example.org:443"]`. The word is kept
// with the rule and shown with it.
//
// network may be a list instead: of what is allowed. An entry with `needs:` is let
// through only for an approved action of that type.
//
// # How extends merges
//
// `extends` names presets and nothing else: a file cannot pull in another one
// that somebody else may write. The policy's own statements come first, then
// those of its bases in the order listed:
//
//   - files: the policy's list, then what the bases list for other paths. The
//     same path in both: the policy's rule replaces the base's.
//   - exec.rules: the policy's rules, then the bases'; first match wins, so an
//     own rule overrides.
//   - network: the policy's entries, then the bases'. Within one document the
//     most specific comes first: a name before a wildcard, a longer wildcard
//     before a shorter, a port before any port. A deny that covers a base's
//     entry takes it away.
//   - actions: types and limits by what they are about, the policy's win; single
//     values as below.
//   - env.pass: both; env.set: both, the policy's value wins.
//   - single values (exec.default, network.default, network.private, each of
//     limits, delete, approval.timeout, on_violation, on_refusal): the policy's, else the
//     first base's that has one, else the built-in.
//
// # Ownership and concurrency
//
// Everything is a function of its arguments; Load, Open and OpenExpectations read
// files as well. Imported by the CLI and what is below it; never by the
// supervisor.
//
// # Decisions
//
//   - What makes the language strict is in policy/strict, which the
//     supervisor's configuration is read with as well.
//   - A rule that an earlier one shadows is an error only within one document:
//     overriding a base is what extends is for.
//   - network has no order of its own in YAML (three lists), so specificity
//     decides; the strictest-first alternative made an `ask` for a wildcard
//     shadow every name below it.
//   - No include, no environment variables, no globs in paths: what a policy
//     shows can be read off it.
package source
