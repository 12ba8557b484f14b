package tracee

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrMagicLink is a path through a magic link that is not one of the thread's
// own descriptors, exe, cwd or root.
var ErrMagicLink = errors.New("path leads through a magic link of /proc")

// Identity is what the kernel knows a file by, at one moment.
type Identity struct {
	Dev     uint64 // the kernel's dev_t: major<<20 | minor
	Ino     uint64
	CtimeNS int64
	Size    int64
	Mode    uint32 // type and permissions
}

// Resolved is a file that a path led to, pinned.
type Resolved struct {
	File *os.File // O_PATH
	Path string   // inside the jail, as the kernel names it
	ID   Identity
}

// Close lets go of the file.
func (r Resolved) Close() error {
	if r.File == nil {
		return nil
	}
	return r.File.Close()
}

// Identify asks the kernel who a file is.
func Identify(f *os.File) (Identity, error) { return identify(int(f.Fd())) }

func identify(fd int) (Identity, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Identity{}, os.NewSyscallError("fstat", err)
	}
	return Identity{
		Dev:     uint64(unix.Major(st.Dev))<<20 | uint64(unix.Minor(st.Dev)),
		Ino:     st.Ino,
		CtimeNS: st.Ctim.Nano(),
		Size:    st.Size,
		Mode:    st.Mode,
	}, nil
}

// Resolve follows a path of the thread's, relative to its descriptor dirfd
// (AT_FDCWD: its working directory). With follow, a symbolic link at the end
// is followed. An empty path is the descriptor itself (AT_EMPTY_PATH).
func (t *Task) Resolve(dirfd int32, name string, follow bool) (Resolved, error) {
	if name == "" {
		return t.Descriptor(dirfd)
	}
	full, err := t.absolute(dirfd, name)
	if err != nil {
		return Resolved{}, err
	}
	full, fd := t.own(full)
	if fd >= 0 {
		return t.Descriptor(fd)
	}
	if full == ownExe {
		return t.pinned(t.proc("exe"))
	}
	flags := uint64(unix.O_PATH | unix.O_CLOEXEC)
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	f, err := t.open(full, flags)
	if err != nil {
		return Resolved{}, err
	}
	return finish(f)
}

// Parent resolves the directory that holds the last component of a path, which
// may or may not exist itself: where a file is made, renamed or removed.
func (t *Task) Parent(dirfd int32, name string) (dir Resolved, base string, err error) {
	trimmed := strings.TrimRight(name, "/")
	if trimmed == "" {
		return Resolved{}, "", fmt.Errorf("%q: %w", name, unix.EBUSY)
	}
	base = path.Base(trimmed)
	if base == "." || base == ".." {
		return Resolved{}, "", fmt.Errorf("%q: %w", name, unix.EINVAL)
	}
	parent := strings.TrimSuffix(trimmed, base)
	if parent == "" {
		parent = "."
	}
	dir, err = t.Resolve(dirfd, parent, true)
	if err == nil && dir.ID.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = errors.Join(fmt.Errorf("%q: %w", parent, unix.ENOTDIR), dir.Close())
	}
	return dir, base, err
}

// Descriptor pins a file that the thread has open.
func (t *Task) Descriptor(fd int32) (Resolved, error) {
	if fd < 0 {
		return t.pinned(t.proc("cwd"))
	}
	return t.pinned(t.proc("fd/" + strconv.Itoa(int(fd))))
}

// pinned opens what a magic link of the thread's leads to.
func (t *Task) pinned(link string) (Resolved, error) {
	f, err := openPath(link)
	if err != nil {
		return Resolved{}, err
	}
	return finish(f)
}

func finish(f *os.File) (Resolved, error) {
	id, err := Identify(f)
	if err != nil {
		return Resolved{}, errors.Join(err, f.Close())
	}
	name, err := os.Readlink(fdPath(f))
	if err != nil {
		return Resolved{}, errors.Join(err, f.Close())
	}
	return Resolved{File: f, Path: name, ID: id}, nil
}

// absolute makes a path start at the thread's root, without resolving it.
func (t *Task) absolute(dirfd int32, name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return name, nil
	}
	link := t.proc("cwd")
	if dirfd != unix.AT_FDCWD {
		link = t.proc("fd/" + strconv.Itoa(int(dirfd)))
	}
	base, err := openPath(link)
	if err != nil {
		return "", err
	}
	defer base.Close()
	dir, err := os.Readlink(fdPath(base))
	if err != nil {
		return "", err
	}
	// The name of a directory that was removed or moved out of sight leads
	// elsewhere or nowhere. It must lead back to the very directory.
	if err := t.leadsTo(dir, base); err != nil {
		return "", err
	}
	return dir + "/" + name, nil
}

// leadsTo checks that a path inside the jail is the given directory.
func (t *Task) leadsTo(dir string, want *os.File) error {
	got, err := t.open(dir, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	defer got.Close()
	a, err := Identify(got)
	if err != nil {
		return err
	}
	b, err := Identify(want)
	if err != nil {
		return err
	}
	if a.Dev != b.Dev || a.Ino != b.Ino {
		return fmt.Errorf("directory %q is not where its name leads: %w", dir, unix.ENOENT)
	}
	return nil
}

// open opens a path from the thread's root.
func (t *Task) open(name string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for range maxAgain {
		fd, err := unix.Openat2(int(t.root.Fd()), name, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), name), nil
		case errors.Is(err, unix.EAGAIN):
			// A rename or mount raced with "..": the kernel could not tell
			// that it stayed below the root. fs/namei.c:handle_dots.
			continue
		case errors.Is(err, unix.ELOOP):
			return nil, fmt.Errorf("%w, or too many links: %w", ErrMagicLink, err)
		default:
			return nil, &os.PathError{Op: "resolve", Path: name, Err: err}
		}
	}
	return nil, &os.PathError{Op: "resolve", Path: name, Err: unix.EAGAIN}
}

// maxAgain bounds the retries of a resolution that races with renames.
const maxAgain = 64

// ownExe stands for the thread's own program.
const ownExe = "/proc/self/exe"

// own recognises paths through the thread's own magic links: a descriptor is
// returned as such, root and cwd are replaced by what they are, exe becomes
// ownExe, everything else stays.
func (t *Task) own(name string) (string, int32) {
	clean := path.Clean(name)
	switch clean {
	case "/dev/stdin":
		return "", 0
	case "/dev/stdout":
		return "", 1
	case "/dev/stderr":
		return "", 2
	}
	if fd, ok := descriptor(clean, "/dev/fd/"); ok {
		return "", fd
	}
	for _, self := range []string{"self", "thread-self", strconv.Itoa(int(t.NSTGID))} {
		dir := "/proc/" + self + "/"
		switch {
		case !strings.HasPrefix(clean, dir):
			continue
		case clean == dir+"exe":
			return ownExe, -1
		case clean == dir+"root", strings.HasPrefix(clean, dir+"root/"):
			return "/" + strings.TrimPrefix(clean[len(dir)+len("root"):], "/"), -1
		case clean == dir+"cwd", strings.HasPrefix(clean, dir+"cwd/"):
			cwd, err := os.Readlink(fdPath(t.cwd))
			if err != nil {
				return name, -1
			}
			return cwd + clean[len(dir)+len("cwd"):], -1
		}
		if fd, ok := descriptor(clean, dir+"fd/"); ok {
			return "", fd
		}
	}
	return name, -1
}

func descriptor(name, dir string) (int32, bool) {
	rest, ok := strings.CutPrefix(name, dir)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(rest, 10, 32)
	return int32(n), err == nil && n >= 0 && strconv.FormatInt(n, 10) == rest
}
