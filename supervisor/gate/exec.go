package gate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/approval"
)

// Limits of what is copied from a task, those of the kernel.
const (
	maxPath  = unix.PathMax
	maxWords = 65536
	maxBytes = 2 << 20 // argv or environment; more is E2BIG
)

// execution is one execve or execveat that waits.
type execution struct {
	call     notify.Call
	task     *tracee.Task
	chain    tracee.Chain
	filename string // as the caller wrote it
	named    string // as the kernel calls it, and an interpreter opens it
	argv     []string
	env      []string
	cwd      string
	cwdID    tracee.Identity
	loads    loads
}

func (x *execution) close() {
	x.loads.close()
	_ = x.chain.Close()
	_ = x.task.Close()
}

// exec decides an execution.
func (e *Engine) exec(call notify.Call) {
	x, errno := e.read(call)
	if errno != 0 {
		e.deny(call, errno)
		return
	}
	if !e.c.Policy.NeedsHash() {
		e.judge(x, make([]string, len(x.files())))
		return
	}
	if sums, ok := e.hashes.getAll(x.files()); ok {
		e.judge(x, sums)
		return
	}
	ok := e.hold(call, func(ctx context.Context) { e.judge(x, e.hash(ctx, x)) })
	if !ok {
		e.refuse(x, policy.Decision{Verdict: policy.Deny, Rule: "limit"}, unix.EAGAIN, "too many calls wait already", nil)
	}
}

// hash reads every file that is judged. One that could not be read has no hash,
// and no rule with a hash matches it: if it changed meanwhile it is not what
// its token says either.
func (e *Engine) hash(ctx context.Context, x *execution) []string {
	sums := make([]string, len(x.files()))
	for i, f := range x.files() {
		var ok bool
		if sums[i], ok = e.hashes.get(f.ID); ok {
			continue
		}
		var err error
		if sums[i], err = e.hashes.sum(ctx, f); err != nil {
			e.c.Logger.Warn("hash a program", "jail", e.c.Jail, "path", f.Path, "error", err)
		}
	}
	return sums
}

// read copies and resolves what a call asks for. The errno is what the kernel
// itself would have said, as far as it is known.
func (e *Engine) read(call notify.Call) (*execution, unix.Errno) {
	task, err := tracee.Open(call.TID)
	if err != nil || !e.listen.Valid(call.ID) {
		return nil, unix.EPERM // gone, most likely: nobody gets the answer
	}
	x := &execution{call: call, task: task}
	if err := e.copy(x); err != nil {
		_ = task.Close()
		return nil, errnoOf(err)
	}
	if !e.listen.Valid(call.ID) {
		x.close()
		return nil, unix.EPERM
	}
	return x, 0
}

func (e *Engine) copy(x *execution) error {
	var err error
	dirfd, args, flags := int32(unix.AT_FDCWD), x.call.Args[:3], uint64(0)
	if x.call.Nr == unix.SYS_EXECVEAT {
		dirfd, args, flags = int32(x.call.Args[0]), x.call.Args[1:4], x.call.Args[4]
	}
	if flags&^(unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW) != 0 {
		return unix.EINVAL
	}
	if x.filename, err = x.task.String(args[0], maxPath); err != nil {
		return err
	}
	if x.argv, err = x.task.Strings(args[1], maxWords, maxBytes); err != nil {
		return err
	}
	if x.env, err = x.task.Strings(args[2], maxWords, maxBytes); err != nil {
		return err
	}
	if x.cwd, x.cwdID, err = x.task.Cwd(); err != nil {
		return err
	}
	if x.filename == "" && flags&unix.AT_EMPTY_PATH == 0 {
		return unix.ENOENT
	}
	file, err := x.task.Resolve(dirfd, x.filename, flags&unix.AT_SYMLINK_NOFOLLOW == 0)
	if err != nil {
		return err
	}
	if file.ID.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.Join(unix.EACCES, file.Close())
	}
	argv := x.argv
	if len(argv) == 0 {
		argv = []string{""} // fs/exec.c since 5.18: nobody runs without argv[0]
	}
	x.named = kernelName(dirfd, x.filename)
	if x.chain, err = x.task.Interpreters(file, x.named, argv); err != nil {
		return err
	}
	x.loads = x.load()
	return nil
}

// kernelName is what fs/exec.c:alloc_bprm calls the file: scripts see it.
func kernelName(dirfd int32, name string) string {
	switch {
	case dirfd == unix.AT_FDCWD, name != "" && name[0] == '/':
		return name
	case name == "":
		return "/dev/fd/" + strconv.Itoa(int(dirfd))
	}
	return "/dev/fd/" + strconv.Itoa(int(dirfd)) + "/" + name
}

// errnoOf is what a caller is told of a call that could not be read: the
// kernel's own reason where it has one, EPERM where we have one.
func errnoOf(err error) unix.Errno {
	var errno unix.Errno
	switch {
	case errors.Is(err, tracee.ErrUnreadable):
		return unix.EFAULT
	case errors.Is(err, tracee.ErrTooLong):
		return unix.E2BIG
	case errors.Is(err, tracee.ErrMagicLink):
		return unix.EACCES
	case errors.As(err, &errno):
		return errno
	}
	return unix.EPERM
}

// judge applies the policy to every file of the chain and acts on the result.
func (e *Engine) judge(x *execution, sums []string) {
	d, sum := e.chainVerdict(x, sums), sums[0]
	e.closeRefused(x, sums)
	if e.loadsAnything(x, d) {
		e.refuse(x, policy.Decision{Verdict: policy.Deny, Rule: d.Rule}, unix.EPERM,
			"a loader runs what can be changed until it opens it: execute the program itself", nil)
		return
	}
	if d.Verdict.Permits() && len(x.chain.Files) > 1 && sum != "" && !x.task.Fixed(x.chain.Files[0], x.named) {
		// A permission for what is in the script would be one for whatever is
		// there when the interpreter opens it, by its name.
		if without := e.chainVerdict(x, append([]string{""}, sums[1:]...)); severity(without.Verdict) > severity(d.Verdict) {
			e.refuse(x, policy.Decision{Verdict: policy.Deny, Rule: d.Rule}, unix.EPERM,
				"a script that can be changed is not known by its content", nil)
			return
		}
	}
	switch d.Verdict {
	case policy.Allow, policy.Audit:
		e.permit(x, d, sum, nil)
	case policy.Ask:
		if !e.hold(x.call, func(ctx context.Context) { e.ask(ctx, x, d, sum) }) {
			e.refuse(x, d, unix.EAGAIN, "too many calls wait already", nil)
		}
	case policy.Kill:
		e.killFor(x, d)
	case policy.Freeze:
		e.c.Freeze(fmt.Sprintf("exec of %s: %s", x.chain.Files[0].Path, d.Rule))
		e.refuse(x, d, unix.EPERM, "", nil)
	default:
		e.refuse(x, d, unix.EPERM, "", nil)
	}
}

// chainVerdict is the strictest over the files of the chain, and what a loader at
// its end is to run.
func (e *Engine) chainVerdict(x *execution, sums []string) policy.Decision {
	d := e.verdictOn(x, 0, sums)
	for i := range x.files()[1:] {
		d = strictest(d, e.verdictOn(x, i+1, sums))
	}
	return d
}

// verdictOn judges one file, with the arguments that it would get.
func (e *Engine) verdictOn(x *execution, i int, sums []string) policy.Decision {
	r := policy.Request{Gate: policy.GateExec, Op: "exec", Path: x.files()[i].Path, Argv: x.chain.Argv, SHA256: sums[i]}
	switch {
	case i == 0:
		r.Argv = x.argv
	case i == len(x.chain.Files):
		r.Argv = x.loads.argv
	}
	return e.c.Policy.Evaluate(r)
}

// permit writes the token and lets the call go on.
func (e *Engine) permit(x *execution, d policy.Decision, sum string, decision *approval.Decision) {
	defer x.close()
	o := e.outcome(x, d, sum)
	o.Decision = decision
	// What the probes will see of it has no hash: they learn from here by which
	// rule it goes on.
	if (decision != nil || sum != "") && !e.record(o) {
		e.deny(x.call, unix.EPERM)
		return
	}
	t := Token{TGID: x.task.TGID, TID: x.task.TID, Argv: x.chain.Argv, Env: x.env,
		Cwd: Pinned{int(x.task.CwdFile().Fd()), x.cwdID}}
	for _, f := range x.chain.Files {
		t.Files = append(t.Files, Pinned{int(f.File.Fd()), f.ID})
	}
	e.letGo(x.call, t, o.Path)
}

// letGo puts the token and lets the call go on.
func (e *Engine) letGo(call notify.Call, t Token, path string) {
	switch err := e.given.put(t, path, time.Now()); {
	case errors.Is(err, errNoRoom):
		e.deny(call, unix.EAGAIN)
		return
	case err != nil:
		e.c.Logger.Error("put a token", "jail", e.c.Jail, "error", err)
		e.deny(call, unix.EPERM)
		return
	}
	if err := e.listen.Continue(call.ID); err != nil {
		e.given.cancel(t.TID)
		if !errors.Is(err, notify.ErrGone) {
			e.c.Logger.Error("continue a call", "jail", e.c.Jail, "error", err)
		}
	}
}

// refuse denies the call and records that.
func (e *Engine) refuse(x *execution, d policy.Decision, errno unix.Errno, message string, decision *approval.Decision) {
	defer x.close()
	if e.leaves(decision) {
		return
	}
	o := e.outcome(x, d, "")
	o.Errno, o.Message, o.Decision = errno, message, decision
	e.explain(x.call.ID, x.task, o)
	e.deny(x.call, errno)
	e.record(o)
}

// killFor ends the process. Its call is not answered: it never returns.
func (e *Engine) killFor(x *execution, d policy.Decision) {
	defer x.close()
	e.explain(x.call.ID, x.task, e.outcome(x, d, ""))
	if err := e.kill(x.call, x.task); err != nil {
		e.c.Logger.Error("kill for a verdict; the jail is frozen", "jail", e.c.Jail, "error", err)
		e.c.Freeze("a process that must die could not be killed")
		e.deny(x.call, unix.EPERM)
	}
	e.record(e.outcome(x, d, ""))
}

func (e *Engine) outcome(x *execution, d policy.Decision, sum string) Outcome {
	return Outcome{Gate: policy.GateExec, Op: "exec", PID: x.task.TGID, Path: x.chain.Files[0].Path,
		Argv: x.argv, SHA256: sum, Verdict: d.Verdict, Rule: d.Rule}
}

// ask holds the call until a human decides.
func (e *Engine) ask(ctx context.Context, x *execution, d policy.Decision, sum string) {
	ctx, stop := e.whileValid(ctx, x.call.ID)
	defer stop()
	decision, err := e.c.Hold(ctx, e.request(x, d, sum))
	if err == nil && decision.Allowed() {
		d.Verdict = policy.Allow
		e.permit(x, d, sum, &decision)
		return
	}
	message := decision.String()
	if err != nil {
		message = err.Error()
	}
	d.Verdict = policy.Deny
	e.refuse(x, d, unix.EPERM, message, &decision)
}

// request is what a human sees.
func (e *Engine) request(x *execution, d policy.Decision, sum string) approval.Request {
	r := approval.Request{Jail: e.c.Jail, JailName: e.c.Name, Agent: e.c.Agent, Policy: e.c.Policy.Name, StartedBy: e.c.StartedBy,
		Gate: approval.GateExec, Op: "execve", Argv: x.argv, Path: x.chain.Files[0].Path, SHA256: sum, Cwd: x.cwd,
		Rule: d.Rule, Timeout: e.c.Policy.Approval.Timeout}
	if n := len(x.chain.Files); n > 1 {
		r.Path2 = x.chain.Files[n-1].Path
		r.Notes = append(r.Notes, scriptNote(x))
	}
	if f := x.loads.file; f != nil {
		r.Path2 = f.Path
		r.Notes = append(r.Notes, "a loader is executed, which runs the program that it is told")
	}
	for _, p := range x.task.Parents() {
		r.Parents = append(r.Parents, approval.Process{PID: p.PID, Path: p.Path, Argv: p.Argv})
	}
	return r
}
