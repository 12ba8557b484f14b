package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxAside is how many trees of one incident can stand beside each other.
const maxAside = 100

// Replace puts a copy of good in the place of tree, and gives the path that the
// tree has from then on, which only root can enter; none when there was none. id
// marks what it makes. Until it returns without an error tree is what it was, or,
// when said so, replaced.
func Replace(ctx context.Context, good, tree, id string) (aside string, err error) {
	if good, err = Check(good, tree); err != nil {
		return "", err
	}
	parent, name := filepath.Split(tree)
	fd, err := unix.Openat2(unix.AT_FDCWD, parent, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return "", fmt.Errorf("open %s without following symbolic links: %w", parent, err)
	}
	defer unix.Close(fd)
	r := &replacing{dir: fd, parent: parent, name: name, fresh: "." + name + ".restoring-" + id}
	if err := r.copy(ctx, good); err != nil {
		return "", errors.Join(err, r.discard())
	}
	return r.exchange(id)
}

// Check refuses what Replace would, by the paths, and gives that of the copy.
func Check(good, tree string) (string, error) {
	if !filepath.IsAbs(tree) || filepath.Clean(tree) != tree || tree == "/" {
		return "", fmt.Errorf("replace %q: it is no clean absolute path of a directory", tree)
	}
	good, err := filepath.EvalSymlinks(good)
	if err != nil {
		return "", err
	}
	if good, err = filepath.Abs(good); err != nil {
		return "", err
	}
	if within(good, tree) || within(tree, good) {
		return "", fmt.Errorf("%s and %s are inside each other: the copy has to be somewhere else", good, tree)
	}
	return good, nil
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

type replacing struct {
	dir          int // of the parent
	parent, name string
	fresh        string // name of the copy until it is whole
}

// discard removes an unfinished copy.
func (r *replacing) discard() error {
	root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", r.dir))
	if err != nil {
		return err
	}
	defer root.Close()
	return root.RemoveAll(r.fresh)
}

// copy makes the copy, and compares it.
func (r *replacing) copy(ctx context.Context, good string) error {
	if err := r.discard(); err != nil { // of one that was interrupted
		return err
	}
	if err := unix.Mkdirat(r.dir, r.fresh, 0o700); err != nil {
		return &os.PathError{Op: "mkdir", Path: filepath.Join(r.parent, r.fresh), Err: err}
	}
	fd, err := unix.Openat(r.dir, r.fresh, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(r.parent, r.fresh), Err: err}
	}
	to := os.NewFile(uintptr(fd), r.fresh)
	defer to.Close()
	var said bytes.Buffer
	cp := exec.CommandContext(ctx, "/bin/cp", "--archive", "--reflink=auto", "--", good+"/.", "/proc/self/fd/3/")
	cp.Env, cp.Stderr, cp.ExtraFiles = []string{"LANG=C.UTF-8"}, &said, []*os.File{to}
	if err := cp.Run(); err != nil {
		first, _, _ := strings.Cut(said.String(), "\n")
		return fmt.Errorf("copy %s: %w: %s", good, err, first)
	}
	d, err := Compare(ctx, good, fmt.Sprintf("/proc/self/fd/%d", fd))
	if err == nil && !d.None() {
		err = fmt.Errorf("%s changed while it was copied: %s", good, d)
	}
	if err != nil {
		return err
	}
	return os.NewSyscallError("syncfs", unix.Syncfs(fd))
}

// exchange puts the copy in place, and what was there aside.
func (r *replacing) exchange(id string) (string, error) {
	err := unix.Renameat2(r.dir, r.fresh, r.dir, r.name, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOENT) {
		err = unix.Renameat2(r.dir, r.fresh, r.dir, r.name, unix.RENAME_NOREPLACE)
		if err == nil {
			return "", nil
		}
	}
	if err != nil {
		err = &os.LinkError{Op: "exchange", Old: filepath.Join(r.parent, r.fresh), New: filepath.Join(r.parent, r.name), Err: err}
		if errors.Is(err, unix.EBUSY) {
			err = fmt.Errorf("%w: it is a mount point; unmount it, or restore into another directory", err)
		}
		return "", errors.Join(err, r.discard())
	}
	// From here on the copy is in place.
	for n := range maxAside {
		name := r.name + ".incident-" + id
		if n > 0 {
			name += fmt.Sprintf("-%d", n+1)
		}
		err = unix.Renameat2(r.dir, r.fresh, r.dir, name, unix.RENAME_NOREPLACE)
		if err == nil {
			r.fresh = name
			break
		}
		if !errors.Is(err, unix.EEXIST) {
			break
		}
	}
	aside := filepath.Join(r.parent, r.fresh)
	if err != nil {
		return aside, fmt.Errorf("it is replaced, and what was there is %s: give that a name: %w", aside, err)
	}
	if err := r.closeOff(); err != nil {
		return aside, fmt.Errorf("it is replaced, and what was there is %s: keep others from entering it: %w", aside, err)
	}
	return aside, nil
}

// closeOff makes what was there root's to enter only.
func (r *replacing) closeOff() error {
	fd, err := unix.Openat(r.dir, r.fresh, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return errors.Join(unix.Fchown(fd, 0, 0), unix.Fchmod(fd, 0o700), unix.Syncfs(fd))
}
