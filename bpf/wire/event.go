package wire

import (
	"net/netip"
	"strconv"
)

// Class says what happened. The zero value is no class at all.
type Class uint8

// The classes in the order of the C enum (bpf/c/event.h); a test compares both
// through the BTF of the committed object.
const (
	Exec        Class = iota + 1 // a program was executed (Ret 0) or refused (Ret < 0); Path, Argv, Dev, Ino
	Exit                         // a process (its last thread) ended; ExitCode
	Fork                         // a process was made; Pid is the child, PPid the parent
	OpenWrite                    // a file was opened for writing or created; Path, Flags
	Unlink                       // a name was removed; Path, Dir
	Rename                       // Path became Path2
	Truncate                     // a file was cut by path or descriptor; Path
	Connect                      // connect(2) on an IPv4 or IPv6 socket; Addr, Proto
	Send                         // a datagram with an explicit address; Addr, Proto
	Sock                         // a socket of a refused type; Flags is type<<16 | protocol
	Open                         // opening for reading failed (Ret < 0); only on request
	ExecRefused                  // an execution was not what its token says; Reason, Killed, Path, Argv
)

// NumClasses is one more than the highest class.
const NumClasses = int(ExecRefused) + 1

var classNames = [NumClasses]string{
	"unknown", "exec", "exit", "fork", "open_write", "unlink", "rename", "truncate", "connect", "send", "sock", "open",
	"exec_refused",
}

// String returns the name used in records and metrics, such as "open_write".
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "class(" + strconv.Itoa(int(c)) + ")"
}

// Event is one thing that a process in a jail did or tried.
type Event struct {
	Class     Class
	Time      uint64 // nanoseconds of CLOCK_BOOTTIME
	Jail      uint64 // cgroup id of the jail, the key of the scope map
	CgroupID  uint64 // the task's own cgroup, the jail's or one below it
	Pid, Tid  int32  // host process id and thread id
	PPid      int32  // host process id of the real parent
	StartTime uint64 // start of the process, nanoseconds of CLOCK_BOOTTIME
	ExecCount uint32 // executions in this process and its ancestors before the fork
	UID       uint32 // host real uid
	Comm      string // the task's own name for itself: a hint, never an identity

	Dev uint64 // kernel dev_t (major<<20 | minor), not stat's
	Ino uint64

	Path          string
	Path2         string // Rename: the new name; Exec: the name given to execve, a script's own
	PathExact     bool   // resolved by the kernel; false: (partly) text of the caller
	PathTruncated bool   // Path or Path2 was longer than the probe could carry
	Flags         uint32 // OpenWrite: open flags; Rename: renameat2 flags
	Dir           bool   // Unlink: rmdir

	Argv          []string
	ArgvTruncated bool // the program's argv was longer than MaxArgv bytes

	Reason Reason // ExecRefused: what differed
	Killed bool   // ExecRefused: SIGKILL was sent; if not, Ret says why, or is NotBegun

	ExitCode int32 // wait status: code<<8 | signal

	Addr   netip.AddrPort
	Family uint16
	Proto  uint8 // IPPROTO_*
	Denied bool  // the probe refused it
	Ret    int32 // result of the system call, 0 or -errno
}

// NotBegun is Ret of an execution that the kernel refused before it began: execve
// returned EPERM, and the caller lives.
const NotBegun = -13

// Reason says why an execution was refused.
type Reason uint8

// The reasons in the order of the C enum (bpf/c/event.h).
const (
	NoToken    Reason = iota + 1 // nobody let it through
	Expired                      // it came too late
	Reused                       // its token was for an execution before
	Inode                        // another file, or the file was changed
	Argc                         // another number of arguments
	Argv                         // other bytes in an argument
	Env                          // other bytes in the environment
	Cwd                          // another working directory, or one shared with other processes
	Unreadable                   // arguments or environment could not be read
	Unseen                       // a check that comes before did not run
	Mapped                       // it was not executed: another program mapped it as code
)

const numReasons = int(Mapped) + 1

var reasonNames = [numReasons]string{
	"none", "no_token", "expired", "reused", "inode", "argc", "argv", "env", "cwd", "unreadable", "unseen", "mapped",
}

// String returns the name used in records, such as "no_token".
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}
