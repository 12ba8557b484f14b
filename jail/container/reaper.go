package container

// #include "reaper.h"
import "C"

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ShimEnv must be set in the environment of the shim: it makes the process
// join a session keyring of its own before the Go runtime starts.
const ShimEnv = C.CJ_SHIM_ENV + "=1"

// Reaper is process 1 of a jail; see the package documentation.
type Reaper struct {
	proc *os.Process
	sync *os.File
}

// StartReaper makes a pid namespace. The caller must be locked to a thread
// that ends no sooner than the jail: the kernel kills the reaper with it. It is
// a copy of the calling process, so the caller should not yet hold a secret.
func StartReaper() (*Reaper, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "reaper"), os.NewFile(uintptr(fds[1]), "reaper")
	defer theirs.Close()
	pid := int(C.cj_start_reaper(C.int(theirs.Fd())))
	if pid < 0 {
		ours.Close()
		return nil, fmt.Errorf("start the jail's process 1: %w", os.NewSyscallError("clone(CLONE_NEWPID)", unix.Errno(-pid)))
	}
	proc, err := os.FindProcess(pid)
	if err != nil {
		ours.Close()
		_ = unix.Kill(pid, unix.SIGKILL)
		return nil, err
	}
	return &Reaper{proc: proc, sync: ours}, nil
}

// NS is the path of the pid namespace.
func (r *Reaper) NS() string { return fmt.Sprintf("/proc/%d/ns/pid", r.proc.Pid) }

// Enter has the reaper mount /proc in the tree and shut itself into it.
func (r *Reaper) Enter(rootfs string) error {
	if len(rootfs) > C.CJ_PATH_MAX {
		return fmt.Errorf("root %q: %w", rootfs, unix.ENAMETOOLONG)
	}
	if _, err := r.sync.WriteString(rootfs); err != nil {
		return fmt.Errorf("tell process 1: %w", err)
	}
	var report [8]byte
	n, err := r.sync.Read(report[:])
	if err != nil || n != len(report) {
		return fmt.Errorf("process 1 of the jail died (%d bytes, %v)", n, err)
	}
	step, errno := binary.NativeEndian.Uint32(report[:4]), unix.Errno(binary.NativeEndian.Uint32(report[4:]))
	switch step {
	case C.CJ_STEP_OK:
		r.sync.Close()
		return nil
	case C.CJ_STEP_CHDIR:
		return fmt.Errorf("process 1: chdir %q: %w", rootfs, errno)
	case C.CJ_STEP_PROC:
		return fmt.Errorf("process 1: mount proc: %w", errno)
	case C.CJ_STEP_CHROOT:
		return fmt.Errorf("process 1: chroot: %w", errno)
	default:
		return fmt.Errorf("process 1: drop capabilities: %w", errno)
	}
}

// Kill kills process 1, and with it everything in the pid namespace, and
// returns when all of it is gone: the kernel ends process 1 last.
func (r *Reaper) Kill() {
	r.sync.Close()
	_ = r.proc.Kill()
	_, _ = r.proc.Wait()
}

// UserNS returns a new user namespace with the given maps, in the form of
// /proc/PID/uid_map. It is for mounts (MOUNT_ATTR_IDMAP): no process is in it.
func UserNS(uidMap, gidMap string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	pid := int(C.cj_hold_userns(C.int(r.Fd())))
	if pid < 0 {
		w.Close()
		return nil, os.NewSyscallError("clone(CLONE_NEWUSER)", unix.Errno(-pid))
	}
	defer func() {
		w.Close()
		// The child holds a copy of w itself, so closing it does not wake it.
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}()
	for name, content := range map[string]string{"uid_map": uidMap, "gid_map": gidMap} {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/%s", pid, name), []byte(content), 0); err != nil {
			return nil, fmt.Errorf("map ids: %w", err)
		}
	}
	return os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
}
