package root

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is the kernel's own limit on links in one lookup
// (include/linux/namei.h:MAXSYMLINKS).
const maxLinks = 40

// ErrUntrustedLink is a symbolic link on the way to a source in a directory
// that others than root can write.
var ErrUntrustedLink = errors.New("symbolic link in a directory that is not root's alone")

// openSource opens a host path without being led astray (see the package
// documentation). The descriptor is O_PATH.
func openSource(name string) (*os.File, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err == nil {
		return os.NewFile(uintptr(fd), name), nil
	}
	if !errors.Is(err, unix.ELOOP) {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	f, err := walk(name)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return f, nil
}

// walk opens name component by component and follows trusted links.
func walk(name string) (*os.File, error) {
	dir, err := openDir(unix.AT_FDCWD, "/")
	if err != nil {
		return nil, err
	}
	defer func() { unix.Close(dir) }()
	trusted, links := isRootsAlone(dir), 0
	rest := strings.Split(strings.Trim(name, "/"), "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" || part == "." {
			continue
		}
		next, err := unix.Openat(dir, part, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		kind, err := typeOf(next)
		if err != nil {
			unix.Close(next)
			return nil, err
		}
		if kind != unix.S_IFLNK {
			if len(rest) == 0 {
				return os.NewFile(uintptr(next), name), nil
			}
			unix.Close(dir)
			dir = next
			trusted = trusted && isRootsAlone(dir)
			continue
		}
		text, err := readlink(next)
		unix.Close(next)
		if err != nil {
			return nil, err
		}
		if links++; links > maxLinks {
			return nil, unix.ELOOP
		}
		if !trusted {
			return nil, fmt.Errorf("%q: %w", part, ErrUntrustedLink)
		}
		if path.IsAbs(text) {
			slash, err := openDir(unix.AT_FDCWD, "/")
			if err != nil {
				return nil, err
			}
			unix.Close(dir)
			dir = slash
		}
		rest = append(strings.Split(strings.Trim(text, "/"), "/"), rest...)
	}
	// name is "/", or ends in a link to a directory spelled with a dot.
	fd, err := openDir(dir, ".")
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func openDir(at int, name string) (int, error) {
	return unix.Openat(at, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

func typeOf(fd int) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	return st.Mode & unix.S_IFMT, nil
}

// isRootsAlone reports whether nobody but root can change the directory.
func isRootsAlone(dir int) bool {
	var st unix.Stat_t
	return unix.Fstat(dir, &st) == nil && st.Uid == 0 && st.Mode&0o022 == 0
}

func readlink(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	if n == len(buf) {
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), nil
}

// createSource makes the directories that are missing on the way to name, each
// owned by uid and gid with mode 0700, and never through a symbolic link.
func createSource(name string, uid, gid uint32) error {
	have := path.Clean(name)
	var missing []string
	for have != "/" {
		f, err := openSource(have)
		if err == nil {
			defer f.Close()
			return makeBelow(f, missing, uid, gid)
		}
		if !errors.Is(err, unix.ENOENT) {
			return err
		}
		missing = append([]string{path.Base(have)}, missing...)
		have = path.Dir(have)
	}
	return &os.PathError{Op: "create", Path: name, Err: unix.ENOENT}
}

func makeBelow(dir *os.File, names []string, uid, gid uint32) error {
	at := int(dir.Fd())
	for _, name := range names {
		if err := unix.Mkdirat(at, name, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return &os.PathError{Op: "mkdir", Path: name, Err: err}
		}
		next, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: name, Err: err}
		}
		defer unix.Close(next)
		if err := unix.Fchown(next, int(uid), int(gid)); err != nil {
			return &os.PathError{Op: "chown", Path: name, Err: err}
		}
		at = next
	}
	return nil
}
