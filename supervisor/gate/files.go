package gate

import (
	"context"
	"errors"
	"os"
	"path"
	"sync"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/approval"
	"clawjail/supervisor/gate/behalf"
)

// Files is what an engine needs in order to change files for its jail.
type Files struct {
	Worker *behalf.Worker
	// Roots are the trees that may be written when a human says so. The jail
	// sees them read-only.
	Roots []*behalf.Root
	// FileSize is the jail's limit on the size of a file.
	FileSize int64
	// TakeDeletion counts one deletion. false is over the limit. nil: deletions
	// are not counted.
	TakeDeletion func() (ok bool, err error)
	// Deleting is held while one is counted and done.
	Deleting *sync.Mutex
	// Unseen is set where no probe sees what is done for the jail: in the lsm tier
	// they look at what the jail's own tasks do, and at what failed.
	Unseen bool
}

// edit is one change that waits.
type edit struct {
	call notify.Call
	task *tracee.Task
	*change
	view *behalf.Root // the jail's own tree, where something is done through it
}

func (x *edit) close() {
	for i := range x.places {
		x.places[i].close()
	}
	if x.view != nil {
		_ = x.view.Close()
	}
	_ = x.task.Close()
}

// file decides a change. Continuing one grants nothing: the jail's mounts and
// Landlock rules hold what the policy allows without asking, whatever the path
// leads to by then. So only what exceeds that, and what is counted, is not
// continued.
func (e *Engine) file(call notify.Call) {
	task, err := tracee.Open(call.TID)
	if err != nil || !e.listen.Valid(call.ID) {
		e.deny(call, unix.EPERM)
		return
	}
	c, ok, err := decode(call, task)
	if !ok || err != nil || !e.listen.Valid(call.ID) {
		_ = task.Close()
		switch {
		case err == nil:
			err = unix.EPERM
		case errors.Is(err, tracee.ErrTooLong):
			err = unix.ENAMETOOLONG
		}
		e.deny(call, errnoOf(err))
		return
	}
	x := &edit{call: call, task: task, change: c}
	if err := e.resolve(x); err != nil {
		x.close()
		e.deny(call, errnoOf(err))
		return
	}
	if e.c.Files.TakeDeletion != nil && x.shortens() {
		x.delete = true // all but one byte is as good as all
	}
	e.judgeFile(x)
}

// resolve pins what each path leads to.
func (e *Engine) resolve(x *edit) error {
	for i := range x.places {
		p := &x.places[i]
		if x.delete && !x.open {
			if err := p.unremovable(x.task, x.op); err != nil {
				return err
			}
		}
		if err := p.resolve(x.task); err != nil {
			return err
		}
		if p.dir.File != nil || p.file == nil {
			continue
		}
		if err := e.name(p); err != nil {
			return err
		}
	}
	return nil
}

// name gives a descriptor that the gate handed over its name in the jail. What
// the kernel calls it is relative to a mount that is attached nowhere, and that
// is writable: judged by that name, a change would be continued.
func (e *Engine) name(p *place) error {
	if len(e.c.Files.Roots) == 0 {
		return nil
	}
	mount, err := behalf.MountID(p.file.File)
	if err != nil {
		return err
	}
	for _, root := range e.c.Files.Roots {
		id, err := root.MountID()
		if err != nil {
			return err
		}
		if id == mount {
			p.path = path.Join(root.Path(), p.file.Path)
			p.given = true
			return nil
		}
	}
	return nil
}

func (p *place) resolve(t *tracee.Task) error {
	if p.byFD {
		r, err := t.Descriptor(p.dirfd)
		if err != nil {
			return unix.EBADF
		}
		p.file, p.path = &r, r.Path
		return nil
	}
	if p.name == "" {
		return unix.ENOENT
	}
	r, err := t.Resolve(p.dirfd, p.name, p.follow)
	switch {
	case err == nil:
		p.file = &r
		if r.ID.Mode&unix.S_IFMT == unix.S_IFDIR && r.Path == "/" {
			p.path = "/"
			return nil
		}
		// From here on by the kernel's own name for it: links are resolved.
		if !leadsBack(t, r) {
			p.path = r.Path // not a name in the jail: a pipe, a removed file, a file that the gate opened
			return nil
		}
		if p.dir, p.base, err = t.Parent(unix.AT_FDCWD, r.Path); err != nil {
			return err
		}
	case errors.Is(err, unix.ENOENT):
		if p.dir, p.base, err = t.Parent(p.dirfd, p.name); err != nil {
			return err
		}
	default:
		return err
	}
	p.path = path.Join(p.dir.Path, p.base)
	return nil
}

// leadsBack reports whether what the kernel calls a file is that file in the
// jail, too.
func leadsBack(t *tracee.Task, r tracee.Resolved) bool {
	again, err := t.Resolve(unix.AT_FDCWD, r.Path, false)
	if err != nil {
		return false
	}
	defer again.Close()
	return again.ID.Dev == r.ID.Dev && again.ID.Ino == r.ID.Ino
}

// judgeFile applies the policy to every path and acts on the result.
func (e *Engine) judgeFile(x *edit) {
	d := e.verdict(x)
	if p := x.places[0]; d.Verdict == policy.Ask && x.op == "truncate" && p.byFD && p.given {
		d.Verdict = policy.Allow // whoever allowed the writing allowed this
	}
	switch d.Verdict {
	case policy.Ask:
		if !e.hold(x.call, func(ctx context.Context) { e.askFile(ctx, x, d) }) {
			e.refuseFile(x, d, unix.EAGAIN, "too many calls wait already", nil)
		}
	case policy.Kill:
		e.killForFile(x, d)
	case policy.Freeze:
		e.c.Freeze(x.op + " of " + x.places[0].path + ": " + d.Rule)
		e.refuseFile(x, d, unix.EPERM, "", nil)
	default:
		e.settled(x, d)
	}
}

// settled is a change that the policy allows, or that its mounts refuse.
func (e *Engine) settled(x *edit, d policy.Decision) {
	// What may turn out to shorten a file is not continued either: where the
	// path leads can change until the kernel looks.
	if e.c.Files.TakeDeletion == nil || !x.delete && !x.resizes {
		e.goOn(x, d)
		return
	}
	if !e.hold(x.call, func(ctx context.Context) { e.count(ctx, x, d) }) {
		e.refuseFile(x, d, unix.EAGAIN, "too many calls wait already", nil)
	}
}

// goOn lets the kernel do it, with everything that it checks by itself.
func (e *Engine) goOn(x *edit, d policy.Decision) {
	defer x.close()
	if d.Verdict == policy.Audit && !Probed(x.op) && !e.record(e.outcomeFile(x, d)) {
		e.deny(x.call, unix.EPERM)
		return
	}
	if err := e.listen.Continue(x.call.ID); err != nil && !errors.Is(err, notify.ErrGone) {
		e.c.Logger.Error("continue a call", "jail", e.c.Jail, "error", err)
	}
}

// Probed reports whether the probes see a change of this kind when the jail's own
// call makes it: such a one is recorded, and told of, where it happens.
func Probed(op string) bool {
	switch op {
	case "open", "rename", "truncate", "unlink", "rmdir":
		return true
	}
	return false
}

// verdict is the strictest over all paths.
func (e *Engine) verdict(x *edit) policy.Decision {
	d := policy.Decision{Verdict: policy.Allow}
	for i, p := range x.places {
		r := policy.Request{Gate: policy.GateOpen, Op: x.op, Path: p.path, Write: true}
		if x.delete && x.op != "open" && (x.op != "rename" || i == 0) {
			r.Gate = policy.GateDelete
		}
		if x.op == "link" && i == 0 {
			r.Write, r.Op = false, "open" // the other name of a file, which is not changed
		}
		if one := e.c.Policy.Evaluate(r); i == 0 || severity(one.Verdict) > severity(d.Verdict) {
			d = one
		}
	}
	return d
}

// askFile holds the change until a human decides, and does it if it may be.
func (e *Engine) askFile(ctx context.Context, x *edit, d policy.Decision) {
	ctx, stop := e.whileValid(ctx, x.call.ID)
	defer stop()
	decision, err := e.c.Hold(ctx, e.requestFile(x, d))
	if err != nil || !decision.Allowed() {
		message := decision.String()
		if err != nil {
			message = err.Error()
		}
		d.Verdict = policy.Deny
		e.refuseFile(x, d, unix.EPERM, message, &decision)
		return
	}
	d.Verdict = policy.Allow
	e.perform(ctx, x, d, &decision, e.rootTargets)
}

// perform does the change on pinned targets and answers with what came of it.
func (e *Engine) perform(ctx context.Context, x *edit, d policy.Decision, decision *approval.Decision,
	pin func(context.Context, *edit) ([]behalf.Target, unix.Errno)) {
	defer x.close()
	targets, errno := pin(ctx, x)
	defer func() {
		for i := range targets {
			_ = targets[i].Close()
		}
	}()
	o := e.outcomeFile(x, d)
	o.Decision = decision
	if errno == 0 && decision != nil && !e.record(o) {
		errno = unix.EPERM
	}
	if errno != 0 {
		e.deny(x.call, errno)
		return
	}
	e.listen.Acting(x.call.ID)
	file, errno := e.c.Files.Worker.Do(ctx, e.cred(x), x.change.perform(targets))
	if errno != 0 {
		if errno == unix.ESTALE {
			errno = unix.EAGAIN // what was decided about is no longer there
		}
		e.deny(x.call, errno)
		return
	}
	if decision == nil {
		e.acted(o)
	}
	if x.open && file != nil {
		if id, err := tracee.Identify(file); err == nil {
			e.c.Opened(id, x.places[0].path, decision)
		}
	}
	e.give(x, file)
}

// acted records a change that was done for the jail, where nobody else does.
func (e *Engine) acted(o Outcome) {
	if e.c.Files.Unseen {
		e.record(o)
	}
}

// give answers a change that was done: with its descriptor, or with 0.
func (e *Engine) give(x *edit, file *os.File) {
	var err error
	switch {
	case x.open && file != nil:
		_, err = e.listen.AddFD(x.call.ID, file, x.cloexec)
		_ = file.Close()
	case x.open:
		e.deny(x.call, unix.EIO)
	default:
		err = e.listen.Return(x.call.ID, 0)
	}
	if err != nil && !errors.Is(err, notify.ErrGone) {
		e.c.Logger.Error("answer a change", "jail", e.c.Jail, "error", err)
		e.deny(x.call, unix.EIO)
	}
}

func (e *Engine) cred(x *edit) behalf.Cred {
	return behalf.Cred{UID: x.task.UID, GID: x.task.GID, Umask: x.task.Umask, FileSize: e.c.Files.FileSize}
}

// rootTargets finds the places in the trees that may be written, and makes sure
// that they are the directories that the task meant.
func (e *Engine) rootTargets(ctx context.Context, x *edit) ([]behalf.Target, unix.Errno) {
	var out []behalf.Target
	for i := range x.places {
		t, errno := e.rootTarget(ctx, x, &x.places[i])
		if errno != 0 {
			return out, errno
		}
		out = append(out, t)
	}
	return out, 0
}

func (e *Engine) rootTarget(ctx context.Context, x *edit, p *place) (behalf.Target, unix.Errno) {
	if p.dir.File == nil && p.file != nil {
		return descriptorTarget(p)
	}
	for _, root := range e.c.Files.Roots {
		if _, in := root.Rel(p.path); in {
			return e.pin(ctx, x, root, p)
		}
	}
	return behalf.Target{}, unix.EROFS
}

// pin finds a place below a root with the task's rights, and makes sure that
// directory and file are those that were judged: a file that a mask of the jail
// covers is another one outside of it.
func (e *Engine) pin(ctx context.Context, x *edit, root *behalf.Root, p *place) (behalf.Target, unix.Errno) {
	rel, in := root.Rel(p.path)
	if !in {
		return behalf.Target{}, unix.EROFS
	}
	t, errno := e.c.Files.Worker.Parent(ctx, e.cred(x), root, rel)
	if errno != 0 {
		return behalf.Target{}, errno
	}
	same := p.dir.File != nil && t.Dev == p.dir.ID.Dev && t.Ino == p.dir.ID.Ino
	if p.file != nil {
		same = same && t.File != nil && t.FileDev == p.file.ID.Dev && t.FileIno == p.file.ID.Ino
	} else {
		same = same && t.File == nil
	}
	if !same {
		gone := p.file != nil && t.File == nil
		_ = t.Close()
		if gone {
			return behalf.Target{}, unix.ENOENT
		}
		return behalf.Target{}, unix.EAGAIN
	}
	t.Bind = true
	return t, 0
}

// descriptorTarget is a file that the task has open and that needs no name.
func descriptorTarget(p *place) (behalf.Target, unix.Errno) {
	f, err := duplicate(p.file.File)
	if err != nil {
		return behalf.Target{}, errnoOf(err)
	}
	return behalf.Descriptor(f), 0
}

// refuseFile denies the call and records that.
func (e *Engine) refuseFile(x *edit, d policy.Decision, errno unix.Errno, message string, decision *approval.Decision) {
	defer x.close()
	if e.leaves(decision) {
		return
	}
	o := e.outcomeFile(x, d)
	o.Errno, o.Message, o.Decision = errno, message, decision
	e.explain(x.call.ID, x.task, o)
	e.deny(x.call, errno)
	e.record(o)
}

func (e *Engine) killForFile(x *edit, d policy.Decision) {
	defer x.close()
	e.explain(x.call.ID, x.task, e.outcomeFile(x, d))
	if err := e.kill(x.call, x.task); err != nil {
		e.c.Logger.Error("kill for a verdict; the jail is frozen", "jail", e.c.Jail, "error", err)
		e.c.Freeze("a process that must die could not be killed")
		e.deny(x.call, unix.EPERM)
	}
	e.record(e.outcomeFile(x, d))
}

func (e *Engine) outcomeFile(x *edit, d policy.Decision) Outcome {
	o := outcomeOf(x.change, d)
	o.PID = x.task.TGID
	return o
}

func outcomeOf(c *change, d policy.Decision) Outcome {
	o := Outcome{Gate: policy.GateOpen, Op: c.op, Path: c.places[0].path, Verdict: d.Verdict, Rule: d.Rule}
	if c.delete && c.op != "open" {
		o.Gate = policy.GateDelete
	}
	if len(c.places) > 1 {
		o.Path2 = c.places[1].path
	}
	return o
}

// requestFile is what a human sees.
func (e *Engine) requestFile(x *edit, d policy.Decision) approval.Request {
	o := e.outcomeFile(x, d)
	cwd, _, _ := x.task.Cwd()
	r := approval.Request{Jail: e.c.Jail, JailName: e.c.Name, Agent: e.c.Agent, Policy: e.c.Policy.Name, StartedBy: e.c.StartedBy,
		Gate: o.Gate.String(), Op: x.op, Path: o.Path, Path2: o.Path2, Cwd: cwd, Rule: d.Rule, Timeout: e.c.Policy.Approval.Timeout}
	for _, p := range x.task.Parents() {
		r.Parents = append(r.Parents, approval.Process{PID: p.PID, Path: p.Path, Argv: p.Argv})
	}
	return r
}
