// Package store keeps installed skills: copies that nobody changes, by the
// digest of what they are, and records of what was approved.
//
// # Form
//
//	store/HEX/files/…       a skill, HEX is its tree digest (package trust)
//	store/HEX/manifest.json its statement
//	installed/NAME.json     the record of an installed skill
//	staging/…               what is being copied
//
// # Durability
//
// A skill is copied to staging, brought to disk, and renamed to its place; then
// its record is written beside its place, brought to disk and renamed. A crash
// leaves something in staging, which the next installation removes, or a skill
// that no record names, which Collect removes. A record never names a skill
// that is not whole. Check reads a stored skill again and compares it with the
// digest that it is kept under, and is called before every run.
//
// # Trust
//
// What is staged is hostile. It is read once, and what was hashed is what is
// written: no path of the original is ever opened again. Anything but regular
// files and directories refuses the whole. Files of the store lose every mode
// bit but those of reading and, where it was signed, executing. Records are
// root's, and still decoded strictly.
//
// Ownership: a Store holds an open directory and a lock on it while something
// is installed or removed. Concurrency: methods may be called by several
// processes; Lock keeps writers apart, readers see one state or the other.
//
// May be imported by the commands.
//
// # Decisions
//
//   - The key is the tree digest and not the root digest of OMS, which does not
//     cover names: two different skills can have the same one.
//   - One syncfs(2) instead of an fsync for each of a thousand files.
//   - A record is one file with everything that an approval was about, policy
//     text and report included: one rename makes all of it true.
//   - No hard links between versions: a file that one of them shares with
//     another could not be checked alone.
package store
