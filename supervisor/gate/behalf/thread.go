package behalf

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Thread does operations on the thread of its caller, without the two changes
// of threads that a Worker costs, and takes root's rights back after each. It
// waits as long as the file system does.
type Thread struct {
	all   [2]unix.CapUserData // what the thread has between operations
	umask uint32
}

// Lock makes the calling goroutine's thread one that can act for others. The
// goroutine stays locked to it for good: its umask and its supplementary groups
// are no longer those of the process.
func Lock() (*Thread, error) {
	runtime.LockOSThread()
	if err := detachThread(); err != nil {
		return nil, err
	}
	t := &Thread{umask: ^uint32(0)}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &t.all[0]); err != nil {
		return nil, os.NewSyscallError("capget", err)
	}
	if t.all[0].Permitted&changing != changing {
		return nil, fmt.Errorf("act for others: %w", unix.EPERM)
	}
	return t, nil
}

// Do is Worker.Do on this thread. An error means that the thread's rights are
// in doubt: the caller ends the goroutine, and the thread with it.
func (t *Thread) Do(cred Cred, op Op) (*os.File, unix.Errno, error) {
	if op == nil {
		return nil, unix.EPERM, nil
	}
	r, err := t.run(cred, func() result { return perform(cred, op) })
	return r.file, r.errno, err
}

// Parent is Worker.Parent on this thread.
func (t *Thread) Parent(cred Cred, r *Root, rel string) (Target, unix.Errno, error) {
	out, err := t.run(cred, func() result { return pin(r, rel) })
	return out.target, out.errno, err
}

// At is Worker.At on this thread.
func (t *Thread) At(cred Cred, r *Root, rel string, build func(Target) (Op, unix.Errno)) (*os.File, unix.Errno, error) {
	out, err := t.run(cred, func() result { return at(cred, r, rel, build) })
	return out.file, out.errno, err
}

// run does something with the given credentials and comes back.
func (t *Thread) run(cred Cred, do func() result) (result, error) {
	if !cred.valid() {
		return result{errno: unix.EPERM}, nil
	}
	if t.umask != cred.Umask {
		unix.Umask(int(cred.Umask))
		t.umask = cred.Umask
	}
	if err := t.enter(cred); err != nil {
		return result{errno: unix.EPERM}, errors.Join(err, t.leave())
	}
	r := do()
	if err := t.leave(); err != nil {
		r.drop()
		return result{errno: unix.EPERM}, err
	}
	return r, nil
}

func (t *Thread) enter(cred Cred) error {
	if err := setIDs(cred.UID, cred.GID, 0, 0); err != nil {
		return err
	}
	none := t.all
	none[0].Effective, none[1].Effective = 0, 0
	return setCaps(&none)
}

// leave takes root's ids back, which needs no capability as the real ids are
// root's. That it worked is seen by the next enter.
func (t *Thread) leave() error {
	_, _ = unix.SetfsuidRetUid(0)
	_, _ = unix.SetfsgidRetGid(0)
	return setCaps(&t.all)
}
