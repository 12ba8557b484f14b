package root

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// attrs are the attributes that every mount has, whatever else.
const always = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// cloneTree makes a detached copy of what src shows, with everything mounted
// below it. Nothing that happens to the original mounts changes it.
func cloneTree(src *os.File) (*os.File, error) {
	fd, err := unix.OpenTree(int(src.Fd()), "",
		unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return nil, fmt.Errorf("open_tree %q: %w", src.Name(), err)
	}
	return os.NewFile(uintptr(fd), src.Name()), nil
}

// setAttr sets attributes on a mount and everything below, and takes it out of
// every propagation group. idmap, when not nil, is a user namespace to map
// owners by.
func setAttr(mount *os.File, set uint64, idmap *os.File) error {
	attr := unix.MountAttr{Attr_set: set, Propagation: unix.MS_PRIVATE}
	if idmap != nil {
		attr.Attr_set |= unix.MOUNT_ATTR_IDMAP
		attr.Userns_fd = uint64(idmap.Fd())
	}
	err := unix.MountSetattr(int(mount.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
	return os.NewSyscallError("mount_setattr", err)
}

// readOnly makes one mount read-only, and nothing mounted below it.
func readOnly(mount *os.File) error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	err := unix.MountSetattr(int(mount.Fd()), "", unix.AT_EMPTY_PATH, &attr)
	return os.NewSyscallError("mount_setattr", err)
}

// attach puts a detached mount on target, which is an O_PATH descriptor.
func attach(mount *os.File, target int) error {
	err := unix.MoveMount(int(mount.Fd()), "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	return os.NewSyscallError("move_mount", err)
}

// option is one parameter of a file system; no value makes it a flag.
type option struct{ key, value string }

// newFS makes a file system and a detached mount of it.
func newFS(kind string, attr int, options ...option) (*os.File, error) {
	ctx, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("fsopen %s: %w", kind, err)
	}
	defer unix.Close(ctx)
	options = append(options, option{"source", kind})
	for _, o := range options {
		if o.value == "" {
			err = unix.FsconfigSetFlag(ctx, o.key)
		} else {
			err = unix.FsconfigSetString(ctx, o.key, o.value)
		}
		if err != nil {
			return nil, fmt.Errorf("%s option %s=%s: %w", kind, o.key, o.value, err)
		}
	}
	if err := unix.FsconfigCreate(ctx); err != nil {
		return nil, fmt.Errorf("create %s: %w", kind, err)
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, attr)
	if err != nil {
		return nil, fmt.Errorf("fsmount %s: %w", kind, err)
	}
	return os.NewFile(uintptr(fd), kind), nil
}

// inodeBytes is how much of a tmpfs' size allows one inode. An inode costs the
// kernel about 1 KiB that the size does not count.
const inodeBytes = 4096

// minInodes lets a small tmpfs still hold a tree of directories.
const minInodes = 1024

// newTmpfs makes a tmpfs that is bounded in bytes and in inodes.
func newTmpfs(attr int, size int64, mode, uid, gid uint32) (*os.File, error) {
	return newFS("tmpfs", attr,
		option{"size", strconv.FormatInt(size, 10)},
		option{"nr_inodes", strconv.FormatInt(max(size/inodeBytes, minInodes), 10)},
		option{"mode", strconv.FormatUint(uint64(mode), 8)},
		option{"uid", strconv.FormatUint(uint64(uid), 10)},
		option{"gid", strconv.FormatUint(uint64(gid), 10)})
}

// deviceOf is the number of the file system that fd is on.
func deviceOf(fd int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, os.NewSyscallError("fstat", err)
	}
	return st.Dev, nil
}

// isUnmappable reports whether mount_setattr refused because a file system
// cannot map owners.
func isUnmappable(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM)
}
