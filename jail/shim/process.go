package shim

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// process is the shim's: our own child, or one that a former supervisor started.
type process interface {
	pid() int
	kill()       // if it is still there
	wait() error // until it has ended
	release()    // it is not waited for
}

type child struct{ cmd *exec.Cmd }

func (c child) pid() int    { return c.cmd.Process.Pid }
func (c child) kill()       { _ = c.cmd.Process.Kill() }
func (c child) wait() error { return c.cmd.Wait() }
func (c child) release()    { _ = c.cmd.Process.Release() }

// stranger is a process that is not our child: nobody tells us how it ended.
type stranger struct {
	id int
	fd *os.File // pidfd
}

func openStranger(pid int) (*stranger, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	return &stranger{pid, os.NewFile(uintptr(fd), "shim")}, nil
}

func (s *stranger) pid() int { return s.id }

func (s *stranger) kill() {
	raw, err := s.fd.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
}

// wait polls in the runtime's poller: a pidfd is readable when its process ended.
func (s *stranger) wait() error {
	defer s.fd.Close()
	raw, err := s.fd.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
	})
}

func (s *stranger) release() { s.fd.Close() }
