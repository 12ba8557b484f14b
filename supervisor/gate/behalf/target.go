package behalf

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// beneath keeps a lookup on the path that was judged: no way out of the root,
// and no link, which would make it another path.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS

// Target is where something is to happen: a name in a pinned directory, or,
// with an empty name, the file that Dir itself holds.
type Target struct {
	Dir  *os.File // O_PATH
	Base string   // one component
	// Dev and Ino are who Dir is, numbered as in tracee.Identity.
	Dev, Ino uint64
	// File is what Base was, O_PATH; nil if there was nothing.
	File *os.File
	// FileDev and FileIno are who File is. A file that a mask of the jail's
	// covers is another one there.
	FileDev, FileIno uint64
	// Bind makes an operation on anything else than File, or than nothing if
	// File is nil, fail: with ENOENT when it is gone and would only have been
	// found, with ESTALE otherwise.
	Bind bool

	root *Root
	rel  string // of Dir, from the root; "." is the root
	now  bool   // pinned with the task's rights, for one operation at once
}

// Parent pins the directory of a path below the root, and what the path leads
// to now. rel is clean, without ".." and links; "" is the root itself.
//
// It looks with the supervisor's rights, for judging and showing. Whether the
// task may pass there is found out by Do.
func (r *Root) Parent(rel string) (Target, error) {
	t, err := r.directory(rel)
	if err != nil {
		return Target{}, err
	}
	if err := t.pin(); err != nil {
		return Target{}, errors.Join(fmt.Errorf("%q below %q: %w", rel, r.jail, err), t.Close())
	}
	return t, nil
}

// directory pins the directory only.
func (r *Root) directory(rel string) (Target, error) {
	if rel != "" && (path.IsAbs(rel) || path.Clean(rel) != rel || rel == ".." || strings.HasPrefix(rel, "../") ||
		strings.ContainsRune(rel, 0)) {
		return Target{}, fmt.Errorf("%q below %q: not a clean relative path: %w", rel, r.jail, unix.EINVAL)
	}
	t := Target{root: r, rel: "."}
	if rel != "" && rel != "." {
		t.rel, t.Base = path.Split(rel)
		if t.rel = strings.TrimSuffix(t.rel, "/"); t.rel == "" {
			t.rel = "."
		}
	}
	var err error
	if t.Dir, err = r.walk(t.rel, t.Base != ""); err != nil {
		return Target{}, fmt.Errorf("%q below %q: %w", rel, r.jail, err)
	}
	st, err := stat(t.Dir)
	if err != nil {
		return Target{}, errors.Join(fmt.Errorf("%q below %q: %w", rel, r.jail, err), t.Close())
	}
	t.Dev, t.Ino = kernelDev(st.Dev), st.Ino
	return t, nil
}

// pin takes hold of what Base is.
func (t *Target) pin() error {
	if t.Base == "" {
		return nil
	}
	errno := unix.Errno(0)
	err := control(t.Dir, func(dir int) { t.File, errno = pinned(dir, t.Base) })
	if err != nil {
		return err
	}
	switch errno {
	case 0:
		st, err := stat(t.File)
		t.FileDev, t.FileIno = kernelDev(st.Dev), st.Ino
		return err
	case unix.ENOENT, unix.ENAMETOOLONG: // the kernel finds the latter out late, too
		return nil
	default:
		return errno
	}
}

// Descriptor is a target that is the file itself and has no name: one of the
// task's own descriptors. Closing the target closes f.
func Descriptor(f *os.File) Target { return Target{Dir: f} }

// Close lets go of the directory and the file.
func (t *Target) Close() error {
	var errs []error
	for _, f := range []*os.File{t.Dir, t.File} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// walk opens the directory rel, or what the root itself is.
func (r *Root) walk(rel string, directory bool) (*os.File, error) {
	flags := uint64(unix.O_PATH | unix.O_CLOEXEC)
	if directory {
		flags |= unix.O_DIRECTORY
	}
	if r.file {
		if directory || rel != "." {
			return nil, unix.ENOTDIR
		}
		return duplicate(r.dir)
	}
	var fd int
	var err error
	if cerr := control(r.dir, func(root int) {
		fd, err = unix.Openat2(root, rel, &unix.OpenHow{Flags: flags, Resolve: beneath})
	}); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), rel), nil
}

// valid refuses names that are more than one component, and those that the
// kernel treats apart.
func (t *Target) valid() unix.Errno {
	switch {
	case t.Dir == nil:
		return unix.EBADF
	case t.Base == "." || t.Base == ".." || strings.ContainsAny(t.Base, "/\x00"):
		return unix.EINVAL
	}
	return 0
}

// check looks, with the task's rights, whether the target is still where it
// was pinned.
func (t *Target) check() unix.Errno {
	if errno := t.valid(); errno != 0 || t.root == nil || t.now {
		return errno
	}
	now, err := t.root.walk(t.rel, t.Base != "")
	if err != nil {
		return errnoOf(err)
	}
	defer now.Close()
	st, err := stat(now)
	if err != nil {
		return errnoOf(err)
	}
	if kernelDev(st.Dev) != t.Dev || st.Ino != t.Ino {
		return unix.ESTALE
	}
	return 0
}

// binds says that only the very file will do that was pinned.
func (t *Target) binds() bool { return t.Bind && t.Base != "" && !t.now }

// bound compares what Base is in the directory at with what it was. It is for
// operations on names; those on files compare the file that they have.
func (t *Target) bound(at int) unix.Errno {
	if !t.binds() {
		return 0
	}
	f, errno := pinned(at, t.Base)
	switch {
	case errno == unix.ENOENT && t.File == nil:
		return 0
	case errno != 0:
		return errno
	}
	defer f.Close()
	if err := control(f, func(fd int) { errno = t.is(fd) }); err != nil {
		return errnoOf(err)
	}
	return errno
}

// is compares an open file with the one that the target is bound to.
func (t *Target) is(fd int) unix.Errno {
	if !t.binds() {
		return 0
	}
	if t.File == nil {
		return unix.ESTALE
	}
	want, err := stat(t.File)
	if err != nil {
		return errnoOf(err)
	}
	var got unix.Stat_t
	if err := unix.Fstat(fd, &got); err != nil {
		return errnoOf(err)
	}
	if got.Dev != want.Dev || got.Ino != want.Ino {
		return unix.ESTALE
	}
	return 0
}

// pinned opens what a name is, a link itself included, without the right to do
// anything with it.
func pinned(dir int, base string) (*os.File, unix.Errno) {
	var fd int
	errno := again(func() (err error) {
		fd, err = unix.Openat2(dir, base, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
		})
		return err
	})
	if errno != 0 {
		return nil, errno
	}
	return os.NewFile(uintptr(fd), base), 0
}
