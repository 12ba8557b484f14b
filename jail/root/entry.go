package root

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// add puts one mount into the tree.
func (t *Tree) add(p prepared) error {
	switch p.Kind {
	case jail.Bind:
		return t.place(p.Target, p.source, p.isDir)
	case jail.Tmpfs:
		return t.addTmpfs(p.Mount)
	case jail.Mask:
		return t.addMask(p.Target)
	case jail.Symlink:
		return t.addSymlink(p.Source, p.Target)
	case jail.File:
		return t.addFile(p.Mount)
	default:
		return fmt.Errorf("unknown kind of mount %q", p.Kind)
	}
}

func (t *Tree) addTmpfs(m jail.Mount) error {
	attr, o := always, owner{t.opts.RootID, t.opts.RootID}
	if m.Write {
		o = owner{t.spec.User.UID, t.spec.User.GID}
	}
	if !m.Exec {
		attr |= unix.MOUNT_ATTR_NOEXEC
	}
	f, err := t.newOwn(attr, m.SizeBytes, cmp.Or(m.Mode, 0o755), o)
	if err != nil {
		return err
	}
	if m.Write {
		defer f.Close()
	} else {
		t.fixed = append(t.fixed, f)
	}
	return t.place(m.Target, f, true)
}

// place mounts a detached mount on target, and makes the mount point if its
// directory is the tree's own.
func (t *Tree) place(target string, mount *os.File, isDir bool) error {
	at, err := t.lookup(target)
	if errors.Is(err, unix.ENOENT) {
		if isDir {
			err = t.mkdir(target)
		} else {
			err = t.mkfile(target, nil, 0o444)
		}
		if err != nil {
			return err
		}
		at, err = t.lookup(target)
	}
	if err != nil {
		return err
	}
	defer unix.Close(at)
	return attach(mount, at)
}

// lookup opens a path of the tree; it never follows a link.
func (t *Tree) lookup(target string) (int, error) {
	fd, err := unix.Openat2(int(t.root.Fd()), strings.TrimPrefix(target, "/"), &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, &os.PathError{Op: "look up", Path: target, Err: err}
	}
	return fd, nil
}

// parent opens the directory of target, and makes the missing ones.
func (t *Tree) parent(target string) (fd int, o owner, err error) {
	dir := path.Dir(target)
	if dir == "/" {
		fd, err = openDir(int(t.root.Fd()), ".")
	} else if fd, err = t.lookup(dir); errors.Is(err, unix.ENOENT) {
		if err = t.mkdir(dir); err == nil {
			fd, err = t.lookup(dir)
		}
	}
	if err != nil {
		return -1, o, err
	}
	dev, err := deviceOf(fd)
	if err != nil {
		unix.Close(fd)
		return -1, o, err
	}
	o, ok := t.own[dev]
	if !ok {
		unix.Close(fd)
		return -1, o, &os.PathError{Op: "make mount point", Path: target,
			Err: errors.New("missing in a directory of the host, where nothing is made")}
	}
	return fd, o, nil
}

// mkdir makes a directory of the tree, with its parents. It may exist.
func (t *Tree) mkdir(target string) error {
	dir, o, err := t.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	name := path.Base(target)
	if err := unix.Mkdirat(dir, name, 0o755); err != nil {
		if errors.Is(err, unix.EEXIST) {
			return nil
		}
		return &os.PathError{Op: "mkdir", Path: target, Err: err}
	}
	return t.give(dir, name, o)
}

// mkfile makes a file of the tree.
func (t *Tree) mkfile(target string, content []byte, mode uint32) error {
	dir, o, err := t.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	name := path.Base(target)
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return &os.PathError{Op: "create", Path: target, Err: err}
	}
	f := os.NewFile(uintptr(fd), target)
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Chown(int(o.uid), int(o.gid)); err != nil {
		return err
	}
	return f.Chmod(os.FileMode(mode))
}

func (t *Tree) give(dir int, name string, o owner) error {
	err := unix.Fchownat(dir, name, int(o.uid), int(o.gid), unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return &os.PathError{Op: "chown", Path: name, Err: err}
	}
	return nil
}

func (t *Tree) addSymlink(text, target string) error {
	dir, o, err := t.parent(target)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := unix.Symlinkat(text, dir, path.Base(target)); err != nil {
		return &os.PathError{Op: "symlink", Path: target, Err: err}
	}
	return t.give(dir, path.Base(target), o)
}

// addFile makes a file, or covers what a bind shows there. A symbolic link is
// covered itself: the lookup finds the cover before it reads the link.
func (t *Tree) addFile(m jail.Mount) error {
	mode := cmp.Or(m.Mode, 0o444)
	at, err := t.lookup(m.Target)
	if errors.Is(err, unix.ENOENT) {
		return t.mkfile(m.Target, []byte(m.Content), mode)
	}
	if err != nil {
		return err
	}
	defer unix.Close(at)
	cover, err := t.scratch([]byte(m.Content), mode)
	if err != nil {
		return err
	}
	defer cover.Close()
	return attach(cover, at)
}

// scratch makes a file beside the tree and returns a detached bind of it.
func (t *Tree) scratch(content []byte, mode uint32) (*os.File, error) {
	f, err := os.CreateTemp(path.Join(t.opts.Work, "mask"), "file")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	if err := f.Chown(int(t.opts.RootID), int(t.opts.RootID)); err != nil {
		return nil, err
	}
	if err := f.Chmod(os.FileMode(mode)); err != nil {
		return nil, err
	}
	tree, err := cloneTree(f)
	if err != nil {
		return nil, err
	}
	if err := setAttr(tree, always|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_RDONLY, nil); err != nil {
		tree.Close()
		return nil, err
	}
	return tree, nil
}
