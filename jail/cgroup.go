package jail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxProcs bounds what Procs reads: 1 MiB is more than 100,000 processes.
const maxProcs = 1 << 20

// Cgroup is a handle to a jail's cgroup v2 directory, on a unified or a hybrid
// host.
type Cgroup struct {
	dir *os.File
	id  uint64
}

// OpenCgroup opens the cgroup v2 directory at path.
func OpenCgroup(path string) (*Cgroup, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open cgroup %q: %w", path, err)
	}
	c := &Cgroup{dir: os.NewFile(uintptr(fd), path)}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		c.Close()
		return nil, fmt.Errorf("statfs cgroup %q: %w", path, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		c.Close()
		return nil, fmt.Errorf("open cgroup %q: not a cgroup v2 directory", path)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		c.Close()
		return nil, fmt.Errorf("stat cgroup %q: %w", path, err)
	}
	c.id = st.Ino // kernel/cgroup/cgroup.c: the inode number is the cgroup id on 64 bit
	return c, nil
}

// Path is where the cgroup was opened.
func (c *Cgroup) Path() string { return c.dir.Name() }

// ID is the kernel's number of the cgroup.
func (c *Cgroup) ID() uint64 { return c.id }

// Freeze stops every task and returns when the kernel says that all stand, or
// with ctx's error; then some may still run, and the cgroup stays freezing. A
// task that waits for a seccomp notification never stands.
func (c *Cgroup) Freeze(ctx context.Context) error {
	if err := c.write("cgroup.freeze", "1"); err != nil {
		return err
	}
	return c.await(ctx, "frozen 1")
}

// Thaw lets the tasks run again.
func (c *Cgroup) Thaw() error { return c.write("cgroup.freeze", "0") }

// Kill sends SIGKILL to every task at once, frozen or not (since 5.14).
func (c *Cgroup) Kill() error { return c.write("cgroup.kill", "1") }

// AwaitEmpty returns when no process is left in the cgroup and below.
func (c *Cgroup) AwaitEmpty(ctx context.Context) error { return c.await(ctx, "populated 0") }

// Frozen reports whether all tasks stand.
func (c *Cgroup) Frozen() (bool, error) {
	events, err := c.read("cgroup.events", 4096)
	return hasLine(events, "frozen 1"), err
}

// Procs lists the processes, as the host numbers them.
func (c *Cgroup) Procs() ([]int, error) {
	text, err := c.read("cgroup.procs", maxProcs)
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(text) {
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("cgroup.procs of %q: %w", c.Path(), err)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// Close releases the handle. The cgroup stays.
func (c *Cgroup) Close() error { return c.dir.Close() }

// await waits until cgroup.events has the line. The kernel wakes a poll for
// POLLPRI when the file changes (kernel/cgroup/cgroup.c:cgroup_file_notify).
func (c *Cgroup) await(ctx context.Context, line string) error {
	events, err := c.open("cgroup.events", unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer events.Close()
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	defer unix.Close(wake)
	// Registered after the eventfd exists, and waited for before it closes.
	finished := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(finished)
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	defer func() {
		if !stop() {
			<-finished
		}
	}()
	buf := make([]byte, 4096)
	for {
		// Reading first takes note of the state that poll compares with.
		n, err := unix.Pread(int(events.Fd()), buf, 0)
		if err != nil {
			return fmt.Errorf("read cgroup.events of %q: %w", c.Path(), err)
		}
		if hasLine(string(buf[:n]), line) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for %q of cgroup %q: %w", line, c.Path(), err)
		}
		fds := []unix.PollFd{
			{Fd: int32(events.Fd()), Events: unix.POLLPRI},
			{Fd: int32(wake), Events: unix.POLLIN},
		}
		if _, err := unix.Poll(fds, -1); err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("poll", err)
		}
	}
}

func hasLine(text, line string) bool {
	for l := range strings.Lines(text) {
		if strings.TrimSuffix(l, "\n") == line {
			return true
		}
	}
	return false
}

func (c *Cgroup) open(name string, flags int) (*os.File, error) {
	fd, err := unix.Openat(int(c.dir.Fd()), name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s of cgroup %q: %w", name, c.Path(), err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (c *Cgroup) write(name, value string) error {
	f, err := c.open(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := unix.Write(int(f.Fd()), []byte(value)); err != nil {
		return fmt.Errorf("write %s to %s of cgroup %q: %w", value, name, c.Path(), err)
	}
	return nil
}

func (c *Cgroup) read(name string, limit int) (string, error) {
	f, err := c.open(name, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var text []byte
	buf := make([]byte, 4096)
	for len(text) < limit {
		n, err := unix.Read(int(f.Fd()), buf)
		if err != nil {
			return "", fmt.Errorf("read %s of cgroup %q: %w", name, c.Path(), err)
		}
		if n == 0 {
			break
		}
		text = append(text, buf[:n]...)
	}
	return string(text), nil
}
