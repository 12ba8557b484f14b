package egress

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"
)

// running is the process: our own child, or one of a former supervisor.
type running struct {
	pid int
	fd  *os.File  // pidfd, non-blocking
	cmd *exec.Cmd // nil for another's child
}

// ours watches a child that has been started.
func ours(cmd *exec.Cmd) (*running, error) {
	fd, err := unix.PidfdOpen(cmd.Process.Pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	return &running{pid: cmd.Process.Pid, fd: os.NewFile(uintptr(fd), "egress"), cmd: cmd}, nil
}

// errOther is a process that this build does not go on with.
var errOther = errors.New("it is of another build")

// theirs watches a process of a former supervisor, by its pidfd.
func theirs(fd *os.File) (*running, error) {
	n, err := number(fd)
	if err != nil {
		return nil, err
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", n))
	if err != nil {
		return nil, err
	}
	pid, err := field(info, "Pid:")
	if err != nil || pid <= 0 { // -1: it has been waited for
		return nil, fmt.Errorf("%w: process %d", ErrEnded, pid)
	}
	r := &running{pid: pid, fd: fd}
	if r.ended() {
		return nil, fmt.Errorf("%w: process %d", ErrEnded, pid)
	}
	return r, nil
}

// same reports whether the process runs this very file as this user. A file that
// was replaced since is another one, whatever its content: what parses hostile
// bytes must not stay behind an upgrade.
func (r *running) same(bin string, uid uint32) error {
	dir := fmt.Sprintf("/proc/%d/", r.pid)
	exe, err := os.Stat(dir + "exe")
	if err != nil {
		return fmt.Errorf("%w: %w", errOther, err)
	}
	want, err := os.Stat(bin)
	if err != nil {
		return fmt.Errorf("%w: %w", errOther, err)
	}
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return fmt.Errorf("%w: %w", errOther, err)
	}
	user, err := field(status, "Uid:")
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errOther, err)
	case !os.SameFile(exe, want):
		return fmt.Errorf("%w: %s is another file by now", errOther, bin)
	case user != int(uid):
		return fmt.Errorf("%w: it runs as user %d, and is to be user %d", errOther, user, uid)
	case r.ended(): // or all of this was said of another process
		return ErrEnded
	}
	return nil
}

// field is the first number after a name in a file of /proc.
func field(text []byte, name string) (int, error) {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			if words := bytes.Fields(rest); len(words) > 0 {
				return strconv.Atoi(string(words[0]))
			}
		}
	}
	return 0, fmt.Errorf("no %q", name)
}

func (r *running) ended() bool {
	n, err := number(r.fd)
	return err != nil || over(n)
}

// over polls a pidfd: it is readable when its process has ended.
func over(fd int) bool {
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return ready > 0 || err != nil && !errors.Is(err, unix.EINTR)
}

func (r *running) kill() {
	if n, err := number(r.fd); err == nil {
		_ = unix.PidfdSendSignal(n, unix.SIGKILL, nil, 0) // an error means that it has ended
	}
}

// await waits for the end. It returns false when release was called before.
func (r *running) await() bool {
	raw, err := r.fd.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(func(fd uintptr) bool { return over(int(fd)) }) == nil
}

// release ends await; the process is not watched any more.
func (r *running) release() { _ = r.fd.Close() }
