package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Walk calls visit for everything below an open directory, in the order of the
// names, each directory before what is in it. It ends at visit's first error;
// fs.SkipDir for a directory leaves out what is in it.
func Walk(ctx context.Context, dir *os.File, l Limits, visit func(Entry) error) error {
	w := walker{ctx: ctx, limits: l, visit: visit}
	if _, err := dir.Seek(0, io.SeekStart); err != nil { // it may have been walked before
		return fmt.Errorf("list %q: %w", dir.Name(), err)
	}
	return w.dir(dir, "", 1)
}

type walker struct {
	ctx            context.Context
	limits         Limits
	visit          func(Entry) error
	entries, files int
	total          int64
}

func (w *walker) dir(d *os.File, at string, depth int) error {
	names, err := w.names(d, at)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		p := name
		if at != "" {
			p = at + "/" + name
		}
		if len(p) > maxPath {
			continue // the kernel opens no longer ones, and neither does anybody else
		}
		if err := w.entry(d, name, p, depth); err != nil {
			return err
		}
	}
	return nil
}

// names lists a directory, within the limit.
func (w *walker) names(d *os.File, at string) ([]string, error) {
	var names []string
	for {
		batch, err := d.Readdirnames(512)
		names = append(names, batch...)
		if w.entries += len(batch); w.entries > w.limits.Entries {
			names = names[:max(0, len(names)-(w.entries-w.limits.Entries))]
			w.entries = w.limits.Entries
			slices.Sort(names)
			return names, w.visit(Entry{Kind: Limit, State: TooMany, Path: at})
		}
		switch {
		case errors.Is(err, io.EOF):
			slices.Sort(names)
			return names, nil
		case err != nil && at == "":
			return nil, fmt.Errorf("list %q: %w", d.Name(), err)
		case err != nil:
			return names, w.visit(Entry{Kind: Dir, State: Unreadable, Path: at, Mode: fs.ModeDir})
		}
	}
}

func (w *walker) entry(d *os.File, name, p string, depth int) error {
	var st unix.Stat_t
	e := Entry{Path: p}
	if err := unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		e.Kind, e.State = Special, Unreadable
		return w.visit(e)
	}
	e.Mode, e.Links, e.Inode, e.Size = ModeOf(st.Mode), uint64(st.Nlink), st.Ino, st.Size
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return w.subdir(d, name, e, depth)
	case unix.S_IFLNK:
		e.Kind, e.Target = Link, readlink(d, name)
	case unix.S_IFREG:
		e.Kind = File
		w.content(d, name, st, &e)
	default:
		e.Kind = Special
	}
	return w.visit(e)
}

// open opens one name of a directory.
func open(d *os.File, name string, flags uint64) (*os.File, error) {
	fd, err := unix.Openat2(int(d.Fd()), name, &unix.OpenHow{
		Flags:   flags | unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	})
	if err != nil {
		return nil, os.NewSyscallError("openat2", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (w *walker) subdir(d *os.File, name string, e Entry, depth int) error {
	e.Kind = Dir
	if depth >= w.limits.Depth {
		return w.visit(Entry{Kind: Limit, State: TooDeep, Path: e.Path})
	}
	sub, err := open(d, name, unix.O_DIRECTORY)
	if err != nil {
		e.State = Unreadable
		return w.visit(e)
	}
	defer sub.Close()
	if err := w.visit(e); errors.Is(err, fs.SkipDir) {
		return nil
	} else if err != nil {
		return err
	}
	return w.dir(sub, e.Path, depth+1)
}

// content reads a regular file that had the status before.
func (w *walker) content(d *os.File, name string, before unix.Stat_t, e *Entry) {
	if w.files >= w.limits.Files || before.Size > w.limits.File || w.total+before.Size > w.limits.Total {
		e.State = Omitted
		return
	}
	w.files++
	w.total += before.Size
	f, err := open(d, name, unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		e.State = Unreadable
		return
	}
	defer f.Close()
	var opened, after unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &opened); err != nil || opened.Mode&unix.S_IFMT != unix.S_IFREG {
		e.State = Changed
		return
	}
	// One byte more than it had shows that it grew.
	buf := make([]byte, before.Size+1)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		e.State = Unreadable
		return
	}
	e.Data = buf[:min(int64(n), before.Size)]
	if err := unix.Fstat(int(f.Fd()), &after); err != nil || !same(before, opened) || !same(before, after) || int64(n) != before.Size {
		e.State = Changed
	}
}

// same compares what must not change while a file is read. The time of access
// does, and the number of names may.
func same(a, b unix.Stat_t) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Size == b.Size && a.Mtim == b.Mtim && a.Ctim == b.Ctim && a.Mode == b.Mode
}

func readlink(d *os.File, name string) string {
	buf := make([]byte, maxPath)
	n, err := unix.Readlinkat(int(d.Fd()), name, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// ModeOf turns the kernel's mode into Go's.
func ModeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	for _, b := range []struct {
		bit  uint32
		mode fs.FileMode
	}{{unix.S_ISUID, fs.ModeSetuid}, {unix.S_ISGID, fs.ModeSetgid}, {unix.S_ISVTX, fs.ModeSticky}} {
		if m&b.bit != 0 {
			mode |= b.mode
		}
	}
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	}
	return mode
}
