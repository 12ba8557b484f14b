// Package stream carries a skill from whoever may read its files to the process
// that looks into them, which may read nothing: Walk reads a directory, once,
// Writer makes bytes of it, Reader makes entries of those.
//
// # Form
//
// A stream is the line "clawjail-skill 1", the skill's name, and entries: kind,
// state, mode, links, size, path, link target, and for a file that was read its
// content. Numbers are varints and texts are preceded by their length, so names
// of any bytes pass. The last entry has the kind End; a stream without one was
// cut.
//
// # Trust
//
// Walk meets a directory that its owner may be changing: it opens the entries
// relative to the directory that it was given, follows no link, never leaves
// the file system it began in, opens nothing but regular files and directories,
// and holds the status before and after reading against each other. Reader
// meets bytes of a process that may have been taken over: everything is bounded.
//
// Ownership: Walk closes what it opens. Concurrency: none.
//
// May be imported by the reader of trees, the store and the commands.
//
// # Decisions
//
//   - Not tar: its readers know sparse files, five dialects and extended
//     headers, and it cannot say that a file changed while it was read.
//   - Contents are held in memory one file at a time, at most Limits.File each:
//     what was hashed is then what is written, whatever happens to the file.
//   - openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS for every component,
//     and NO_XDEV, so that a file system mounted into a skill is not read.
package stream
