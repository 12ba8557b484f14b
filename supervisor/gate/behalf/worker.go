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
	op    Op
	reply chan result
}

type result struct {
	file  *os.File
	errno unix.Errno
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
	if op == nil || !cred.valid() {
		return nil, unix.EPERM
	}
	c := call{gone: ctx.Done(), cred: cred, op: op, reply: make(chan result)}
	select {
	case w.calls <- c:
	case <-w.ended:
		return nil, unix.EIO
	case <-w.stop:
		return nil, unix.EIO
	case <-ctx.Done():
		return nil, unix.EINTR
	}
	select {
	case r := <-c.reply:
		return r.file, r.errno
	case <-ctx.Done():
		return nil, unix.EINTR
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
			file, errno := perform(c)
			c.answer(result{file, errno})
		}
	}
}

// answer gives the result to a caller who still waits.
func (c call) answer(r result) {
	select {
	case c.reply <- r:
	case <-c.gone:
		if r.file != nil {
			_ = r.file.Close()
		}
	}
}

// perform does one operation on the calling thread.
func perform(c call) (*os.File, unix.Errno) {
	targets := c.op.targets()
	for _, t := range targets {
		if errno := t.check(); errno != 0 {
			return nil, errno
		}
	}
	var file *os.File
	errno := unix.EIO
	if err := within(targets, nil, func(at []int) { file, errno = c.op.do(c.cred, at) }); err != nil {
		return nil, errnoOf(err)
	}
	return file, errno
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
