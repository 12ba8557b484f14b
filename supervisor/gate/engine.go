package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"clawjail/policy"
	"clawjail/seccomp/notify"
	"clawjail/seccomp/tracee"
	"clawjail/supervisor/approval"
)

// maxHeld bounds the calls of one jail that wait at the same time, for a human
// or for a file to be hashed. Beyond it a call is denied.
const maxHeld = 256

// Pinned is a file that is held, and who it was when it was judged. The
// descriptor is only good during the call that it is given to.
type Pinned struct {
	FD int // O_PATH
	ID tracee.Identity
}

// Token is what an execution that was let through must turn out to be.
type Token struct {
	TGID, TID int32    // TGID 0: the process of that thread, whichever it is
	Files     []Pinned // the chain: what was named first, what runs last
	// AnyArgs permits these files whatever the rest is.
	AnyArgs   bool
	Argv, Env []string // as the program that runs will see them
	Cwd       Pinned   // not given: where the thread is
}

// Origin is what a process was at one moment. Start tells it from another one
// that gets its id, Image one execution of it from the next.
type Origin struct {
	TGID  int32
	Start uint64
	Image [2]uint64
}

// Tokens is the kernel's side: where tokens are put for the verifier to find.
type Tokens interface {
	// PutExec says what the thread's process was before.
	PutExec(Token) (Origin, error)
	// Origin looks at the process of a thread.
	Origin(tid int32) (Origin, error)
	// Used says whether the verifier has met a token, which stays.
	Used(tgid, tid int32) bool
	// DropExec takes a token back and says whether the verifier had used it.
	DropExec(tgid, tid int32) (consumed bool, err error)
}

// Outcome is one decision, for the record.
type Outcome struct {
	Gate     policy.Gate
	Op       string
	PID      int32
	Path     string
	Path2    string
	Argv     []string
	SHA256   string
	Verdict  policy.Verdict
	Rule     string
	Errno    unix.Errno // what the caller got, if it was refused
	Decision *approval.Decision
	Message  string
}

// Config is what an engine needs of its jail and its supervisor.
type Config struct {
	Jail, Name, Agent string
	StartedBy         uint32
	Policy            *policy.Policy
	Tokens            Tokens
	Files             Files
	// Hold waits for a human. Its context ends when the call is gone.
	Hold func(context.Context, approval.Request) (approval.Decision, error)
	// Record writes an audit record. An error turns a permission into a denial.
	Record func(Outcome) error
	// Opened tells of a file that is about to be given to a process, by what the
	// kernel knows it by: the probes will see it under another name.
	Opened func(id tracee.Identity, path string, d *approval.Decision)
	// Violation answers something that runs and must not: the process dies, or
	// the jail stands still.
	Violation func(tgid int32, what string)
	// CloseCode keeps a program that the policy does not simply permit from being
	// mapped by another one. Nil where the tier cannot do that.
	CloseCode func(Pinned) error
	// Freeze stops the whole jail, and opens the incident.
	Freeze func(reason string)
	Logger *slog.Logger
}

// Engine serves one jail's listener.
type Engine struct {
	c       Config
	listen  *notify.Listener
	held    chan struct{} // a place per held call
	work    sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}
	resumed chan struct{}
	hashes  hashCache
	given   outstanding
	said    lastSaid // on the stderr of programs

	// Of the receiving goroutine.
	glance *tracee.Glance
	quick  quick
	actor  actor
	doubt  bool // about the rights of its thread
}

// New takes the listener over.
func New(c Config, l *notify.Listener) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	return &Engine{c: c, listen: l, held: make(chan struct{}, maxHeld), ctx: ctx, cancel: cancel, done: make(chan struct{}), resumed: make(chan struct{}),
		given: outstanding{tokens: c.Tokens}}
}

// Run serves calls until the end.
func (e *Engine) Run() {
	defer close(e.done)
	// The kernel hands the processor from the caller to this very thread and
	// back; a goroutine that moved between threads would lose that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e.work.Go(func() { e.settle(e.ctx) })
	if glance, err := tracee.NewGlance(); err != nil {
		e.c.Logger.Warn("every call is looked at in full", "jail", e.c.Jail, "error", err)
	} else {
		e.glance = glance
		defer glance.Close()
	}
	if e.act(); e.actor.thread != nil {
		defer e.endActing()
	}
	for _, left := range e.listen.Left() {
		e.again(left)
	}
	close(e.resumed)
	for {
		call, err := e.listen.Recv()
		if errors.Is(err, notify.ErrClosed) {
			break
		}
		if err != nil {
			// Nothing can be answered any more; closing the listener below
			// makes the kernel refuse everything that is trapped.
			e.c.Logger.Error("receive held calls", "jail", e.c.Jail, "error", err)
			break
		}
		if e.serve(call); e.doubt {
			break // and the thread ends with this goroutine
		}
	}
	e.cancel()
	e.work.Wait()
	if err := e.listen.Close(); err != nil {
		e.c.Logger.Error("close the listener", "jail", e.c.Jail, "error", err)
	}
}

// Resumed is closed when the calls that a former supervisor has received are
// being decided.
func (e *Engine) Resumed() <-chan struct{} { return e.resumed }

// again decides a call that a former supervisor has received and not answered,
// from the beginning. What was being done for it is not done twice.
func (e *Engine) again(left notify.Left) {
	if !left.Acting {
		e.serve(left.Call)
		return
	}
	e.deny(left.Call, unix.EIO)
	o := Outcome{Gate: policy.GateOpen, Op: "change", PID: left.TID, Verdict: policy.Deny, Rule: "restart", Errno: unix.EIO,
		Message: "the supervisor was lost while it did this for the jail: it may have been done, and was answered with EIO"}
	if task, err := tracee.Open(left.TID); err == nil {
		defer task.Close()
		if c, ok, err := decode(left.Call, task); ok && err == nil && len(c.places) > 0 {
			o.Op, o.PID, o.Path = c.op, task.TGID, c.places[0].name
		}
	}
	e.record(o)
}

// leaves reports whether a call is left without an answer, for the next
// supervisor: this one ends, and the call is in the listener's ledger.
func (e *Engine) leaves(d *approval.Decision) bool {
	return e.ctx.Err() != nil || d != nil && d.Outcome == approval.Interrupted
}

// Close ends Run and waits for it. Calls that are held stay held for whoever has
// another copy of the listener, and get ENOSYS if nobody has.
func (e *Engine) Close() {
	e.cancel()
	e.listen.Interrupt()
	<-e.done
}

// serve decides one call.
func (e *Engine) serve(call notify.Call) {
	switch call.Nr {
	case unix.SYS_EXECVE, unix.SYS_EXECVEAT:
		if !e.quickExec(call) {
			e.exec(call)
		}
	default:
		if !e.quickFile(call) {
			e.file(call) // which refuses what it does not know
		}
	}
}

// deny answers with an errno. That the call is gone is fine.
func (e *Engine) deny(call notify.Call, errno unix.Errno) {
	if e.leaves(nil) {
		return
	}
	if err := e.listen.Deny(call.ID, errno); err != nil && !errors.Is(err, notify.ErrGone) {
		e.c.Logger.Error("deny a call", "jail", e.c.Jail, "error", err)
	}
}

// hold runs fn beside the receiver, or denies the call when too many wait.
func (e *Engine) hold(call notify.Call, fn func(context.Context)) bool {
	select {
	case e.held <- struct{}{}:
	default:
		return false
	}
	e.work.Go(func() {
		defer func() { <-e.held }()
		ctx, cancel := context.WithCancel(e.ctx)
		defer cancel()
		fn(ctx)
	})
	return true
}

// kill ends the process of a call. The pidfd pins whoever has the id now; if
// the call still waits afterwards, that was its process.
func (e *Engine) kill(call notify.Call, t *tracee.Task) error {
	fd, err := unix.PidfdOpen(int(t.TGID), 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(fd)
	if !e.listen.Valid(call.ID) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", t.TGID, err)
	}
	return nil
}

// record writes the outcome and reports whether that worked.
func (e *Engine) record(o Outcome) bool {
	if err := e.c.Record(o); err != nil {
		e.c.Logger.Error("record a decision", "jail", e.c.Jail, "error", err)
		return false
	}
	return true
}
