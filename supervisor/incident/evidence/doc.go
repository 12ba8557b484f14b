// Package evidence preserves what there is to see of a jail that stands still,
// in one archive that proves itself: a tar compressed with zstd, whose last
// member but one is a manifest with the SHA-256 of every other, and whose last
// is an ed25519 signature over the manifest.
//
// # Trust
//
// The processes that it looks at are hostile and frozen. Everything is read
// through /proc with bounds: no path of a jail is followed outside of its root,
// no text of theirs is interpreted. Values of the environment that look like
// secrets are redacted; memory and copied files are not, because they are the
// evidence.
//
// A source that cannot be read is named in the manifest and costs only itself; so
// is one that has no room on the disk: the room for the manifest is kept free.
//
// # Concurrency
//
// A Writer is used by one goroutine. Verify may be used by any.
//
// # Who may import it
//
// The supervisor writes; the command line verifies, on any machine.
//
// # Decisions
//
//   - The slice of the audit log holds every record of the time, of other jails
//     too: the chain proves only what is contiguous.
//   - The key that signs the audit log signs evidence as well, under another
//     domain: one public key per host to keep elsewhere.
//   - zstd from klauspost/compress, which the audit log uses already.
package evidence
