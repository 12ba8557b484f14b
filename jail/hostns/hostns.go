package hostns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// What of the host a child gets.
const (
	Mounts  = unix.CLONE_NEWNS
	Network = unix.CLONE_NEWNET
)

// CgroupName is where the children are, in the unified hierarchy.
const CgroupName = "clawjail-children"

// Host is the namespaces of a process that has the host's.
type Host struct {
	proc    string
	mnt     *os.File
	net     *os.File
	cgroup  *os.File
	release func() // of the cgroup, which another supervisor may be about to remove
}

// Open takes the namespaces of the process that proc is the directory of,
// /proc/1 for the host's.
func Open(proc string) (*Host, error) {
	h := &Host{proc: proc}
	var err error
	if h.mnt, err = os.Open(filepath.Join(proc, "ns/mnt")); err != nil {
		return nil, fmt.Errorf("find the host's mounts: %w", err)
	}
	if h.net, err = os.Open(filepath.Join(proc, "ns/net")); err != nil {
		return nil, errors.Join(fmt.Errorf("find the host's network: %w", err), h.Close())
	}
	if err := h.openCgroup(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a cgroup for processes of the host: %w", err), h.Close())
	}
	return h, nil
}

func (h *Host) openCgroup() error {
	mount, err := jail.EnsureUnified()
	if err != nil {
		return err
	}
	if h.release, err = jail.HoldParents(CgroupName); err != nil {
		return err
	}
	h.cgroup, err = os.Open(filepath.Join(mount, CgroupName))
	return err
}

// Close gives the namespaces back. The cgroup goes when nobody is in it.
func (h *Host) Close() error {
	if h == nil {
		return nil
	}
	var errs []error
	for _, f := range []*os.File{h.mnt, h.net, h.cgroup} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	if h.release != nil {
		h.release()
		errs = append(errs, jail.RemoveCgroups(CgroupName, "none")) // the parent is what is meant
	}
	return errors.Join(errs...)
}

// Mountinfo is the file that lists the host's mounts.
func (h *Host) Mountinfo() string {
	if h == nil {
		return "/proc/self/mountinfo"
	}
	return filepath.Join(h.proc, "mountinfo")
}

// Start starts a command in these namespaces, and in the children's cgroup when it
// names none.
func (h *Host) Start(cmd *exec.Cmd, kinds int) error {
	if h == nil {
		return cmd.Start()
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if a := cmd.SysProcAttr; !a.UseCgroupFD {
		a.UseCgroupFD, a.CgroupFD = true, int(h.cgroup.Fd())
	}
	return h.Do(kinds, cmd.Start)
}

// Do calls fn on a thread that is in these namespaces and ends after: what fn sets
// on its thread stays there. fn starts no goroutines that need them.
func (h *Host) Do(kinds int, fn func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// It cannot end, and its namespaces are what /proc says are the
			// process's. While this waits the other goroutine has another thread.
			result <- h.Do(kinds, fn)
			runtime.UnlockOSThread()
			return
		}
		// Never unlocked: the thread ends with the goroutine.
		err := h.enter(kinds)
		if err == nil {
			err = fn()
		}
		result <- err
	}()
	return <-result
}

// enter brings the calling thread there.
func (h *Host) enter(kinds int) error {
	if h == nil {
		return nil
	}
	if kinds&Network != 0 {
		if err := unix.Setns(int(h.net.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the host's network: %w", err)
		}
	}
	if kinds&Mounts != 0 {
		// A thread that shares its working directory cannot change its mounts.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare(CLONE_FS)", err)
		}
		if err := unix.Setns(int(h.mnt.Fd()), unix.CLONE_NEWNS); err != nil {
			return fmt.Errorf("enter the host's mounts: %w", err)
		}
	}
	return nil
}
