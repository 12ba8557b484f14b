// Package manifest reads what a skill says of itself: the front matter of
// SKILL.md in the forms of OpenClaw (metadata.openclaw and the older clawdbot
// and clawdis) and of Claude (allowed-tools, license), and the files that
// ClawHub lays beside it (_meta.json, .clawhub/origin.json).
//
// Trust: hostile text. The front matter is bounded in bytes and nesting before
// the YAML parser sees it. Whatever is wrong becomes a finding, and what can be
// read is used: a skill must not escape the audit by being malformed.
//
// Ownership and concurrency: functions of their arguments.
//
// May be imported by the audit.
//
// # Decisions
//
//   - YAML is read through its Node tree: nothing is resolved, no alias is
//     followed, duplicate keys are seen, and each value has its line.
//   - When a key stands twice, the first value is used and the second is
//     reported, except for `always`, which is true when any of them is.
//   - Front matter that is no YAML is read again line by line for name and
//     description: many honest skills have an unquoted colon in there.
//   - What the prose documents (hosts, programs, variables) is added by package
//     prose, which knows what a reader can see.
package manifest
