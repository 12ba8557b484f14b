package seccomp

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Gates says which operations a filter hands to the listener instead of
// allowing them.
type Gates struct {
	Exec    bool // the start of programs
	Files   bool // every change of a file, a name or a file's attributes
	Deletes bool // what removes a file, a name or all of a file's content
	// Metadata are the changes of Files that no probe reports: directories,
	// links and special files that are made, modes, owners, times and extended
	// attributes. What opens, cuts, renames or removes is none.
	Metadata bool
}

// Names lists what is handed over, in a fixed order.
func (g Gates) Names() []string {
	var names []string
	for _, one := range []struct {
		on   bool
		name string
	}{{g.Exec, "exec"}, {g.Files, "files"}, {g.Deletes, "deletes"}, {g.Metadata, "metadata"}} {
		if one.on {
			names = append(names, one.name)
		}
	}
	return names
}

// writes are the open flags that change something, or can: all others only
// read. __O_TMPFILE is O_TMPFILE without O_DIRECTORY.
const writes = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC | (unix.O_TMPFILE &^ unix.O_DIRECTORY)

// Gated is Base with calls handed to the listener: exactly those that Base
// allows and that a gate names. What Base refuses stays refused by the kernel,
// and opening for reading is never trapped. Where deletions are counted, calls
// that cut content out of a file without shortening it are refused.
func Gated(g Gates) Rules {
	base := Base()
	var trapped []string
	if g.Exec {
		trapped = append(trapped, "execve", "execveat")
	}
	flags := uint64(0) // open flags that are trapped
	switch {
	case g.Files:
		trapped = append(trapped, strings.Fields(metadata()+removals())...)
		flags = writes
	case g.Deletes:
		trapped = append(trapped, strings.Fields(removals())...)
		flags = unix.O_TRUNC
	}
	if g.Metadata {
		trapped = append(trapped, strings.Fields(metadata())...)
	}
	out := Rules{Default: base.Default}
	if g.Deletes {
		out.Rules = holes()
	}
	seen := map[string]bool{}
	for _, r := range base.Rules {
		if flags != 0 && (r.Name == "openat" || r.Name == "open") {
			index := uint8(1)
			if r.Name == "openat" {
				index = 2
			}
			if !seen[r.Name] {
				seen[r.Name] = true
				out.Rules = append(out.Rules, passed(r, index, flags)...)
			}
			if r.Action.Kind == Allow {
				r.Action = Action{Kind: Notify}
			}
		}
		if r.Action.Kind == Allow && slices.Contains(trapped, r.Name) {
			r.Action = Action{Kind: Notify}
		}
		out.Rules = append(out.Rules, r)
	}
	return out
}

// passed are the opens that are not trapped. Those that make a file keep the
// condition on the mode that Base puts on them.
func passed(r Rule, index uint8, flags uint64) []Rule {
	allow := func(args ...Arg) Rule {
		return Rule{Name: r.Name, Nr: r.Nr, Args: args, Action: Action{Kind: Allow}}
	}
	if flags&makesFile == makesFile {
		return []Rule{allow(clear(index, flags))} // nothing that makes a file passes
	}
	return []Rule{
		allow(clear(index, flags|makesFile)),
		allow(clear(index, flags), clear(index+1, setID)),
	}
}

// Requests and modes that x/sys/unix does not name.
const (
	fallocWriteZeroes = 0x80       // include/uapi/linux/falloc.h, since 6.17
	fsUnresvsp        = 0x4030582b // include/uapi/linux/falloc.h:FS_IOC_UNRESVSP
	fsUnresvsp64      = 0x4030582d // FS_IOC_UNRESVSP64
	fsZeroRange       = 0x40305839 // FS_IOC_ZERO_RANGE
)

// holes are the calls that take content out of the middle of a file, and with
// it all of it: programs do without them on file systems that cannot do it.
func holes() []Rule {
	b := builder{known: byName()}
	refuse := errno(unix.EOPNOTSUPP)
	for _, bit := range []uint64{unix.FALLOC_FL_PUNCH_HOLE, unix.FALLOC_FL_NO_HIDE_STALE, unix.FALLOC_FL_COLLAPSE_RANGE,
		unix.FALLOC_FL_ZERO_RANGE, fallocWriteZeroes} {
		b.add("fallocate", refuse, Arg{Index: 1, Mask: bit, Value: bit})
	}
	b.add("madvise", refuse, equal(2, unix.MADV_REMOVE))
	for _, request := range []uint32{fsUnresvsp, fsUnresvsp64, fsZeroRange} {
		b.add("ioctl", refuse, equal(1, request))
	}
	return b.rules
}

// metadata lists what changes files without opening or removing anything.
func metadata() string {
	return `
	mkdir mkdirat mknod mknodat link linkat symlink symlinkat
	chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
	setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
	utime utimes futimesat utimensat `
}

// removals lists what can remove a file, a name, or content.
func removals() string {
	return `unlink unlinkat rmdir rename renameat renameat2 truncate ftruncate creat`
}
