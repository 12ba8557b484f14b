package gate

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/gate/behalf"
)

// actor is what the receiving thread does changes with by itself.
type actor struct {
	thread *behalf.Thread
	view   *behalf.Root // the jail's own tree
	ids    tracee.IDs   // of the jail's tasks; the mask is that of one of them
}

// act makes the receiving thread one that can act for the jail's tasks.
func (e *Engine) act() {
	if e.c.Files.TakeDeletion == nil || e.glance == nil {
		return
	}
	thread, err := behalf.Lock()
	if err != nil {
		e.c.Logger.Warn("deletions are done by another thread", "jail", e.c.Jail, "error", err)
		return
	}
	e.actor.thread = thread
}

func (e *Engine) endActing() {
	if e.actor.view != nil {
		_ = e.actor.view.Close()
	}
}

// tree is the jail's root as the actor uses it.
func (e *Engine) tree() (*behalf.Root, error) {
	if e.actor.view != nil {
		return e.actor.view, nil
	}
	root, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(e.glance.Root()), unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	e.actor.view, err = behalf.View(root)
	return e.actor.view, err
}

// deed is a change that is about to be done by the receiving thread.
type deed struct {
	call    notify.Call
	change  *change
	verdict policy.Decision
	cred    behalf.Cred
	view    *behalf.Root
	rel     [2]string // the places, from the jail's root
	slow    bool      // somebody has to look in full; nothing was done
}

// quickDelete does a change that may delete, within the limit and with the
// task's rights, if the policy allows it and nothing about it is out of the
// ordinary, and reports whether it did. Everything else is looked at again and
// in full.
//
// What was judged is a path without links; the actor follows none, so what it
// finds there is what was judged. It waits as long as the file system does, and
// nobody waits for it but this jail.
func (e *Engine) quickDelete(call notify.Call, c *change) bool {
	if e.actor.thread == nil || c.op == "truncate" {
		return false
	}
	d := deed{call: call, change: c, verdict: e.verdict(&edit{change: c})}
	if d.verdict.Verdict != policy.Allow {
		return false
	}
	for i := range c.places {
		var in bool
		if d.rel[i], in = e.within(&c.places[i], &d); !in {
			return false
		}
	}
	// All of it was read of the thread that still waits.
	known := e.actor.ids != (tracee.IDs{})
	if !known && !e.learnIDs(call) || known && !e.listen.Valid(call.ID) {
		return false
	}
	d.cred = e.credOf(e.actor.ids)
	e.c.Files.Deleting.Lock()
	defer e.c.Files.Deleting.Unlock()
	var file *os.File
	var errno unix.Errno
	switch c.op {
	case "open":
		file, errno = e.quickCut(&d)
	case "rename":
		errno = e.quickReplace(&d)
	default:
		errno = e.quickRemove(&d)
	}
	if d.slow {
		return false
	}
	e.answer(&d, file, errno)
	return true
}

// learnIDs reads the ids of the thread that is looked at, which are those of the
// jail's user: its tasks have no other to change to, and no capability.
func (e *Engine) learnIDs(call notify.Call) bool {
	ids, err := e.glance.IDs()
	if err != nil || !e.listen.Valid(call.ID) {
		return false
	}
	e.actor.ids = ids
	return true
}

func (e *Engine) credOf(ids tracee.IDs) behalf.Cred {
	return behalf.Cred{UID: ids.UID, GID: ids.GID, Umask: ids.Umask, FileSize: e.c.Files.FileSize}
}

// within says where a place is. Names that end in a slash or a dot have rules of
// their own.
func (e *Engine) within(p *place, d *deed) (string, bool) {
	var err error
	last := p.name[strings.LastIndexByte(p.name, '/')+1:]
	if d.view, err = e.tree(); err != nil || p.byFD || last == "" || last == "." || last == ".." {
		return "", false
	}
	return d.view.Rel(p.path)
}

func (e *Engine) answer(d *deed, file *os.File, errno unix.Errno) {
	switch {
	case errno == unix.ESTALE:
		e.deny(d.call, unix.EAGAIN) // what was decided about is no longer there
	case errno != 0:
		e.deny(d.call, errno)
	default:
		if e.c.Files.Unseen {
			o := outcomeOf(d.change, d.verdict)
			who, err := e.c.Tokens.Origin(d.call.TID)
			if o.PID = who.TGID; err != nil {
				o.PID = d.call.TID // it is gone, and what it asked for is done
			}
			e.acted(o)
		}
		e.give(&edit{call: d.call, change: d.change}, file)
	}
}

// sure notes that the thread's rights are in doubt, if they are: Run ends then.
func (e *Engine) sure(err error) bool {
	if err != nil {
		e.c.Logger.Error("take root's rights back", "jail", e.c.Jail, "error", err)
		e.doubt = true
	}
	return err == nil
}

// takeOne counts one deletion. What lies in a private file system is gone with
// the jail anyway, and is not counted.
func (e *Engine) takeOne(d *deed, path string) bool {
	if e.private(path) {
		return true
	}
	ok, err := e.c.Files.TakeDeletion()
	d.slow = err != nil || !ok // which says so, or asks
	return !d.slow
}

// quickCut opens a file for writing from its beginning. It is emptied when it is
// open: then it is known what it held, and whose name it is no longer matters.
func (e *Engine) quickCut(d *deed) (*os.File, unix.Errno) {
	const makes = unix.O_CREAT | unix.O_EXCL | unix.O_TRUNC
	want, ok := d.change.perform([]behalf.Target{{}}).(behalf.Open)
	if !ok || want.Flags&unix.O_ACCMODE == unix.O_RDONLY || want.Flags&(unix.O_TMPFILE|unix.O_PATH) != 0 {
		d.slow = true // it needs no right to read what it empties, or is no regular file
		return nil, 0
	}
	errno := unix.ENOENT
	var file *os.File
	if want.Flags&unix.O_EXCL == 0 {
		file, errno = e.openAt(d, want, want.Flags&^makes)
	}
	if errno == 0 {
		return e.empty(d, file)
	}
	if errno == unix.ENOENT && want.Flags&unix.O_CREAT != 0 {
		// Only who makes a file needs the mask, which is each process's own.
		if d.slow = !e.learnIDs(d.call); d.slow {
			return nil, 0
		}
		d.cred = e.credOf(e.actor.ids)
		e.listen.Acting(d.call.ID)
		file, errno = e.openAt(d, want, want.Flags&^unix.O_TRUNC|unix.O_EXCL)
	}
	d.slow = errno != 0 // a full look gives the task its error, a special file what it is
	return file, errno
}

func (e *Engine) openAt(d *deed, want behalf.Open, flags int) (*os.File, unix.Errno) {
	file, errno, err := e.actor.thread.At(d.cred, d.view, d.rel[0], func(t behalf.Target) (behalf.Op, unix.Errno) {
		return behalf.Open{Target: t, Flags: flags, Mode: want.Mode}, 0
	})
	if !e.sure(err) {
		return nil, unix.EPERM
	}
	return file, errno
}

// empty cuts an open file, and counts that if it held anything.
func (e *Engine) empty(d *deed, file *os.File) (*os.File, unix.Errno) {
	var st unix.Stat_t
	err := unix.Fstat(int(file.Fd()), &st)
	// To cut a set-user-id file takes that bit off it, unless root does it.
	d.slow = err != nil || st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0
	if d.slow || st.Size > 0 && !e.takeOne(d, d.change.places[0].path) {
		_ = file.Close()
		return nil, 0
	}
	e.listen.Acting(d.call.ID)
	if err := unix.Ftruncate(int(file.Fd()), 0); err != nil {
		_ = file.Close()
		return nil, errnoOf(err)
	}
	return file, 0
}

// quickRemove removes a name.
func (e *Engine) quickRemove(d *deed) unix.Errno {
	_, errno, err := e.actor.thread.At(d.cred, d.view, d.rel[0], func(t behalf.Target) (behalf.Op, unix.Errno) {
		var st unix.Stat_t
		if err := unix.Fstatat(int(t.Dir.Fd()), t.Base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil, errnoOf(err)
		}
		if dir := st.Mode&unix.S_IFMT == unix.S_IFDIR; dir != (d.change.op == "rmdir") {
			d.slow = true // it will not be removed
			return nil, unix.EAGAIN
		}
		if !e.takeOne(d, d.change.places[0].path) {
			return nil, unix.EAGAIN
		}
		e.listen.Acting(d.call.ID)
		return d.change.perform([]behalf.Target{t}), 0
	})
	if !e.sure(err) {
		return unix.EPERM
	}
	return errno
}

// quickReplace renames, and counts that if there was something by the new name.
func (e *Engine) quickReplace(d *deed) unix.Errno {
	var targets [2]behalf.Target
	for i := range targets {
		t, errno, err := e.actor.thread.Parent(d.cred, d.view, d.rel[i])
		if !e.sure(err) {
			return unix.EPERM
		}
		if d.slow = errno != 0; d.slow {
			return 0
		}
		defer t.Close()
		t.Bind = true
		targets[i] = t
	}
	from, to := &targets[0], &targets[1]
	switch {
	case from.File == nil, to.File != nil && from.FileDev == to.FileDev && from.FileIno == to.FileIno:
		d.slow = true // nothing is renamed
	case to.File != nil:
		e.takeOne(d, d.change.places[1].path)
	}
	if d.slow {
		return 0
	}
	e.listen.Acting(d.call.ID)
	_, errno, err := e.actor.thread.Do(d.cred, d.change.perform(targets[:]))
	if !e.sure(err) {
		return unix.EPERM
	}
	return errno
}
