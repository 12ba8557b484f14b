package behalf

import (
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// attrs are the attributes of every Root's mount. Nothing is executed through
// a descriptor that was opened for writing, so noexec costs nothing.
const attrs = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

// Root is a subtree that may be written on approval.
type Root struct {
	jail string
	dir  *os.File // O_PATH, root of the detached mount; may be a plain file
	file bool     // the root is a regular file
}

// OpenRoot takes the subtree of the host that the jail shows at jailPath.
// hostPath has no symbolic link in it. idmap is how the jail's mount maps
// owners, nil if it does not.
func OpenRoot(jailPath, hostPath string, idmap *Idmap) (*Root, error) {
	if !path.IsAbs(jailPath) || path.Clean(jailPath) != jailPath {
		return nil, fmt.Errorf("writable root %q: not a clean absolute path", jailPath)
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, hostPath, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: hostPath, Err: err}
	}
	src := os.NewFile(uintptr(fd), hostPath)
	defer src.Close()
	st, err := stat(src)
	if err != nil {
		return nil, fmt.Errorf("stat %q: %w", hostPath, err)
	}
	kind := st.Mode & unix.S_IFMT
	if kind != unix.S_IFDIR && kind != unix.S_IFREG {
		return nil, fmt.Errorf("writable root %q: neither a directory nor a regular file", hostPath)
	}
	dir, err := detach(src, idmap)
	if err != nil {
		return nil, fmt.Errorf("writable root %q: %w", hostPath, err)
	}
	return &Root{jail: jailPath, dir: dir, file: kind == unix.S_IFREG}, nil
}

// File is the root of the mount, for AdoptRoot in another process.
func (r *Root) File() *os.File { return r.dir }

// AdoptRoot is OpenRoot with the mount that another process has opened for the
// jail: what the jail has open through it is known by it. It takes dir over.
func AdoptRoot(jailPath string, dir *os.File) (*Root, error) {
	st, err := stat(dir)
	if err != nil {
		return nil, fmt.Errorf("writable root %q: %w", jailPath, err)
	}
	return &Root{jail: jailPath, dir: dir, file: st.Mode&unix.S_IFMT == unix.S_IFREG}, nil
}

// View takes a jail's own tree as it is, read-only mounts and all, from its root
// directory (O_PATH): for what the jail could do by itself and must not, because
// it is counted. The caller keeps root.
func View(root *os.File) (*Root, error) {
	dir, err := duplicate(root)
	if err != nil {
		return nil, err
	}
	return &Root{jail: "/", dir: dir}, nil
}

// MountID is the kernel's number for the root's own mount: every descriptor that
// was opened through the root has it. kernel 5.8, fs/stat.c:vfs_getattr_nosec.
func (r *Root) MountID() (uint64, error) { return MountID(r.dir) }

// MountID is the kernel's number for the mount that a file was opened through.
func MountID(f *os.File) (uint64, error) {
	var st unix.Statx_t
	var err error
	if cerr := control(f, func(fd int) {
		err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	}); cerr != nil {
		return 0, cerr
	}
	if err != nil {
		return 0, os.NewSyscallError("statx", err)
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return 0, fmt.Errorf("statx of %q: no mount id", f.Name())
	}
	return st.Mnt_id, nil
}

// detach copies the mounts that src shows, attached nowhere.
func detach(src *os.File, idmap *Idmap) (*os.File, error) {
	fd, err := unix.OpenTree(int(src.Fd()), "",
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return nil, os.NewSyscallError("open_tree", err)
	}
	tree := os.NewFile(uintptr(fd), src.Name())
	attr := unix.MountAttr{Attr_set: attrs, Propagation: unix.MS_PRIVATE}
	if idmap != nil {
		ns, err := idmap.namespace()
		if err != nil {
			tree.Close()
			return nil, err
		}
		defer ns.Close()
		attr.Attr_set |= unix.MOUNT_ATTR_IDMAP
		attr.Userns_fd = uint64(ns.Fd())
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		tree.Close()
		return nil, os.NewSyscallError("mount_setattr", err)
	}
	return tree, nil
}

// Path is where the jail shows the root.
func (r *Root) Path() string { return r.jail }

// Rel says whether an absolute, clean path inside the jail is in the root, and
// where: "" is the root itself.
func (r *Root) Rel(jailPath string) (string, bool) {
	if jailPath == r.jail {
		return "", true
	}
	return strings.CutPrefix(jailPath, strings.TrimSuffix(r.jail, "/")+"/")
}

// Close lets go of the mount. Operations on what was pinned in it give EBADF.
func (r *Root) Close() error { return r.dir.Close() }
