// Package derive makes the policy that a skill runs under of what the audit saw
// it do: what it declares and does, and what the operator grants besides.
//
//	policy = (declared ∩ observed) + grants
//
// What a skill does without declaring it is denied, and listed with the reason.
// What it declares and does not do is left out. The text is a policy as people
// write them: every line that grants something says because of what, and
// `clawjail policy check` takes it, which Derive itself makes sure of.
//
// # What a capability becomes
//
//	net     host:port in network.allow; no wildcards, no private addresses
//	listen  nothing to grant, the jail's loopback is its own; it is counted
//	exec    a rule with the program's path and digest on this host
//	read    files with access: read; the skill's own are always shown
//	write   files with access: write; relative paths are the workspace's
//	env     env.pass
//
// Everything else is the preset "skill": private home and /tmp, little memory,
// a short time, frozen when it oversteps.
//
// # Trust
//
// A report tells of hostile files: each value is taken apart and has to be of
// the plainest form of its kind, or it is not granted. Texts are escaped before
// they become comments. Grants are the operator's, checked all the same.
//
// Ownership and concurrency: functions over values; programs are looked up
// through Options.Lookup.
//
// May be imported by the commands.
//
// # Decisions
//
//   - Text, and not a policy.Policy: what is approved is what a person read,
//     and its digest is what the approval is bound to.
//   - Tools that only move files about (mkdir, cp, tar…) need no declaration:
//     what they can do is bounded by the files that the jail shows.
//   - Programs by path and SHA-256: an update of the program asks again. Scripts
//     of the skill are part of what was signed and need no digest here.
//   - Secrets are passed as the variables that they are; a broker that would
//     keep their values out of the jail does not exist yet.
//   - Directories that hold credentials are granted by the operator or not at
//     all, declared or not. So are programs that exist to gain privileges.
package derive
