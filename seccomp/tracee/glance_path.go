package tracee

import (
	"errors"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bytes is Task.Bytes.
func (g *Glance) Bytes(addr uint64, n int) ([]byte, error) { return g.mem.bytes(addr, n) }

// Path gives the kernel's name in the jail for what a path of the thread leads
// to, or would be if nothing is there yet.
func (g *Glance) Path(dirfd int32, name string, follow bool) (string, error) {
	full, err := g.full(dirfd, name)
	if err != nil {
		return "", err
	}
	at, err := g.leadsTo(full, follow)
	if !errors.Is(err, unix.ENOENT) {
		return at, err
	}
	trimmed := strings.TrimRight(full, "/")
	base := path.Base(trimmed)
	if trimmed != full || base == "." || base == ".." {
		return "", ErrLookProperly
	}
	// A link at the end that leads nowhere is no missing file.
	if _, err := g.leadsTo(full, false); !errors.Is(err, unix.ENOENT) {
		return "", ErrLookProperly
	}
	dir, err := g.leadsTo(strings.TrimSuffix(trimmed, base), true)
	if err != nil {
		return "", ErrLookProperly
	}
	return path.Join(dir, base), nil
}

// full makes a path start at the root.
func (g *Glance) full(dirfd int32, name string) (string, error) {
	if name == "" {
		return "", ErrLookProperly
	}
	if name[0] != '/' {
		link := "cwd"
		if dirfd != unix.AT_FDCWD {
			if dirfd < 0 {
				return "", ErrLookProperly
			}
			link = "fd/" + strconv.Itoa(int(dirfd))
		}
		dir, err := readLink(unix.AT_FDCWD, "/proc/"+strconv.Itoa(int(g.mem.tid))+"/"+link)
		if err != nil {
			return "", err
		}
		name = dir + "/" + name
	}
	if clean := path.Clean(name); strings.HasPrefix(clean, "/proc/") || strings.HasPrefix(clean, "/dev/") {
		return "", ErrLookProperly
	}
	return name, nil
}

// leadsTo resolves an absolute path. ENOENT is said as such.
func (g *Glance) leadsTo(name string, follow bool) (string, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	if !follow {
		how.Flags |= unix.O_NOFOLLOW
	}
	fd, err := unix.Openat2(g.root, name, &how)
	if errors.Is(err, unix.ENOENT) {
		return "", unix.ENOENT
	}
	if err != nil {
		return "", ErrLookProperly
	}
	defer unix.Close(fd)
	return readLink(g.links, strconv.Itoa(fd))
}

// readLink reads a magic link that gives an absolute path. A name that says that
// the file is gone is none.
func readLink(dir int, name string) (string, error) {
	var buf [unix.PathMax]byte
	n, err := unix.Readlinkat(dir, name, buf[:])
	if err != nil || n == len(buf) || n == 0 || buf[0] != '/' || strings.HasSuffix(string(buf[:n]), " (deleted)") {
		return "", ErrLookProperly
	}
	return string(buf[:n]), nil
}
