package root

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// Options are what Build needs beside the spec.
type Options struct {
	// Work is a directory of the host that is covered for the purpose.
	Work string
	// RootID owns the tree: the host's id that the jail knows as 0.
	RootID uint32
	// ShowRoot, when not nil, is a user namespace that maps 0 to RootID: binds
	// are mapped by it where their file system can.
	ShowRoot *os.File
	// MapUser, when not nil, is a user namespace that maps 0 to the jail's
	// user: binds marked Idmap are mapped by it or refused.
	MapUser *os.File
}

// Tree is a built tree. Path is where it is mounted.
type Tree struct {
	Path string
	// Work is a directory beside the tree, on the same private tmpfs.
	Work string
	root *os.File
	dev  *os.File
	mask *os.File // a directory with the entries that masks show
	// fixed become read-only in the end, when no more mount points are made.
	fixed []*os.File
	spec  jail.Spec
	opts  Options
	// own are the file systems that this tree made, and who owns what is made
	// in them: mount points may be made there and nowhere else.
	own map[uint64]owner
}

type owner struct{ uid, gid uint32 }

// prepared is a mount whose source is open already.
type prepared struct {
	jail.Mount
	source *os.File // detached copy, for Bind
	isDir  bool
}

// rootBytes bounds the tmpfs of the tree itself. It holds directories, links
// and the files of the spec.
const rootBytes = 4 << 20

// Build builds the tree of s. On error nothing but mounts in the caller's
// private mount namespace is left.
func Build(s jail.Spec, opts Options) (_ *Tree, err error) {
	mounts := slices.Concat(s.Mounts, Defaults(s))
	slices.SortStableFunc(mounts, func(a, b jail.Mount) int {
		return cmp.Compare(depth(a.Target), depth(b.Target))
	})
	t := &Tree{spec: s, opts: opts, own: make(map[uint64]owner)}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	ready, err := t.open(mounts)
	defer func() {
		for _, p := range ready {
			if p.source != nil {
				p.source.Close()
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := t.start(); err != nil {
		return nil, err
	}
	if err := t.devices(); err != nil {
		return nil, fmt.Errorf("make /dev: %w", err)
	}
	for _, p := range ready {
		if err := t.add(p); err != nil {
			return nil, fmt.Errorf("show %q: %w", p.Target, err)
		}
	}
	if err := t.mkdir("/proc"); err != nil {
		return nil, fmt.Errorf("make /proc: %w", err)
	}
	return t, nil
}

func depth(target string) int { return strings.Count(path.Clean(target), "/") }

// open takes a detached copy of every source, before anything is mounted.
func (t *Tree) open(mounts []jail.Mount) ([]prepared, error) {
	out := make([]prepared, 0, len(mounts))
	for _, m := range mounts {
		p := prepared{Mount: m}
		if m.Kind == jail.Bind {
			if err := t.openBind(&p); err != nil {
				return out, err
			}
		}
		out = append(out, p)
	}
	return out, nil
}

func (t *Tree) openBind(p *prepared) error {
	src, err := openSource(p.Source)
	if errors.Is(err, unix.ENOENT) && p.Create {
		if err := createSource(p.Source, t.spec.User.UID, t.spec.User.GID); err != nil {
			return err
		}
		src, err = openSource(p.Source)
	}
	if err != nil {
		return err
	}
	defer src.Close()
	kind, err := typeOf(int(src.Fd()))
	if err != nil {
		return fmt.Errorf("stat %q: %w", p.Source, err)
	}
	p.isDir = kind == unix.S_IFDIR
	if p.source, err = cloneTree(src); err != nil {
		return err
	}
	set := uint64(always)
	if !p.Write {
		set |= unix.MOUNT_ATTR_RDONLY
	}
	if !p.Exec {
		set |= unix.MOUNT_ATTR_NOEXEC
	}
	if p.Idmap && t.opts.MapUser != nil {
		err := setAttr(p.source, set, t.opts.MapUser)
		if err != nil && isUnmappable(err) {
			return fmt.Errorf("map the owner of %q: its file system has no id-mapped mounts "+
				"(give the directory to the user that the jail runs as, or name its owner with --user): %w", p.Source, err)
		}
		return err
	}
	if t.opts.ShowRoot != nil {
		if err := setAttr(p.source, set, t.opts.ShowRoot); err == nil || !isUnmappable(err) {
			return err
		}
	}
	return setAttr(p.source, set, nil)
}

// start covers Work with a tmpfs and mounts the tree's root in it.
func (t *Tree) start() error {
	work, err := newTmpfs(always|unix.MOUNT_ATTR_NOEXEC, rootBytes, 0o711, 0, 0)
	if err != nil {
		return err
	}
	defer work.Close()
	at, err := openDir(unix.AT_FDCWD, t.opts.Work)
	if err != nil {
		return &os.PathError{Op: "open", Path: t.opts.Work, Err: err}
	}
	defer unix.Close(at)
	if err := attach(work, at); err != nil {
		return fmt.Errorf("cover %q: %w", t.opts.Work, err)
	}
	t.Path, t.Work = path.Join(t.opts.Work, "root"), path.Join(t.opts.Work, "state")
	for _, dir := range []string{t.Path, t.Work, path.Join(t.opts.Work, "mask")} {
		if err := os.Mkdir(dir, 0o711); err != nil {
			return err
		}
	}
	if err := t.makeMasks(path.Join(t.opts.Work, "mask")); err != nil {
		return err
	}
	me := owner{t.opts.RootID, t.opts.RootID}
	t.root, err = t.newOwn(always|unix.MOUNT_ATTR_NOEXEC, rootBytes, 0o755, me)
	if err != nil {
		return err
	}
	to, err := openDir(unix.AT_FDCWD, t.Path)
	if err != nil {
		return &os.PathError{Op: "open", Path: t.Path, Err: err}
	}
	defer unix.Close(to)
	return attach(t.root, to)
}

// newOwn makes a tmpfs in which mount points may be made.
func (t *Tree) newOwn(attr int, size int64, mode uint32, o owner) (*os.File, error) {
	f, err := newTmpfs(attr, size, mode, o.uid, o.gid)
	if err != nil {
		return nil, err
	}
	dev, err := deviceOf(int(f.Fd()))
	if err != nil {
		f.Close()
		return nil, err
	}
	t.own[dev] = o
	return f, nil
}

// Seal makes what the tree itself consists of read-only. Nothing can be added
// afterwards.
func (t *Tree) Seal() error {
	for _, m := range append(t.fixed, t.dev, t.root) {
		if err := readOnly(m); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the descriptors.
func (t *Tree) Close() error {
	var errs []error
	for _, f := range append(t.fixed, t.root, t.dev, t.mask) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Map returns the text of a uid_map that shows the host's 0 as id and everybody
// else but id as itself.
func Map(id uint32) string {
	const all = 1<<32 - 1 // ids are 0 to 2^32-2
	s := "0 " + strconv.FormatUint(uint64(id), 10) + " 1\n"
	if id > 1 {
		s += fmt.Sprintf("1 1 %d\n", id-1)
	}
	if uint64(id)+1 < all {
		s += fmt.Sprintf("%d %d %d\n", id+1, id+1, all-uint64(id)-1)
	}
	return s
}
