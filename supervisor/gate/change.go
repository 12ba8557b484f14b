package gate

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/gate/behalf"
)

// place is one path of a call, or one descriptor.
type place struct {
	dirfd  int32
	name   string
	follow bool // a symbolic link at the end is followed
	byFD   bool // dirfd is the file itself

	file *tracee.Resolved // what is there now; nil if nothing is
	dir  tracee.Resolved  // the directory that holds it; unset for a descriptor
	base string
	path string // dir and base, as the kernel names them

	given bool // a descriptor that the gate opened for the task
}

func (p *place) close() {
	if p.file != nil {
		_ = p.file.Close()
	}
	_ = p.dir.Close()
}

// change is one call that changes files, decoded.
type change struct {
	op     string // as policies and records name it
	delete bool   // it removes a name, a file or all of its content
	places []place
	// perform makes the operation out of the pinned targets, in the order of
	// places.
	perform func([]behalf.Target) behalf.Op
	resizes bool // to size bytes
	size    int64
	open    bool // the answer is a descriptor
	cloexec bool
}

// looker copies a caller's memory.
type looker interface {
	String(addr uint64, limit int) (string, error)
	Bytes(addr uint64, n int) ([]byte, error)
}

// decoder reads the arguments of a call.
type decoder struct {
	task looker
	args [6]uint64
	err  error
}

func (d *decoder) fd(i int) int32 { return int32(d.args[i]) }

func (d *decoder) str(i int) string {
	if d.err != nil {
		return ""
	}
	var s string
	s, d.err = d.task.String(d.args[i], maxPath)
	return s
}

// at is a path relative to the descriptor of argument i, given in argument i+1.
func (d *decoder) at(i int, follow bool) place {
	return place{dirfd: d.fd(i), name: d.str(i + 1), follow: follow}
}

// path is a path relative to the working directory.
func (d *decoder) path(i int, follow bool) place {
	return place{dirfd: unix.AT_FDCWD, name: d.str(i), follow: follow}
}

// file is a descriptor.
func (d *decoder) file(i int) place { return place{dirfd: d.fd(i), byFD: true} }

// id is a user or group of the jail; what is not -1 is only ever the task's own.
func id(v uint64) int64 {
	if uint32(v) == ^uint32(0) {
		return -1
	}
	return int64(uint32(v))
}

// decode turns a call into a change. ok is false for a call that is none.
func decode(call notify.Call, task looker) (c *change, ok bool, err error) {
	d := &decoder{task: task, args: call.Args}
	for _, part := range []func(*decoder, int32) *change{opens, removes, renames, makes, attributes, times} {
		if c := part(d, call.Nr); c != nil {
			return c, true, d.err
		}
	}
	return nil, false, d.err
}

func opens(d *decoder, nr int32) *change {
	var p place
	var flags int
	var mode uint32
	switch nr {
	case unix.SYS_OPEN:
		flags, mode = int(int32(d.args[1])), uint32(d.args[2])
		p = d.path(0, true)
	case unix.SYS_OPENAT:
		flags, mode = int(int32(d.args[2])), uint32(d.args[3])
		p = d.at(0, true)
	case unix.SYS_CREAT:
		flags, mode = unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, uint32(d.args[1])
		p = d.path(0, true)
	default:
		return nil
	}
	exclusive := flags&unix.O_CREAT != 0 && flags&unix.O_EXCL != 0
	p.follow = flags&unix.O_NOFOLLOW == 0 && !exclusive
	return &change{op: "open", delete: flags&unix.O_TRUNC != 0, places: []place{p}, open: true, cloexec: flags&unix.O_CLOEXEC != 0,
		perform: func(t []behalf.Target) behalf.Op { return behalf.Open{Target: t[0], Flags: flags, Mode: mode} }}
}

func removes(d *decoder, nr int32) *change {
	unlink := func(t []behalf.Target) behalf.Op { return behalf.Unlink{Target: t[0]} }
	rmdir := func(t []behalf.Target) behalf.Op { return behalf.Rmdir{Target: t[0]} }
	switch nr {
	case unix.SYS_UNLINK:
		return &change{op: "unlink", delete: true, places: []place{d.path(0, false)}, perform: unlink}
	case unix.SYS_RMDIR:
		return &change{op: "rmdir", delete: true, places: []place{d.path(0, false)}, perform: rmdir}
	case unix.SYS_UNLINKAT:
		c := &change{op: "unlink", delete: true, places: []place{d.at(0, false)}, perform: unlink}
		if d.args[2]&unix.AT_REMOVEDIR != 0 {
			c.op, c.perform = "rmdir", rmdir
		}
		return c
	case unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE:
		size := int64(d.args[1])
		c := &change{op: "truncate", delete: size == 0, resizes: true, size: size,
			perform: func(t []behalf.Target) behalf.Op { return behalf.Truncate{Target: t[0], Size: size} }}
		if nr == unix.SYS_FTRUNCATE {
			c.places = []place{d.file(0)}
		} else {
			c.places = []place{d.path(0, true)}
		}
		return c
	}
	return nil
}

func renames(d *decoder, nr int32) *change {
	var from, to place
	var flags uint
	switch nr {
	case unix.SYS_RENAME:
		from, to = d.path(0, false), d.path(1, false)
	case unix.SYS_RENAMEAT:
		from, to = d.at(0, false), d.at(2, false)
	case unix.SYS_RENAMEAT2:
		from, to, flags = d.at(0, false), d.at(2, false), uint(uint32(d.args[4]))
	default:
		return nil
	}
	return &change{op: "rename", delete: flags&(unix.RENAME_EXCHANGE|unix.RENAME_NOREPLACE) == 0, places: []place{from, to},
		perform: func(t []behalf.Target) behalf.Op { return behalf.Rename{From: t[0], To: t[1], Flags: flags} }}
}

func makes(d *decoder, nr int32) *change {
	link := func(t []behalf.Target) behalf.Op { return behalf.Link{From: t[0], To: t[1]} }
	switch nr {
	case unix.SYS_LINK:
		return &change{op: "link", places: []place{d.path(0, false), d.path(1, false)}, perform: link}
	case unix.SYS_LINKAT:
		from := d.at(0, d.args[4]&unix.AT_SYMLINK_FOLLOW != 0)
		from.byFD = from.name == "" && d.args[4]&unix.AT_EMPTY_PATH != 0
		return &change{op: "link", places: []place{from, d.at(2, false)}, perform: link}
	case unix.SYS_SYMLINK, unix.SYS_SYMLINKAT:
		text := d.str(0)
		c := &change{op: "symlink", perform: func(t []behalf.Target) behalf.Op { return behalf.Symlink{Text: text, Target: t[0]} }}
		if nr == unix.SYS_SYMLINK {
			c.places = []place{d.path(1, false)}
		} else {
			c.places = []place{d.at(1, false)}
		}
		return c
	case unix.SYS_MKDIR, unix.SYS_MKDIRAT:
		c := &change{op: "mkdir", places: []place{d.path(0, false)}}
		mode := uint32(d.args[1])
		if nr == unix.SYS_MKDIRAT {
			c.places, mode = []place{d.at(0, false)}, uint32(d.args[2])
		}
		c.perform = func(t []behalf.Target) behalf.Op { return behalf.Mkdir{Target: t[0], Mode: mode} }
		return c
	case unix.SYS_MKNOD, unix.SYS_MKNODAT:
		c := &change{op: "mknod", places: []place{d.path(0, false)}}
		mode := uint32(d.args[1])
		if nr == unix.SYS_MKNODAT {
			c.places, mode = []place{d.at(0, false)}, uint32(d.args[2])
		}
		c.perform = func(t []behalf.Target) behalf.Op { return behalf.Mknod{Target: t[0], Mode: mode} }
		return c
	}
	return nil
}

// fchmodat2 is 452 on every architecture, since 6.6.
const sysFchmodat2 = 452

func attributes(d *decoder, nr int32) *change {
	chmod := func(mode uint64) func([]behalf.Target) behalf.Op {
		return func(t []behalf.Target) behalf.Op { return behalf.Chmod{Target: t[0], Mode: uint32(mode)} }
	}
	chown := func(uid, gid uint64, follow bool) func([]behalf.Target) behalf.Op {
		return func(t []behalf.Target) behalf.Op {
			return behalf.Chown{Target: t[0], UID: id(uid), GID: id(gid), NoFollow: !follow}
		}
	}
	a := d.args
	switch nr {
	case unix.SYS_CHMOD:
		return &change{op: "chmod", places: []place{d.path(0, true)}, perform: chmod(a[1])}
	case unix.SYS_FCHMOD:
		return &change{op: "chmod", places: []place{d.file(0)}, perform: chmod(a[1])}
	case unix.SYS_FCHMODAT, sysFchmodat2:
		return &change{op: "chmod", places: []place{d.at(0, nr == unix.SYS_FCHMODAT || a[3]&unix.AT_SYMLINK_NOFOLLOW == 0)}, perform: chmod(a[2])}
	case unix.SYS_CHOWN, unix.SYS_LCHOWN:
		follow := nr == unix.SYS_CHOWN
		return &change{op: "chown", places: []place{d.path(0, follow)}, perform: chown(a[1], a[2], follow)}
	case unix.SYS_FCHOWN:
		return &change{op: "chown", places: []place{d.file(0)}, perform: chown(a[1], a[2], true)}
	case unix.SYS_FCHOWNAT:
		follow := a[4]&unix.AT_SYMLINK_NOFOLLOW == 0
		p := d.at(0, follow)
		p.byFD = p.name == "" && a[4]&unix.AT_EMPTY_PATH != 0
		return &change{op: "chown", places: []place{p}, perform: chown(a[2], a[3], follow)}
	}
	return xattrs(d, nr)
}

// maxXattr is include/uapi/linux/limits.h:XATTR_SIZE_MAX.
const maxXattr = 65536

func xattrs(d *decoder, nr int32) *change {
	var p place
	follow := true
	switch nr {
	case unix.SYS_SETXATTR, unix.SYS_REMOVEXATTR:
		p = d.path(0, true)
	case unix.SYS_LSETXATTR, unix.SYS_LREMOVEXATTR:
		p, follow = d.path(0, false), false
	case unix.SYS_FSETXATTR, unix.SYS_FREMOVEXATTR:
		p = d.file(0)
	default:
		return nil
	}
	name := d.str(1)
	switch nr {
	case unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR:
		return &change{op: "removexattr", places: []place{p},
			perform: func(t []behalf.Target) behalf.Op {
				return behalf.Removexattr{Target: t[0], Name: name, NoFollow: !follow}
			}}
	}
	if d.args[3] > maxXattr {
		d.err = unix.E2BIG
		return &change{op: "setxattr"}
	}
	var value []byte
	if d.err == nil && d.args[3] > 0 {
		value, d.err = d.task.Bytes(d.args[2], int(d.args[3]))
	}
	flags := int(int32(d.args[4]))
	return &change{op: "setxattr", places: []place{p}, perform: func(t []behalf.Target) behalf.Op {
		return behalf.Setxattr{Target: t[0], Name: name, Value: value, Flags: flags, NoFollow: !follow}
	}}
}

// times decodes the four calls that set a file's times, each with a form of
// its own.
func times(d *decoder, nr int32) *change {
	var p place
	follow := true
	var ts [2]unix.Timespec
	switch nr {
	case unix.SYS_UTIME: // struct utimbuf: two seconds
		p = d.path(0, true)
		ts = d.times(1, 8, func(b []byte) unix.Timespec { return unix.Timespec{Sec: int64(binary.NativeEndian.Uint64(b))} })
	case unix.SYS_UTIMES:
		p = d.path(0, true)
		ts = d.times(1, 16, micro)
	case unix.SYS_FUTIMESAT:
		p = d.at(0, true)
		ts = d.times(2, 16, micro)
	case unix.SYS_UTIMENSAT:
		follow = d.args[3]&unix.AT_SYMLINK_NOFOLLOW == 0
		if d.args[1] == 0 {
			p = d.file(0) // futimens(3)
		} else {
			p = d.at(0, follow)
		}
		ts = d.times(2, 16, func(b []byte) unix.Timespec {
			return unix.Timespec{Sec: int64(binary.NativeEndian.Uint64(b)), Nsec: int64(binary.NativeEndian.Uint64(b[8:]))}
		})
	default:
		return nil
	}
	return &change{op: "utimens", places: []place{p}, perform: func(t []behalf.Target) behalf.Op {
		return behalf.Utimens{Target: t[0], Times: ts, NoFollow: !follow}
	}}
}

// micro reads a struct timeval. Microseconds out of range are refused later by
// the kernel, which sees them a thousand times as large.
func micro(b []byte) unix.Timespec {
	return unix.Timespec{Sec: int64(binary.NativeEndian.Uint64(b)), Nsec: int64(binary.NativeEndian.Uint64(b[8:])) * 1000}
}

// times reads two values of size bytes; a null pointer is now.
func (d *decoder) times(i, size int, one func([]byte) unix.Timespec) (ts [2]unix.Timespec) {
	if d.args[i] == 0 {
		return [2]unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	}
	if d.err != nil {
		return ts
	}
	var b []byte
	if b, d.err = d.task.Bytes(d.args[i], 2*size); d.err == nil {
		ts = [2]unix.Timespec{one(b[:size]), one(b[size:])}
	}
	return ts
}
