package gate

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/audit/escape"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/approval"
)

// Bounds of what a program is told on its stderr.
const (
	maxExplained   = 480     // bytes of one line: less than PIPE_BUF, so it is whole or not at all
	maxExplainedTo = 1 << 20 // size of a regular file that no line is added to any more
)

// errNoStderr is a descriptor that nothing is written to.
var errNoStderr = errors.New("not a pipe, a terminal or a plain file of a program's output")

// explain tells a program on its own stderr that it is refused something, and
// by which rule, where the policy has it told. It goes before the answer: what
// collects the program's output may stop when that ends. It never waits for a
// reader, and that it could not be said changes nothing.
func (e *Engine) explain(call uint64, t *tracee.Task, o Outcome) {
	if !e.c.Policy.ExplainRefusals {
		return
	}
	line := refusal(o)
	if !e.said.first(said{t.TGID, line}, time.Now()) {
		return
	}
	fd, err := e.stderr(call, t)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_ = say(fd, line)
}

// saidFor is how long a process is not told the same again. A shell that is
// refused a program tries the next directory of its PATH at once, and where
// /bin is /usr/bin finds the same one there.
const saidFor = 2 * time.Second

// said is a line and who was told it.
type said struct {
	tgid int32
	line string
}

// lastSaid is what was said last.
type lastSaid struct {
	mu sync.Mutex
	said
	at time.Time
}

// first remembers a line and reports whether it was not just said.
func (l *lastSaid) first(s said, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	again := l.said == s && now.Sub(l.at) < saidFor
	l.said, l.at = s, now
	return !again
}

// stderr takes the program's descriptor 2, as long as the call still waits. It
// stays a number: an os.File would change whether the program's own writes block.
func (e *Engine) stderr(call uint64, t *tracee.Task) (int, error) {
	pid, err := unix.PidfdOpen(int(t.TGID), 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(pid)
	if !e.listen.Valid(call) {
		return -1, errNoStderr
	}
	fd, err := unix.PidfdGetfd(pid, 2, 0)
	return fd, os.NewSyscallError("pidfd_getfd", err)
}

// refusal is the line. Texts of the jail are escaped in it, so that it is one.
func refusal(o Outcome) string {
	what := o.Op + " " + escape.Clip(o.Path, 160)
	if len(o.Argv) > 0 && o.Op == "exec" {
		what = escape.Clip(escape.Argv(o.Argv[:min(len(o.Argv), 16)]), 160)
	}
	line := "clawjail: refused: " + what
	if o.Rule != "" {
		line += ": by " + escape.Clip(o.Rule, 120)
	}
	why := o.Message
	if o.Decision != nil && o.Decision.Outcome != approval.Denied {
		why = o.Decision.String()
	}
	if why != "" {
		line += ": " + escape.Clip(why, 140)
	}
	return clipLine(line) + "\n"
}

func clipLine(s string) string {
	if len(s) < maxExplained {
		return s
	}
	return escape.Clip(s, maxExplained/4) // in characters, of which each has at most four bytes
}

// say writes a line to a descriptor that the jail opened and that may be
// anything. We write as root, so only where that makes no difference: into
// pipes, the unnamed sockets that runtimes use as pipes, terminals, and small
// files of the file systems that programs put output into. Files of /proc and
// of the kernel's other file systems look at who writes.
func say(fd int, line string) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_PATH != 0 || flags&unix.O_ACCMODE == unix.O_RDONLY {
		return errNoStderr
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO:
		return again(fd, line)
	case unix.S_IFCHR:
		// The second side of a pseudo terminal, Documentation/admin-guide/devices.txt.
		if major := unix.Major(st.Rdev); major < 136 || major > 143 {
			return errNoStderr
		}
		return again(fd, line)
	case unix.S_IFSOCK:
		return send(fd, line)
	case unix.S_IFREG:
		if st.Size > maxExplainedTo || !holdsOutput(fd) {
			return errNoStderr
		}
		_, err := unix.Write(fd, []byte(line))
		return err
	}
	return errNoStderr
}

// again opens the file once more, so that not to wait for a reader is a
// property of our descriptor and not of the program's.
func again(fd int, line string) error {
	own, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(own)
	_, err = unix.Write(own, []byte(line))
	return err
}

// send writes to one end of a socketpair: both of its names are empty. A socket
// with a name leads to whoever listens there, who would take us for the jail.
func send(fd int, line string) error {
	if !unnamed(unix.SYS_GETSOCKNAME, fd) || !unnamed(unix.SYS_GETPEERNAME, fd) {
		return errNoStderr
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return errNoStderr
	}
	return unix.Sendto(fd, []byte(line), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}

// holdsOutput reports whether a file is on a file system to which the writer is
// nobody special.
func holdsOutput(fd int) bool {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return false
	}
	switch int64(fs.Type) {
	case unix.TMPFS_MAGIC, unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC:
		return true
	}
	return false
}
