package behalf

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Cred is with whose rights something is done.
type Cred struct {
	// UID and GID are the task's file system ids as the host numbers them.
	// Neither is 0.
	UID, GID uint32
	Umask    uint32
	// FileSize is the task's RLIMIT_FSIZE in bytes; 0 is no limit.
	FileSize int64
}

// nobody is the id that the kernel takes for "no change".
const nobody = ^uint32(0)

func (c Cred) valid() bool {
	return c.UID != 0 && c.GID != 0 && c.UID != nobody && c.GID != nobody && c.Umask <= 0o777 && c.FileSize >= 0
}

// changing are the capabilities that changing the file system ids needs.
const changing = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID

// thread is the state of the thread that the caller is locked to. The zero Cred
// is root's ids.
type thread struct{ now Cred }

// enter makes the calling thread, which must be locked and never be unlocked,
// one that can only act for others.
func enter() (*thread, error) {
	if err := detachThread(); err != nil {
		return nil, err
	}
	if err := capset(0, changing); err != nil {
		return nil, err
	}
	return &thread{}, nil
}

// become takes the credentials of c. After an error the thread is of no use.
func (t *thread) become(c Cred) error {
	if t.now == c {
		return nil
	}
	was := t.now
	t.now = Cred{}
	if err := capset(changing, changing); err != nil {
		return err
	}
	if err := setIDs(c.UID, c.GID, was.UID, was.GID); err != nil {
		return err
	}
	unix.Umask(int(c.Umask))
	if err := capset(0, changing); err != nil {
		return err
	}
	t.now = c
	return nil
}

// detachThread gives the calling thread a umask of its own and takes its
// supplementary groups.
func detachThread() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // the umask is in there
		return os.NewSyscallError("unshare", err)
	}
	// golang.org/x/sys/unix.Setgroups would change every thread.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return os.NewSyscallError("setgroups", errno)
	}
	return nil
}

// setIDs sets the calling thread's file system ids, which must have been others
// before. setfsuid(2) and setfsgid(2) report no errors, but the id before; no
// change is asked for with -1.
func setIDs(uid, gid, wasUID, wasGID uint32) error {
	beforeGID, _ := unix.SetfsgidRetGid(int(gid))
	beforeUID, _ := unix.SetfsuidRetUid(int(uid))
	isGID, _ := unix.SetfsgidRetGid(-1)
	isUID, _ := unix.SetfsuidRetUid(-1)
	if uint32(isUID) != uid || uint32(isGID) != gid || uint32(beforeUID) != wasUID || uint32(beforeGID) != wasGID {
		return fmt.Errorf("take the file system ids %d:%d: they are %d:%d, and were %d:%d",
			uid, gid, isUID, isGID, beforeUID, beforeGID)
	}
	return nil
}

// capset sets the calling thread's capabilities, none of them inheritable.
func capset(effective, permitted uint32) error {
	return setCaps(&[2]unix.CapUserData{{Effective: effective, Permitted: permitted}})
}

func setCaps(caps *[2]unix.CapUserData) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return os.NewSyscallError("capset", unix.Capset(&header, &caps[0]))
}
