package root

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// devBytes bounds the tmpfs of /dev, which holds nodes and links.
const devBytes = 64 << 10

// nodes are the devices of a jail. None of them stores or reveals anything.
var nodes = [...]struct {
	name         string
	major, minor uint32
}{
	{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
}

var devLinks = [...]struct{ name, text string }{
	{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
}

// devices makes /dev: nodes, links, and a terminal file system of its own.
func (t *Tree) devices() (err error) {
	me := owner{t.opts.RootID, t.opts.RootID}
	// Not nodev: this is the one place with devices.
	t.dev, err = t.newOwn(unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC, devBytes, 0o755, me)
	if err != nil {
		return err
	}
	if err := t.place("/dev", t.dev, true); err != nil {
		return err
	}
	dir := int(t.dev.Fd())
	for _, n := range nodes {
		if err := unix.Mknodat(dir, n.name, unix.S_IFCHR|0o666, int(unix.Mkdev(n.major, n.minor))); err != nil {
			return &os.PathError{Op: "mknod", Path: n.name, Err: err}
		}
		if err := unix.Fchmodat(dir, n.name, 0o666, 0); err != nil {
			return &os.PathError{Op: "chmod", Path: n.name, Err: err}
		}
		if err := t.give(dir, n.name, me); err != nil {
			return err
		}
	}
	for _, l := range devLinks {
		if err := t.addSymlink(l.text, path.Join("/dev", l.name)); err != nil {
			return err
		}
	}
	if t.spec.Terminal {
		// libcontainer binds the terminal here.
		if err := t.mkfile("/dev/console", nil, 0o600); err != nil {
			return err
		}
	}
	return t.terminals()
}

// terminals mounts a devpts whose terminals belong to the jail's user. Without
// the owner options they would belong to whoever opened the master, which is
// the user namespace's root, and nobody in it could give them away: their
// group has no id there.
func (t *Tree) terminals() error {
	u := t.spec.User
	pts, err := newFS("devpts", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC,
		option{"newinstance", ""}, option{"mode", "0600"}, option{"ptmxmode", "0666"},
		option{"uid", id(u.UID)}, option{"gid", id(u.GID)})
	if err != nil {
		return err
	}
	defer pts.Close()
	return t.place("/dev/pts", pts, true)
}
