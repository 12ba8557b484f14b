package bpf

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLevel is the deepest place of a jail's cgroup, LEVELS_MAX-1 in scope.h.
const maxLevel = 15

// cgroup is an open directory of the cgroup v2 hierarchy.
type cgroup struct {
	dir *os.File
	id  uint64
}

// openCgroup opens a cgroup and learns its id, which on 64 bit is the inode
// (fs/kernfs/inode.c:kernfs_init_inode, since 5.5).
func openCgroup(path string) (*cgroup, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open cgroup: %w", err)
	}
	c := &cgroup{dir: dir}
	if err := c.check(path); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return c, nil
}

func (c *cgroup) check(path string) error {
	fd := int(c.dir.Fd())
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("open cgroup %q: %w", path, os.NewSyscallError("fstatfs", err))
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return fmt.Errorf("open cgroup %q: not on a cgroup v2 file system", path)
	}
	level, err := cgroupLevel(fd)
	if err != nil {
		return fmt.Errorf("open cgroup %q: %w", path, err)
	}
	if level == 0 || level > maxLevel {
		return fmt.Errorf("open cgroup %q: level %d, want 1 to %d below the root", path, level, maxLevel)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("open cgroup %q: %w", path, os.NewSyscallError("fstat", err))
	}
	c.id = st.Ino
	return nil
}

// cgroupLevel counts the steps up to the root of the mount.
func cgroupLevel(fd int) (int, error) {
	up, err := unix.Dup(fd)
	if err != nil {
		return 0, os.NewSyscallError("dup", err)
	}
	for level := 0; ; level++ {
		next, err := unix.Openat(up, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		unix.Close(up)
		if err != nil {
			return 0, os.NewSyscallError("openat", err)
		}
		var fs unix.Statfs_t
		if err := unix.Fstatfs(next, &fs); err != nil {
			unix.Close(next)
			return 0, os.NewSyscallError("fstatfs", err)
		}
		if fs.Type != unix.CGROUP2_SUPER_MAGIC || level > maxLevel {
			unix.Close(next)
			return level, nil
		}
		up = next
	}
}

// cgroupMount returns where the cgroup v2 hierarchy is mounted.
func cgroupMount() (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if ok && len(fields) > 4 && strings.HasPrefix(after, "cgroup2 ") {
			return fields[4], nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read mountinfo: %w", err)
	}
	return "", errors.New("no cgroup v2 hierarchy is mounted")
}
