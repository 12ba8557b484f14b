package plan

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"clawjail/policy"
)

// LowerFor is Lower for a caller who may not be root: every question to the
// host is then asked with the rights of r.User, who the caller has to be. Root
// makes the mounts, and a mount shows a file whatever the directories above it
// allow; so a path that the caller cannot reach is refused here.
func LowerFor(caller uint32, p *policy.Policy, r Run) (Plan, error) {
	if caller == 0 {
		return Lower(p, r)
	}
	if r.User.UID != caller {
		return Plan{}, fmt.Errorf("user %d cannot have a jail made for user %d", caller, r.User.UID)
	}
	r.caller = caller
	var out Plan
	var err error
	if asErr := asUser(caller, r.User.GID, func() { out, err = Lower(p, r) }); asErr != nil {
		return Plan{}, asErr
	}
	return out, err
}

// asUser runs f on a thread that opens files as a user. The kernel takes the
// capabilities that override permissions from the thread with its file system
// user id (security/commoncap.c:cap_task_fix_setuid). The thread is not used
// again: a locked goroutine that ends takes its thread with it.
func asUser(uid, gid uint32, f func()) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := becomeFS(uid, gid); err != nil {
			done <- err
			return
		}
		f()
		done <- nil
	}()
	return <-done
}

// becomeFS gives the calling thread, and no other, the file system identity of
// a user without supplementary groups.
func becomeFS(uid, gid uint32) error {
	// Not unix.Setgroups, which changes every thread of the process.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	for _, call := range []struct {
		name string
		nr   uintptr
		id   uint32
	}{{"setfsgid", unix.SYS_SETFSGID, gid}, {"setfsuid", unix.SYS_SETFSUID, uid}} {
		// These two never fail: they return the old id, and asking once more
		// with an invalid one tells the id in force.
		_, _, _ = unix.RawSyscall(call.nr, uintptr(call.id), 0, 0)
		now, _, _ := unix.RawSyscall(call.nr, ^uintptr(0), 0, 0)
		if uint32(now) != call.id {
			return os.NewSyscallError(call.name, unix.EPERM)
		}
	}
	return nil
}
