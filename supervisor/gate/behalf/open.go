package behalf

import (
	"os"

	"golang.org/x/sys/unix"
)

// openFlags are those that the kernel knows; open(2) ignores the rest.
// include/linux/fcntl.h:VALID_OPEN_FLAGS.
const openFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_APPEND |
	unix.O_NONBLOCK | unix.O_SYNC | unix.O_DSYNC | unix.O_ASYNC | unix.O_DIRECT | unix.O_LARGEFILE |
	unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_CLOEXEC | unix.O_PATH | unix.O_TMPFILE

// Open opens a regular file, in every way that open(2) has, and makes it where
// Flags say so. With O_TMPFILE the target is the directory.
//
// The descriptor is close-on-exec; whether the task's is, is for whoever hands
// it over. Only regular files are opened: a directory is EISDIR, a special file
// EACCES or ENXIO, O_PATH EINVAL.
type Open struct {
	Target Target
	Flags  int
	Mode   uint32
}

func (o Open) targets() []*Target { return []*Target{&o.Target} }

func (o Open) do(_ Cred, at []int) (*os.File, unix.Errno) {
	flags := o.Flags & openFlags
	temporary := flags&unix.O_TMPFILE == unix.O_TMPFILE
	makes := temporary || flags&unix.O_CREAT != 0
	mode := uint64(0)
	if makes {
		mode = uint64(o.Mode) & 0o7777
	}
	switch {
	case flags&unix.O_PATH != 0:
		return nil, unix.EINVAL
	case mode&setID != 0:
		return nil, unix.EPERM
	case temporary && flags&unix.O_CREAT != 0:
		return nil, unix.EINVAL // fs/open.c:build_open_flags
	case o.Target.Base == "":
		return o.self(at[0], flags, mode)
	}
	return o.named(at[0], flags, mode)
}

// named opens Base in the directory at.
func (o Open) named(at, flags int, mode uint64) (*os.File, unix.Errno) {
	first := flags | unix.O_NOFOLLOW
	bind := o.Target.binds() && flags&unix.O_TMPFILE != unix.O_TMPFILE
	absent := false
	if bind {
		// Nothing is emptied and nothing is made before it is known to be
		// what was shown.
		first &^= unix.O_TRUNC
		switch {
		case o.Target.File != nil && flags&unix.O_EXCL == 0:
			first &^= unix.O_CREAT
			mode = 0
		case o.Target.File == nil && flags&unix.O_CREAT != 0:
			absent = flags&unix.O_EXCL == 0
			first |= unix.O_EXCL
		}
	}
	fd, errno := open(at, o.Target.Base, first, mode)
	switch {
	case errno == unix.EEXIST && absent, errno == unix.ENOENT && bind && o.Target.File != nil && flags&unix.O_CREAT != 0:
		return nil, unix.ESTALE // nothing, or something, would have been made
	case errno == unix.ENXIO && isFifo(at, o.Target.Base):
		return nil, unix.EACCES
	case errno != 0:
		return nil, errno
	}
	if made := o.Target.File == nil && flags&unix.O_CREAT != 0; bind && !made {
		if errno := o.Target.is(fd); errno != 0 {
			unix.Close(fd)
			return nil, errno
		}
		if flags&unix.O_TRUNC != 0 {
			if errno := empty(fd, flags); errno != 0 {
				unix.Close(fd)
				return nil, errno
			}
		}
	}
	return finish(fd, flags)
}

// self opens what the target's Dir is.
func (o Open) self(at, flags int, mode uint64) (*os.File, unix.Errno) {
	var st unix.Stat_t
	if err := unix.Fstat(at, &st); err != nil {
		return nil, errnoOf(err)
	}
	kind := st.Mode & unix.S_IFMT
	switch {
	case flags&unix.O_TMPFILE == unix.O_TMPFILE && kind == unix.S_IFDIR:
		fd, errno := open(at, ".", flags, mode)
		if errno != 0 {
			return nil, errno
		}
		return finish(fd, flags)
	case flags&unix.O_CREAT != 0 && flags&unix.O_EXCL != 0:
		return nil, unix.EEXIST
	case kind == unix.S_IFDIR:
		return nil, unix.EISDIR
	case flags&unix.O_DIRECTORY != 0:
		return nil, unix.ENOTDIR
	case kind == unix.S_IFLNK:
		return nil, unix.ELOOP
	case kind != unix.S_IFREG:
		return nil, unix.EACCES
	}
	fd, errno := reopen(at, flags)
	if errno != 0 {
		return nil, errno
	}
	return finish(fd, flags)
}

// open never waits: O_NONBLOCK is taken away again by finish.
func open(at int, base string, flags int, mode uint64) (fd int, errno unix.Errno) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOCTTY),
		Mode:    mode,
		Resolve: beneath,
	}
	errno = again(func() (err error) {
		fd, err = unix.Openat2(at, base, &how)
		return err
	})
	return fd, errno
}

// reopen opens a file that is open, or only pinned, once more.
func reopen(fd, flags int) (second int, errno unix.Errno) {
	flags &^= unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW
	errno = again(func() (err error) {
		second, err = unix.Open(name(fd), flags|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		return err
	})
	return second, errno
}

// empty does what O_TRUNC does, on a file that is open already.
func empty(fd, flags int) unix.Errno {
	second, errno := reopen(fd, flags&unix.O_ACCMODE|unix.O_TRUNC)
	if errno == 0 {
		unix.Close(second)
	}
	return errno
}

// finish lets only regular files out, in the mode that was asked for.
func finish(fd, flags int) (*os.File, unix.Errno) {
	var st unix.Stat_t
	errno := errnoOf(unix.Fstat(fd, &st))
	switch {
	case errno != 0:
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		errno = unix.EISDIR
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		errno = unix.EACCES
	default:
		errno = status(fd, flags)
	}
	if errno != 0 {
		unix.Close(fd)
		return nil, errno
	}
	return os.NewFile(uintptr(fd), "file opened on behalf"), 0
}

// kept are the flags that F_SETFL sets, all of them. fs/fcntl.c:SETFL_MASK.
const kept = unix.O_APPEND | unix.O_NONBLOCK | unix.O_DIRECT | unix.O_NOATIME

// status takes O_NONBLOCK away again, unless it was asked for.
func status(fd, flags int) unix.Errno {
	if flags&unix.O_NONBLOCK != 0 {
		return 0
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags&kept)
	return errnoOf(err)
}

// isFifo asks why an open failed: a fifo without a reader gives ENXIO, one with
// a reader is opened, and the answer must not tell which it is.
func isFifo(at int, base string) bool {
	var st unix.Stat_t
	return unix.Fstatat(at, base, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}
