package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/doctor"
)

// Try does in this process what New's probes ask of a child, and gives the exit
// status. The process is of no use for anything else afterwards.
func Try(name string, self func(string) []string, stdin io.Reader, stdout, stderr io.Writer) int {
	runtime.LockOSThread() // filters and domains belong to threads
	var answer any
	var err error
	switch name {
	case "nothing":
	case "wait":
		fmt.Fprintln(stdout, "ready")
		_, err = io.Copy(io.Discard, stdin)
	case "mounts":
		err = mounts()
	case "freeze":
		answer, err = freezeHere(self)
	case "seccomp":
		answer, err = seccomp()
	case "landlock":
		answer, err = landlock()
	default:
		err = fmt.Errorf("unknown try %q", name)
	}
	if err == nil && answer != nil {
		err = json.NewEncoder(stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// mounts makes a file system in a mount namespace of its own.
func mounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", "/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64k"); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	return nil
}

// seccomp loads a filter that allows everything and has a listener.
func seccomp() (doctor.Seccomp, error) {
	s := doctor.Seccomp{WaitKillable: true}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return s, os.NewSyscallError("prctl", err)
	}
	fd, err := allowAll(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	if errors.Is(err, unix.EINVAL) {
		s.WaitKillable = false
		fd, err = allowAll(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	if errors.Is(err, unix.EBUSY) {
		return s, fmt.Errorf("this process has a seccomp listener already, and the kernel allows one: %w", err)
	}
	if err != nil {
		return s, err
	}
	// kernel/seccomp.c:seccomp_notify_set_flags, since 6.6: the flags are the
	// argument itself.
	s.SyncWake = unix.IoctlSetInt(fd, unix.SECCOMP_IOCTL_NOTIF_SET_FLAGS, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == nil
	return s, unix.Close(fd)
}

// landlock puts this thread under rules that allow nothing, and looks whether
// they hold.
func landlock() (int, error) {
	abi, err := landlockABI()
	if err != nil {
		return 0, fmt.Errorf("the kernel has no Landlock: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, os.NewSyscallError("prctl", err)
	}
	if err := forbidFiles(); err != nil {
		return 0, err
	}
	fd, err := unix.Open("/etc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
		return 0, errors.New("a ruleset that allows nothing refuses nothing")
	}
	if !errors.Is(err, unix.EACCES) {
		return 0, fmt.Errorf("open a directory that a ruleset forbids: %w", err)
	}
	return abi, nil
}

// idmap makes an idmapped copy of a mount that is attached nowhere. The user
// namespace is that of a child.
func (h host) idmap() error {
	dir, err := nearest(h.StateDir)
	if err != nil {
		return err
	}
	attr := mapped()
	attr.Pdeathsig = unix.SIGKILL
	argv := h.Self("wait")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &attr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("user namespace: %w", err)
	}
	defer func() {
		stdin.Close()
		_ = cmd.Wait()
	}()
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	if err != nil {
		return err
	}
	defer ns.Close()
	tree, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open_tree %q: %w", dir, err)
	}
	defer unix.Close(tree)
	err = unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns.Fd())})
	if err != nil {
		return fmt.Errorf("idmap the file system of %q: %w", dir, err)
	}
	return nil
}
