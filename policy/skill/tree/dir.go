package tree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"clawjail/policy/skill"
)

// ReadDir reads the skill in a directory. The error is about the directory
// itself; everything below it is in the tree's Problems.
func ReadDir(ctx context.Context, dir string) (skill.Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return skill.Tree{}, fmt.Errorf("read skill %q: %w", dir, err)
	}
	fd, err := unix.Open(abs, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return skill.Tree{}, fmt.Errorf("read skill %q: %w: name a directory or an archive", dir, os.NewSyscallError("open", err))
	}
	d := os.NewFile(uintptr(fd), abs)
	defer d.Close()
	return ReadOpen(ctx, d, filepath.Base(abs))
}

// ReadOpen reads the skill in a directory that is open already. The caller
// keeps the descriptor.
func ReadOpen(ctx context.Context, dir *os.File, name string) (skill.Tree, error) {
	r := newReader(ctx, name)
	if err := r.dir(dir, "", 1); err != nil {
		return skill.Tree{}, err
	}
	if err := ctx.Err(); err != nil {
		return skill.Tree{}, fmt.Errorf("read skill %q: %w", name, err)
	}
	return r.done(), nil
}

// dir reads the directory's entries in the order of their names.
func (r *reader) dir(d *os.File, at string, depth int) error {
	names, err := r.names(d, at)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		p := name
		if at != "" {
			p = at + "/" + name
		}
		r.entry(d, name, p, depth)
	}
	return nil
}

func (r *reader) names(d *os.File, at string) ([]string, error) {
	var names []string
	for {
		batch, err := d.Readdirnames(256)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if at == "" {
				return nil, fmt.Errorf("read skill: list %q: %w", d.Name(), err)
			}
			r.unreadable(at, err)
			break
		}
		if r.entries += len(batch); r.entries > MaxEntries {
			f := r.once("entries", "CJS-FILE-005", at, "more than "+strconv.Itoa(MaxEntries)+" names: the others were not looked at")
			f.Severity = skill.High
			break
		}
		names = append(names, batch...)
	}
	slices.Sort(names)
	return names, nil
}

// entry reads what name is in d.
func (r *reader) entry(d *os.File, name, p string, depth int) {
	if !r.name(p, false) {
		return
	}
	var st unix.Stat_t
	if err := unix.Fstatat(int(d.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		r.unreadable(p, err)
		return
	}
	mode := fileMode(st.Mode)
	f := skill.File{Path: p, Mode: mode, Size: st.Size}
	r.mode(p, mode)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		r.subdir(d, name, p, depth)
	case unix.S_IFLNK:
		f.Link = readlink(d, name)
		r.link("", p, f.Link)
		if r.room(p, 0) {
			r.tree.Files = append(r.tree.Files, f)
		}
	case unix.S_IFREG:
		r.hardLink(p, st.Ino, uint64(st.Nlink))
		if r.room(p, st.Size) {
			f.Data = r.regular(d, name, p, st)
			r.add(f, 0)
		} else if len(r.tree.Files) < MaxFiles+r.members {
			r.tree.Files = append(r.tree.Files, f)
		}
	default:
		r.problem("CJS-FILE-008", p, "device, fifo or socket: not opened", mode.String())
	}
}

func (r *reader) subdir(d *os.File, name, p string, depth int) {
	if depth >= MaxDepth {
		r.once("depth", "CJS-FILE-005", p, "directories nested deeper than "+strconv.Itoa(MaxDepth)+": not read").Severity = skill.High
		return
	}
	fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		r.unreadable(p, err)
		return
	}
	sub := os.NewFile(uintptr(fd), p)
	defer sub.Close()
	// The error is the context's, which ReadOpen asks again.
	_ = r.dir(sub, p, depth+1)
}

// regular reads a regular file that had the status before.
func (r *reader) regular(d *os.File, name, p string, before unix.Stat_t) []byte {
	fd, err := unix.Openat(int(d.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		r.unreadable(p, err)
		return nil
	}
	f := os.NewFile(uintptr(fd), p)
	defer f.Close()
	var opened, after unix.Stat_t
	if err := unix.Fstat(fd, &opened); err != nil || opened.Mode&unix.S_IFMT != unix.S_IFREG {
		r.changed(p)
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, before.Size+1))
	if err != nil {
		r.unreadable(p, err)
		return nil
	}
	if err := unix.Fstat(fd, &after); err != nil || !same(before, opened) || !same(before, after) || int64(len(data)) != before.Size {
		r.changed(p)
	}
	if int64(len(data)) > before.Size {
		data = data[:before.Size]
	}
	return data
}

func same(a, b unix.Stat_t) bool {
	return a.Dev == b.Dev && a.Ino == b.Ino && a.Size == b.Size && a.Mtim == b.Mtim && a.Ctim == b.Ctim && a.Mode == b.Mode
}

func (r *reader) changed(p string) {
	r.problem("CJS-COV-001", p, "changed while it was read: what was judged may not be what is there", "")
}

func (r *reader) unreadable(p string, err error) {
	r.problem("CJS-COV-001", p, "cannot be read: "+err.Error(), "")
}

func readlink(d *os.File, name string) string {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(d.Fd()), name, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

func fileMode(m uint32) fs.FileMode {
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
