package behalf

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Idmap shows root's files as those of another user, and what this user makes
// belongs to root. Everybody else's ids are what they are; the user's own ids
// are shown to belong to nobody, as two owners cannot be shown as one.
type Idmap struct{ UID, GID uint32 }

// namespace makes a user namespace that holds the map. No process stays in it.
func (m *Idmap) namespace() (*os.File, error) {
	if m.UID == 0 || m.GID == 0 {
		return nil, fmt.Errorf("map root to %d:%d: that is root", m.UID, m.GID)
	}
	// The child is stopped in its execve, before its first instruction. Its
	// tracer is the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Ptrace:      true,
		Cloneflags:  unix.CLONE_NEWUSER,
		Pdeathsig:   unix.SIGKILL,
		UidMappings: ids(m.UID),
		GidMappings: ids(m.GID),
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("make a user namespace: %w", err)
	}
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	err = errors.Join(err, cmd.Process.Kill())
	_ = cmd.Wait() // "signal: killed" is what is wanted
	if err != nil && ns != nil {
		ns.Close()
		ns = nil
	}
	return ns, err
}

// ids is the map of /proc/PID/uid_map that exchanges 0 for id and leaves the
// rest; it must be the one that the jail's mounts have (jail/root.Map).
func ids(id uint32) []syscall.SysProcIDMap {
	const all = 1<<32 - 1 // ids are 0 to 2^32-2
	out := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(id), Size: 1}}
	if id > 1 {
		out = append(out, syscall.SysProcIDMap{ContainerID: 1, HostID: 1, Size: int(id) - 1})
	}
	if int64(id)+1 < all {
		out = append(out, syscall.SysProcIDMap{ContainerID: int(id) + 1, HostID: int(id) + 1, Size: all - int(id) - 1})
	}
	return out
}
