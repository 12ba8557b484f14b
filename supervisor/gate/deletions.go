package gate

import (
	"context"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/gate/behalf"
)

// count does a change that may delete, and takes one from the limit if it
// does. It is never continued: what is counted is exactly what is done.
func (e *Engine) count(ctx context.Context, x *edit, d policy.Decision) {
	if x.resizes && x.places[0].nameless() {
		e.perform(ctx, x, d, nil, e.jailTargets) // a memfd, a removed file: its end is counted already, or nobody else's
		return
	}
	if !d.Verdict.Permits() {
		// The mounts refuse it, and nothing is deleted. Continuing would let
		// the path lead elsewhere meanwhile.
		e.refuseFile(x, d, unix.EROFS, "", nil)
		return
	}
	if special(x) {
		e.openSpecial(x)
		return
	}
	if !e.deletes(x) {
		e.perform(ctx, x, d, nil, e.jailTargets)
		return
	}
	if !e.deleteOne(ctx, x, d) {
		e.overLimit(ctx, x)
	}
}

// deleteOne does a deletion within the limit, and reports false when there is
// no room for it. Deletions of one jail come one after the other: what is pinned
// and counted is then still there to be deleted, and no unit is lost to a file
// that two processes remove at once.
func (e *Engine) deleteOne(ctx context.Context, x *edit, d policy.Decision) bool {
	e.c.Files.Deleting.Lock()
	defer e.c.Files.Deleting.Unlock()
	targets, errno := e.jailTargets(ctx, x)
	pinned := func(context.Context, *edit) ([]behalf.Target, unix.Errno) { return targets, errno }
	if errno != 0 {
		e.perform(ctx, x, d, nil, pinned) // answers with the errno
		return true
	}
	ok, err := e.c.Files.TakeDeletion()
	if err == nil && ok {
		e.perform(ctx, x, d, nil, pinned)
		return true
	}
	for i := range targets {
		_ = targets[i].Close()
	}
	if err != nil {
		e.c.Logger.Error("count a deletion", "jail", e.c.Jail, "error", err)
		e.refuseFile(x, d, unix.EDQUOT, "deletions cannot be counted: "+err.Error(), nil)
		return true
	}
	return false
}

// overLimit applies the verdict for a deletion too many.
func (e *Engine) overLimit(ctx context.Context, x *edit) {
	d := policy.Decision{Verdict: e.c.Policy.Delete.Over, Rule: "delete.limit"}
	if r := e.c.Policy.Delete.Origin.String(); e.c.Policy.Delete.Origin.Rule != "" {
		d.Rule = r
	}
	switch d.Verdict {
	case policy.Ask:
		ctx, stop := e.whileValid(ctx, x.call.ID)
		defer stop()
		decision, err := e.c.Hold(ctx, e.requestFile(x, d))
		if err == nil && decision.Allowed() {
			d.Verdict = policy.Allow
			e.perform(ctx, x, d, &decision, e.jailTargets)
			return
		}
		message := decision.String()
		if err != nil {
			message = err.Error()
		}
		d.Verdict = policy.Deny
		e.refuseFile(x, d, unix.EPERM, message, &decision)
	case policy.Kill:
		e.killForFile(x, d)
	case policy.Freeze:
		e.c.Freeze("too many deletions: " + d.Rule)
		e.refuseFile(x, d, unix.EPERM, "", nil)
	default: // no policy has a verdict that lets through what is over its own limit
		d.Verdict = policy.Deny
		e.refuseFile(x, d, unix.EPERM, "the limit of deletions is reached", nil)
	}
}

// deletes reports whether the change removes something that is counted. What
// lies in a private file system is gone with the jail anyway.
func (e *Engine) deletes(x *edit) bool {
	p := &x.places[len(x.places)-1] // of a rename, the name that may be replaced
	if p.file == nil || e.private(p.path) {
		return false
	}
	switch x.op {
	case "open":
		return p.file.ID.Mode&unix.S_IFMT == unix.S_IFREG && p.file.ID.Size > 0
	case "truncate":
		return x.shortens()
	case "rename":
		// Onto another name of the same file nothing happens.
		from := x.places[0].file
		return from == nil || from.ID.Dev != p.file.ID.Dev || from.ID.Ino != p.file.ID.Ino
	}
	return true
}

// shortens reports whether the change takes content off a file's end.
func (x *edit) shortens() bool {
	f := x.places[0].file
	return x.resizes && f != nil && f.ID.Mode&unix.S_IFMT == unix.S_IFREG && f.ID.Size > x.size
}

// unremovable are names that the kernel removes and renames nothing by, whatever
// they lead to: fs/namei.c:do_rmdir, do_unlinkat, do_renameat2.
func (p *place) unremovable(t *tracee.Task, op string) error {
	trimmed := strings.TrimRight(p.name, "/")
	dots := map[string]map[string]unix.Errno{
		".":  {"rmdir": unix.EINVAL, "unlink": unix.EISDIR, "rename": unix.EBUSY},
		"..": {"rmdir": unix.ENOTEMPTY, "unlink": unix.EISDIR, "rename": unix.EBUSY},
	}
	if errno, ok := dots[trimmed[strings.LastIndexByte(trimmed, '/')+1:]][op]; ok {
		return errno
	}
	if p.byFD || trimmed == "" || trimmed == p.name {
		return nil
	}
	r, err := t.Resolve(p.dirfd, trimmed, false)
	if err != nil {
		return nil // found out again
	}
	defer r.Close()
	if r.ID.Mode&unix.S_IFMT == unix.S_IFLNK {
		return unix.ENOTDIR
	}
	return nil
}

// nameless reports whether the place is an open file that has no name left.
func (p *place) nameless() bool {
	var st unix.Stat_t
	return p.byFD && p.file != nil && p.dir.File == nil && p.file.ID.Mode&unix.S_IFMT == unix.S_IFREG &&
		unix.Fstat(int(p.file.File.Fd()), &st) == nil && st.Nlink == 0
}

func (e *Engine) private(path string) bool {
	if f, ok := e.c.Policy.FileRule(path); ok {
		return f.Access == policy.AccessPrivate
	}
	return policy.Below(path, "/tmp") || policy.Below(path, "/dev/shm")
}

// jailTargets are the places as the jail's own mounts show them, found with the
// task's rights.
func (e *Engine) jailTargets(ctx context.Context, x *edit) ([]behalf.Target, unix.Errno) {
	var err error
	if x.view, err = behalf.View(x.task.Root()); err != nil {
		return nil, errnoOf(err)
	}
	var out []behalf.Target
	for i := range x.places {
		p := &x.places[i]
		var t behalf.Target
		var errno unix.Errno
		if p.dir.File == nil && p.file != nil {
			t, errno = descriptorTarget(p)
		} else {
			t, errno = e.pin(ctx, x, x.view, p)
		}
		if errno != 0 {
			return out, errno
		}
		out = append(out, t)
	}
	return out, 0
}

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// special is opening something that has no content to lose: a device, a pipe.
func special(x *edit) bool {
	f := x.places[0].file
	return x.open && f != nil && f.ID.Mode&unix.S_IFMT != unix.S_IFREG && f.ID.Mode&unix.S_IFMT != unix.S_IFDIR
}

// openSpecial opens one of the harmless devices of the jail's /dev for the
// task. Anything else would be opened with the supervisor's identity, which
// terminals and /proc look at, and is refused.
func (e *Engine) openSpecial(x *edit) {
	defer x.close()
	f := x.places[0].file
	if !harmless(f) {
		e.deny(x.call, unix.EACCES)
		return
	}
	flags := int(int32(x.call.Args[1]))
	if x.call.Nr == unix.SYS_OPENAT {
		flags = int(int32(x.call.Args[2]))
	}
	if x.call.Nr == unix.SYS_CREAT {
		flags = unix.O_WRONLY
	}
	keep := flags & (unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK)
	file, err := os.OpenFile(procPath(f.File), keep|unix.O_NOCTTY, 0)
	if err != nil {
		e.deny(x.call, errnoOf(err))
		return
	}
	e.give(x, file)
}

// harmless are null, zero, full, random and urandom, by their numbers
// (Documentation/admin-guide/devices.txt, major 1).
func harmless(f *tracee.Resolved) bool {
	var st unix.Stat_t
	if f.ID.Mode&unix.S_IFMT != unix.S_IFCHR || unix.Fstat(int(f.File.Fd()), &st) != nil || unix.Major(st.Rdev) != 1 {
		return false
	}
	switch unix.Minor(st.Rdev) {
	case 3, 5, 7, 8, 9:
		return true
	}
	return false
}
