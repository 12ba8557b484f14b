package behalf

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Op is one operation. Its targets' directories are held open while it is done.
type Op interface {
	targets() []*Target
	// do runs on the worker's thread; at are the targets' directories.
	do(cred Cred, at []int) (*os.File, unix.Errno)
}

// setID are the mode bits that are never given.
const setID = unix.S_ISUID | unix.S_ISGID

// Unlink removes a name that is no directory.
type Unlink struct{ Target Target }

func (o Unlink) targets() []*Target { return []*Target{&o.Target} }

func (o Unlink) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if o.Target.Base == "" {
		return nil, unix.EBUSY // the root of a mount
	}
	if errno := o.Target.bound(at[0]); errno != 0 {
		return nil, errno
	}
	return nil, again(func() error { return unix.Unlinkat(at[0], o.Target.Base, 0) })
}

// Rmdir removes an empty directory.
type Rmdir struct{ Target Target }

func (o Rmdir) targets() []*Target { return []*Target{&o.Target} }

func (o Rmdir) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if o.Target.Base == "" {
		return nil, unix.EBUSY
	}
	if errno := o.Target.bound(at[0]); errno != 0 {
		return nil, errno
	}
	return nil, again(func() error { return unix.Unlinkat(at[0], o.Target.Base, unix.AT_REMOVEDIR) })
}

// Rename is renameat2(2). Targets of different roots give EXDEV, as different
// mounts do.
type Rename struct {
	From, To Target
	Flags    uint // RENAME_NOREPLACE, RENAME_EXCHANGE
}

func (o Rename) targets() []*Target { return []*Target{&o.From, &o.To} }

func (o Rename) do(_ Cred, at []int) (*os.File, unix.Errno) {
	switch {
	case o.Flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE|unix.RENAME_WHITEOUT) != 0:
		return nil, unix.EINVAL
	case o.Flags&unix.RENAME_WHITEOUT != 0:
		return nil, unix.EPERM // makes a device file
	case o.From.root != o.To.root:
		return nil, unix.EXDEV
	case o.From.Base == "" || o.To.Base == "":
		return nil, unix.EBUSY
	}
	if errno := o.From.bound(at[0]); errno != 0 {
		return nil, errno
	}
	if errno := o.To.bound(at[1]); errno == unix.ENOENT {
		return nil, unix.ESTALE // it would have been replaced or exchanged
	} else if errno != 0 {
		return nil, errno
	}
	return nil, again(func() error { return unix.Renameat2(at[0], o.From.Base, at[1], o.To.Base, o.Flags) })
}

// Link gives a file one more name. From may be a Descriptor: that is how a file
// made with O_TMPFILE gets its first.
//
// link(2) looks for the file before it looks for the new name's directory:
// whoever pins both answers ENOENT to a From without File first.
type Link struct{ From, To Target }

func (o Link) targets() []*Target { return []*Target{&o.From, &o.To} }

func (o Link) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if o.To.Base == "" {
		return nil, unix.EEXIST
	}
	if o.From.Base == "" {
		return nil, again(func() error {
			return unix.Linkat(unix.AT_FDCWD, name(at[0]), at[1], o.To.Base, unix.AT_SYMLINK_FOLLOW)
		})
	}
	if errno := o.From.bound(at[0]); errno != 0 {
		return nil, errno
	}
	return nil, again(func() error { return unix.Linkat(at[0], o.From.Base, at[1], o.To.Base, 0) })
}

// Symlink makes a symbolic link that says Text.
type Symlink struct {
	Text   string
	Target Target
}

func (o Symlink) targets() []*Target { return []*Target{&o.Target} }

func (o Symlink) do(_ Cred, at []int) (*os.File, unix.Errno) {
	switch {
	case strings.ContainsRune(o.Text, 0):
		return nil, unix.EINVAL
	case o.Target.Base == "":
		return nil, unix.EEXIST
	}
	return nil, again(func() error { return unix.Symlinkat(o.Text, at[0], o.Target.Base) })
}

// Mkdir makes a directory.
type Mkdir struct {
	Target Target
	Mode   uint32
}

func (o Mkdir) targets() []*Target { return []*Target{&o.Target} }

func (o Mkdir) do(_ Cred, at []int) (*os.File, unix.Errno) {
	switch {
	case o.Mode&setID != 0:
		return nil, unix.EPERM
	case o.Target.Base == "":
		return nil, unix.EEXIST
	}
	return nil, again(func() error { return unix.Mkdirat(at[0], o.Target.Base, o.Mode) })
}

// Mknod makes an empty regular file or a fifo. Mode holds the type, too.
type Mknod struct {
	Target Target
	Mode   uint32
}

func (o Mknod) targets() []*Target { return []*Target{&o.Target} }

func (o Mknod) do(_ Cred, at []int) (*os.File, unix.Errno) {
	kind := o.Mode & unix.S_IFMT
	switch {
	case kind == unix.S_IFDIR:
		return nil, unix.EPERM // fs/namei.c:may_mknod
	case kind != 0 && kind != unix.S_IFREG && kind != unix.S_IFIFO, o.Mode&setID != 0:
		return nil, unix.EPERM
	case o.Target.Base == "":
		return nil, unix.EEXIST
	}
	return nil, again(func() error { return unix.Mknodat(at[0], o.Target.Base, o.Mode, 0) })
}
