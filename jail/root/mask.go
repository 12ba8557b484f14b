package root

import (
	"errors"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// procMasked are entries of /proc that show or change the whole host. Entries
// that the kernel does not have are skipped.
var procMasked = [...]string{
	"acpi", "asound", "interrupts", "kcore", "keys", "key-users", "kmsg", "kpagecount", "kpageflags",
	"kpagecgroup", "latency_stats", "sched_debug", "schedstat", "scsi", "slabinfo", "sysrq-trigger",
	"timer_list", "timer_stats", "vmallocinfo",
}

// procReadOnly are directories of /proc whose files configure the host.
var procReadOnly = [...]string{"bus", "driver", "fs", "irq", "mtrr", "sys", "tty"}

func id(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// makeMasks makes an empty file and an empty directory that nobody may open.
func (t *Tree) makeMasks(dir string) error {
	if err := os.WriteFile(path.Join(dir, "f"), nil, 0); err != nil {
		return err
	}
	if err := os.Mkdir(path.Join(dir, "d"), 0); err != nil {
		return err
	}
	for _, name := range []string{"f", "d"} {
		if err := os.Chown(path.Join(dir, name), int(t.opts.RootID), int(t.opts.RootID)); err != nil {
			return err
		}
	}
	fd, err := openDir(unix.AT_FDCWD, dir)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	t.mask = os.NewFile(uintptr(fd), dir)
	return nil
}

// addMask covers target with something empty. Nothing there: nothing to cover.
func (t *Tree) addMask(target string) error {
	at, err := t.lookup(target)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err // ELOOP among them: see the package's Decisions
	}
	defer unix.Close(at)
	kind, err := typeOf(at)
	if err != nil {
		return &os.PathError{Op: "stat", Path: target, Err: err}
	}
	name := "f"
	switch kind {
	case unix.S_IFDIR:
		name = "d"
	case unix.S_IFLNK:
		return &os.PathError{Op: "mask", Path: target, Err: unix.ELOOP}
	}
	src, err := unix.Openat(int(t.mask.Fd()), name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	f := os.NewFile(uintptr(src), target)
	defer f.Close()
	return t.cover(f, at)
}

// cover puts a read-only copy of src on target.
func (t *Tree) cover(src *os.File, target int) error {
	tree, err := cloneTree(src)
	if err != nil {
		return err
	}
	defer tree.Close()
	if err := setAttr(tree, always|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_RDONLY, nil); err != nil {
		return err
	}
	return attach(tree, target)
}

// MaskProc covers what the jail's /proc, which must be mounted, shows of the
// host.
func (t *Tree) MaskProc() error {
	for _, name := range procMasked {
		if err := t.addMask(path.Join("/proc", name)); err != nil {
			return err
		}
	}
	for _, name := range procReadOnly {
		target := path.Join("/proc", name)
		at, err := t.lookup(target)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(at), target)
		err = t.cover(f, at)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
