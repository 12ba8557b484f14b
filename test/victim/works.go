package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// works lists what real programs do all the time.
func works() []attempt {
	work := func(name string, do func() error) attempt {
		return attempt{name: name, try: func(*arena) error { return do() }}
	}
	return []attempt{
		work("thread", func() error {
			done := make(chan error)
			go func() { done <- nil }()
			return <-done
		}),
		work("exec", execSelf),
		work("fork", func() error { return fork(uintptr(unix.SIGCHLD)) }),
		work("vfork_flags", func() error { return forkVM() }),
		work("files", files),
		work("modes", modes),
		work("tcp", func() error { return pair(unix.AF_INET, unix.SOCK_STREAM) }),
		work("udp6", func() error { return pair(unix.AF_INET6, unix.SOCK_DGRAM) }),
		work("unix", func() error { return pair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK) }),
		work("netlink_route", func() error { return pair(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC) }),
		work("socketpair", func() error {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return errors.Join(err, unix.Close(fds[0]), unix.Close(fds[1]))
		}),
		work("memfd", func() error { return descriptor(unix.MemfdCreate("victim", unix.MFD_CLOEXEC)) }),
		work("eventfd", func() error { return descriptor(unix.Eventfd(0, unix.EFD_CLOEXEC)) }),
		work("inotify", func() error { return descriptor(unix.InotifyInit1(unix.IN_CLOEXEC)) }),
		work("timerfd", func() error { return descriptor(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC)) }),
		work("pidfd", func() error { return descriptor(unix.PidfdOpen(os.Getpid(), 0)) }),
		work("prctl_name", func() error {
			_, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
			return errors.Join(err, unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0))
		}),
		work("personality_query", func() error { return call(unix.SYS_PERSONALITY, 0xffffffff) }),
		work("nanosleep", func() error { return unix.Nanosleep(&unix.Timespec{Nsec: 1}, nil) }),
		work("random", func() error { _, err := unix.Getrandom(make([]byte, 16), 0); return err }),
		work("jit_memory", jitMemory),
		{name: "nested_filter", child: true, try: func(a *arena) error {
			return errors.Join(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
				call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, a.allowAll()))
		}},
		work("landlock_version", func() error {
			return call(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
		}),
		work("signal_self", func() error { return unix.Kill(os.Getpid(), 0) }),
	}
}

func execSelf() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return exec.Command(self, "-child", "random").Run()
}

// forkVM is what posix_spawn does where clone3 does not exist.
func forkVM() error {
	cmd := exec.Command("/proc/self/exe", "-child", "signal_self")
	cmd.WaitDelay = time.Minute
	return cmd.Run()
}

func descriptor(fd int, err error) error {
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func pair(family, kind int) error { return descriptor(unix.Socket(family, kind, 0)) }

// files writes, copies, renames and removes in a directory of its own.
func files() (err error) {
	dir, err := os.MkdirTemp("", "victim")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("text"), 0o644); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(to, from), os.Symlink("from", to), os.Mkdir(filepath.Join(dir, "d"), 0o755)); err != nil {
		return err
	}
	b, err := os.ReadFile(to)
	if err == nil && !bytes.Equal(b, []byte("text")) {
		err = fmt.Errorf("read %q", b)
	}
	return err
}

// modes sets every mode that is not set-user-id or set-group-id.
func modes() (err error) {
	dir, err := os.MkdirTemp("", "victim")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "file")
	fd, err := unix.Open(file, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o777)
	if err != nil {
		return err
	}
	return errors.Join(unix.Fchmod(fd, 0o600), unix.Close(fd), unix.Chmod(file, 0o755), unix.Chmod(dir, unix.S_ISVTX|0o700),
		unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600), unix.Mknod(filepath.Join(dir, "node"), unix.S_IFREG|0o600, 0))
}

func jitMemory() error {
	m, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	return errors.Join(unix.Mprotect(m, unix.PROT_READ|unix.PROT_EXEC), unix.Munmap(m))
}
