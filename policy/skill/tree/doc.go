// Package tree reads a skill, once, from a directory or from an archive, into
// memory. It opens everything relative to the directory that it opened first,
// follows no link, opens nothing but regular files and directories, and
// unpacks the archives that it finds inside.
//
// # Trust
//
// Names, modes, links, sizes and contents are hostile, and may change while
// they are read. A file whose identity, size or times differ after reading is
// a finding (CJS-COV-001), because what was judged may not be what is there.
//
// # Bounds
//
// See the Max constants. What is beyond one is left out, and is always a
// finding: CJS-FILE-005 for files and sizes, CJS-FILE-003 for archives. Memory
// is bounded by MaxTotal and MaxUnpacked together.
//
// Ownership and concurrency: functions of their arguments; descriptors are
// closed before they return.
//
// May be imported by the audit and by the CLI's child that parses.
//
// # Decisions
//
//   - openat with O_NOFOLLOW, one component at a time, on the parent's
//     descriptor, instead of os.Root: a Root follows links that stay inside,
//     and a skill has no use for links at all.
//   - Nothing is opened before lstat says that it is a regular file or a
//     directory, and fstat after opening must agree: opening a fifo blocks and
//     opening a device acts.
//   - Archives are recognised by their first bytes and not by their names, and
//     the members become files of the tree, "a.zip!/b", so that every rule sees
//     them.
//   - Archives of formats that the standard library cannot unpack (7z, rar, xz,
//     zstd) are a finding of coverage and are not unpacked: more decoders would
//     be more attack surface than they are worth.
package tree
