// Command clawjail-skill looks into skills, for `clawjail skill`: it reads a
// skill from its stdin and writes a report, or the skill unpacked, on its
// stdout. It is started for one skill and ends.
//
//	clawjail-skill            a stream or an archive in, the report in JSON out
//	clawjail-skill --unpack   an archive in, a stream out
//	clawjail-skill --rules    the version of the rules out
//
// Trust: everything that it reads is hostile, and its parsers are many. So it
// can do nothing: `clawjail` starts it in a jail without network and files, and
// where there is no jail, it gives up by itself what it does not need before it
// reads a byte: new privileges, files (Landlock), system calls but those of
// computing (seccomp), memory, time. What it writes is validated again by who
// reads it.
//
// Exit code: 0; 1 with the reason on stderr, when the skill cannot be read.
//
// # Decisions
//
//   - A program of its own and not a mode of clawjail: what it links and what
//     root links are then two lists.
//   - The skill comes as a stream on stdin, so that no directory has to be shown
//     to the process and no permission of its user matters.
//   - Landlock through github.com/landlock-lsm/go-landlock, which the jail uses
//     too; as much of it as the kernel has, because the system call filter
//     refuses every way to open a file or a socket as well.
package main
