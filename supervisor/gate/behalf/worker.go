package behalf

import (
	"context"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Worker does operations, one after the other, on a thread of its own.
type Worker struct {
	calls chan call
	stop  chan struct{}
	once  sync.Once
	ended chan struct{} // no thread is left
}

type call struct {
	gone  <-chan struct{} // closed when the caller waits no longer
	cred  Cred
	do    func() result
	reply chan result
}

type result struct {
	file   *os.File
	target Target
	errno  unix.Errno
}

// drop closes what nobody takes.
func (r result) drop() {
	if r.file != nil {
		_ = r.file.Close()
	}
	_ = r.target.Close()
}

// NewWorker starts a Worker.
func NewWorker() (*Worker, error) {
	w := &Worker{calls: make(chan call), stop: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan error, 1)
	go w.keep(ready)
	if err := <-ready; err != nil {
		<-w.ended
		return nil, err
	}
	return w, nil
}

// Close lets the operation that is being done end and stops the Worker.
func (w *Worker) Close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
	return nil
}

// Do does one operation with the given credentials. The file of an Open is the
// caller's; other operations give none.
//
// When ctx ends, the answer is EINTR; an operation that was already being done
// is done nevertheless, and its file closed. A Worker that was closed, or whose
// thread cannot be set up any more, answers EIO.
func (w *Worker) Do(ctx context.Context, cred Cred, op Op) (*os.File, unix.Errno) {
	if op == nil {
		return nil, unix.EPERM
	}
	r := w.run(ctx, cred, func() result { return perform(cred, op) })
	return r.file, r.errno
}

// Parent is Root.Parent with the task's rights: an error is the one that the
// task gets, and tells it nothing that it could not find out itself.
func (w *Worker) Parent(ctx context.Context, cred Cred, r *Root, rel string) (Target, unix.Errno) {
	out := w.run(ctx, cred, func() result { return pin(r, rel) })
	return out.target, out.errno
}

// At pins the path rel and does an operation there at once, for what needs no
// human. Build is called on the Worker's thread, with the task's rights, and
// makes the operation of its target, which has no File; an error ends it.
func (w *Worker) At(ctx context.Context, cred Cred, r *Root, rel string, build func(Target) (Op, unix.Errno)) (*os.File, unix.Errno) {
	out := w.run(ctx, cred, func() result { return at(cred, r, rel, build) })
	return out.file, out.errno
}

// run has the thread do something.
func (w *Worker) run(ctx context.Context, cred Cred, do func() result) result {
	if !cred.valid() {
		return result{errno: unix.EPERM}
	}
	c := call{gone: ctx.Done(), cred: cred, do: do, reply: make(chan result)}
	select {
	case w.calls <- c:
	case <-w.ended:
		return result{errno: unix.EIO}
	case <-w.stop:
		return result{errno: unix.EIO}
	case <-ctx.Done():
		return result{errno: unix.EINTR}
	}
	select {
	case r := <-c.reply:
		return r
	case <-ctx.Done():
		return result{errno: unix.EINTR}
	}
}

// keep has one thread after the other do the calls, until there is nothing to
// do or no thread can be set up.
func (w *Worker) keep(ready chan<- error) {
	defer close(w.ended)
	for {
		again := make(chan bool, 1)
		go w.serve(ready, again)
		if !<-again {
			return
		}
		ready = nil
	}
}

// serve does calls on a thread that is never unlocked: the runtime ends it with
// the goroutine. It asks for another one if this one's credentials are in doubt.
func (w *Worker) serve(ready chan<- error, again chan<- bool) {
	runtime.LockOSThread()
	t, err := enter()
	if ready != nil {
		ready <- err
	}
	if err != nil {
		again <- false
		return
	}
	for {
		select {
		case <-w.stop:
			again <- false
			return
		case c := <-w.calls:
			if err := t.become(c.cred); err != nil {
				c.answer(result{errno: unix.EPERM})
				again <- true
				return
			}
			c.answer(c.do())
		}
	}
}

// answer gives the result to a caller who still waits.
func (c call) answer(r result) {
	select {
	case c.reply <- r:
	case <-c.gone:
		r.drop()
	}
}

// pin pins a path on the calling thread.
func pin(r *Root, rel string) result {
	t, err := r.Parent(rel)
	return result{target: t, errno: errnoOf(err)}
}

// at pins a directory and does one operation there on the calling thread.
func at(cred Cred, r *Root, rel string, build func(Target) (Op, unix.Errno)) result {
	t, err := r.directory(rel)
	if err != nil {
		return result{errno: errnoOf(err)}
	}
	defer t.Close()
	t.now = true
	op, errno := build(t)
	if errno == 0 && op == nil {
		errno = unix.EPERM
	}
	if errno != 0 {
		return result{errno: errno}
	}
	return perform(cred, op)
}

// perform does one operation on the calling thread.
func perform(cred Cred, op Op) result {
	targets := op.targets()
	for _, t := range targets {
		if errno := t.check(); errno != 0 {
			return result{errno: errno}
		}
	}
	r := result{errno: unix.EIO}
	if err := within(targets, nil, func(at []int) { r.file, r.errno = op.do(cred, at) }); err != nil {
		r.drop()
		return result{errno: errnoOf(err)}
	}
	return r
}

// within runs fn with the descriptors of the targets' directories, all held.
func within(targets []*Target, at []int, fn func(at []int)) error {
	if len(targets) == 0 {
		fn(at)
		return nil
	}
	var err error
	if cerr := control(targets[0].Dir, func(fd int) { err = within(targets[1:], append(at, fd), fn) }); cerr != nil {
		return cerr
	}
	return err
}
