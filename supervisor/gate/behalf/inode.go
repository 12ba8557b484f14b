package behalf

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// inode runs fn with a path to the very file that the target is. follow refuses
// symbolic links, which are the caller's to follow.
func (t *Target) inode(at int, follow bool, fn func(fd int, st *unix.Stat_t) error) unix.Errno {
	var st unix.Stat_t
	if t.Base == "" {
		if err := unix.Fstat(at, &st); err != nil {
			return errnoOf(err)
		}
		return again(func() error { return fn(at, &st) })
	}
	f, errno := pinned(at, t.Base)
	if errno != 0 {
		return errno
	}
	defer f.Close()
	err := control(f, func(fd int) {
		if errno = t.is(fd); errno != 0 {
			return
		}
		if errno = errnoOf(unix.Fstat(fd, &st)); errno != 0 {
			return
		}
		if follow && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			errno = unix.ELOOP
			return
		}
		errno = again(func() error { return fn(fd, &st) })
	})
	if err != nil {
		return errnoOf(err)
	}
	return errno
}

// Truncate is truncate(2), or ftruncate(2) if the target is a Descriptor that
// is open for more than its path.
type Truncate struct {
	Target Target
	Size   int64
}

func (o Truncate) targets() []*Target { return []*Target{&o.Target} }

func (o Truncate) do(cred Cred, at []int) (*os.File, unix.Errno) {
	if o.Size < 0 {
		return nil, unix.EINVAL
	}
	return nil, o.Target.inode(at[0], true, func(fd int, st *unix.Stat_t) error {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
		case unix.S_IFDIR:
			return unix.EISDIR
		default:
			return unix.EINVAL
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		open := flags&unix.O_PATH == 0
		if cred.FileSize != 0 && o.Size > cred.FileSize && o.Size > st.Size {
			if !open {
				if err := unix.Faccessat(unix.AT_FDCWD, name(fd), unix.W_OK, unix.AT_EACCESS); err != nil {
					return err
				}
			}
			return unix.EFBIG
		}
		if open {
			return unix.Ftruncate(fd, o.Size)
		}
		return unix.Truncate(name(fd), o.Size)
	})
}

// Chmod changes the mode of what is no symbolic link.
type Chmod struct {
	Target Target
	Mode   uint32
}

func (o Chmod) targets() []*Target { return []*Target{&o.Target} }

func (o Chmod) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if o.Mode&setID != 0 {
		return nil, unix.EPERM
	}
	return nil, o.Target.inode(at[0], true, func(fd int, _ *unix.Stat_t) error {
		return unix.Chmod(name(fd), o.Mode&0o7777)
	})
}

// Chown changes nothing: UID and GID are the task's own or -1, and the file
// must be the task's. Anything else is EPERM, as for everybody without
// capabilities. Set-id bits go, as they do with every chown(2).
type Chown struct {
	Target   Target
	UID, GID int64 // as the host numbers them; -1 leaves it
	NoFollow bool
}

func (o Chown) targets() []*Target { return []*Target{&o.Target} }

func (o Chown) do(cred Cred, at []int) (*os.File, unix.Errno) {
	return nil, o.Target.inode(at[0], !o.NoFollow, func(fd int, _ *unix.Stat_t) error {
		if o.UID != -1 && o.UID != int64(cred.UID) || o.GID != -1 && o.GID != int64(cred.GID) {
			return unix.EPERM
		}
		return unix.Chown(name(fd), int(o.UID), int(o.GID))
	})
}

// Utimens sets the times of access and modification; UTIME_NOW and UTIME_OMIT
// mean what they do in utimensat(2).
type Utimens struct {
	Target   Target
	Times    [2]unix.Timespec
	NoFollow bool
}

func (o Utimens) targets() []*Target { return []*Target{&o.Target} }

func (o Utimens) do(_ Cred, at []int) (*os.File, unix.Errno) {
	return nil, o.Target.inode(at[0], !o.NoFollow, func(fd int, _ *unix.Stat_t) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, name(fd), o.Times[:], 0)
	})
}

// Limits of extended attributes, include/uapi/linux/limits.h.
const (
	maxXattrName  = 255
	maxXattrValue = 65536
	userXattr     = "user."
)

// Setxattr sets an extended attribute user.*.
type Setxattr struct {
	Target   Target
	Name     string
	Value    []byte
	Flags    int // XATTR_CREATE, XATTR_REPLACE
	NoFollow bool
}

func (o Setxattr) targets() []*Target { return []*Target{&o.Target} }

func (o Setxattr) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if errno := xattrName(o.Name); errno != 0 {
		return nil, errno
	}
	if len(o.Value) > maxXattrValue {
		return nil, unix.E2BIG
	}
	return nil, o.Target.inode(at[0], !o.NoFollow, func(fd int, _ *unix.Stat_t) error {
		return unix.Setxattr(name(fd), o.Name, o.Value, o.Flags)
	})
}

// Removexattr removes an extended attribute user.*.
type Removexattr struct {
	Target   Target
	Name     string
	NoFollow bool
}

func (o Removexattr) targets() []*Target { return []*Target{&o.Target} }

func (o Removexattr) do(_ Cred, at []int) (*os.File, unix.Errno) {
	if errno := xattrName(o.Name); errno != 0 {
		return nil, errno
	}
	return nil, o.Target.inode(at[0], !o.NoFollow, func(fd int, _ *unix.Stat_t) error {
		return unix.Removexattr(name(fd), o.Name)
	})
}

func xattrName(name string) unix.Errno {
	switch {
	case name == "" || len(name) > maxXattrName:
		return unix.ERANGE
	case strings.ContainsRune(name, 0):
		return unix.EINVAL
	case !strings.HasPrefix(name, userXattr):
		return unix.EPERM
	}
	return 0
}
