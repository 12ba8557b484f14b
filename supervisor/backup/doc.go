// Package backup writes everything that a host of clawjail is made of into one
// encrypted file, and puts it back: the audit log with its checkpoints and keys,
// incidents with their evidence, what is held and remembered, the configuration
// and policies.
//
// # Form
//
// An age file (https://age-encryption.org) of a tar.zst. Its entries are files,
// directories and links below "state/" and "config/"; the last two are
// "manifest.json", with the hash of every file, and
// "manifest.sig", a signature of that by the host's key of the audit log.
//
// # Trust
//
// Whoever has no identity reads nothing. What is decrypted is still treated as
// hostile until the manifest fits: it goes into a directory of its own through
// os.Root, with bounds, and only a whole tree whose log verifies takes the place
// of what is there.
//
// # Ownership and concurrency
//
// Functions. Write may run beside a supervisor, Restore must not.
//
// # Who may import it
//
// The command line; it runs as root and is no daemon.
//
// # Decisions
//
//   - All of it is encrypted and not the keys alone: records and evidence are
//     what an attacker wants most.
//   - filippo.io/age, by passphrase or for recipients: well-kept, and its format
//     is a specification that other programs read.
//   - Databases are copied by the supervisor that has them open; a copy of a file
//     that is being written is worth nothing.
//   - The checkpoints are read before the segments: a log only grows, so what is
//     signed is there.
//   - A swap of directories (package swap) and not a copy over what is there; the
//     tree from before stays beside it. State, keys among it, and configuration are
//     exchanged together: what a loss of power interrupts, the next clawjaild or
//     restore finishes before it reads anything.
//   - The output of jails (logs) is left out: it can be without end and proves
//     nothing.
package backup
