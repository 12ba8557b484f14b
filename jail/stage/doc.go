// Package stage is the last step before the agent. Its code runs as the binary
// clawjail-stage inside the finished jail, as the jail's user, without
// capabilities: it enforces Landlock, loads the seccomp filter, hands the
// filter's listener to the shim, waits for the word that the probes are
// attached, and executes the agent. The shim uses the other half: Config.File,
// Await and Release.
//
// Trust: config and control socket come from the shim. The file tree and, when
// a command is executed in a jail that already runs, every process around it
// belong to the agent. After Release the socket's end of file is the only sign
// that the agent runs; the stage sends nothing but bounded messages before it.
//
// Order, each line depending on those above it:
//
//	lock the thread, refuse to be dumped         nobody attaches from now on
//	read and check config, descriptors, identity
//	mark every descriptor from 3 on close-on-exec
//	enter the working directory
//	no_new_privs                                 the next two need it
//	Landlock                                     opens the rules' paths first
//	look the command up
//	seccomp                                      everything above is done
//	send "ready" and the listener, close it
//	wait for "go"                                anything else ends the stage
//	execve                                       the socket closes itself
//
// Ownership: the stage owns its two descriptors. Await gives its caller the
// listener. Concurrency: one locked thread; Landlock, no_new_privs and the
// filter are per thread, and execve ends the others, which only ever run the
// Go scheduler. The shim's functions may be used from any goroutine, one at a
// time for one socket.
//
// jail/shim and cmd/clawjail-stage import it. It imports neither net nor a
// logger, because it is started once per jail and per exec.
//
// # Decisions
//
//   - Landlock through go-landlock's system call package, on this thread only.
//     Its high-level package restricts all threads (psx, AllThreadsSyscall),
//     which costs a stop of the world for threads that are about to end, and
//     downgrades silently unless told not to.
//   - Only as many rights as MaxLandlockABI knows are handled, on any kernel:
//     a right that nobody here has tried is not enforced by accident.
//   - Landlock judges what is written, made, removed, moved and executed. What
//     can be read is what is mounted. Handling READ_FILE, READ_DIR and TRUNCATE
//     too makes open and close of a file for reading 1.35 to 1.5 times as slow
//     instead of 1.07 (6.18, least of 400 batches): TRUNCATE makes the kernel
//     walk to the root at each open of a file that may not be truncated, to note
//     that on the open file. A file that is writable by mount and mode but not
//     by Landlock could be truncated by path; the plan makes no such file.
//   - Making device nodes is never granted. Network rights are not handled: the
//     BPF hooks on the cgroup judge addresses, Landlock only ports.
//   - An exec into a running jail gets a Landlock domain of its own. Neither
//     side can trace the other or (ABI 6) signal it. That also protects the
//     stage: a process in a domain cannot reach one outside it through
//     /proc/PID/mem, even before the stage has made itself undumpable.
//   - Capabilities are checked, not dropped: who starts the stage has dropped
//     them, and if that failed nothing should run.
//   - Relative and empty entries of PATH are skipped: what runs must not depend
//     on the working directory, which the agent can write.
//   - A file without a known format is not handed to a shell (execvp does):
//     the command is reported as not executable.
//   - The config is a list of length-prefixed fields and not JSON: JSON strings
//     turn invalid UTF-8 into U+FFFD, and decoding it cold took half a
//     millisecond, a fifth of the stage. Messages are JSON; they are rare.
package stage
