package jail

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// PrivateUnified is where a cgroup v2 hierarchy is mounted on a host that has
// none (cgroup v1 only). It has no controllers, and needs none: it names the
// jail for BPF, freezes and kills.
const PrivateUnified = "/run/clawjail/cgroup2"

// Hierarchies are the cgroup mounts of this host.
type Hierarchies struct {
	// Unified is the cgroup v2 mount, "" if there is none.
	Unified string
	// V1 are the mounts of cgroup v1.
	V1 []string
	// CPU and Memory are those of V1 that have the controller, "" if none does.
	CPU, Memory string
}

// FindHierarchies reads the cgroup mounts of the calling process's mount
// namespace.
func FindHierarchies() (Hierarchies, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return Hierarchies{}, err
	}
	defer f.Close()
	var h Hierarchies
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			continue
		}
		switch where := fields[1]; fields[2] {
		case "cgroup2":
			// The first is the system's; a later one is a second view of it.
			if h.Unified == "" {
				h.Unified = where
			}
		case "cgroup":
			if slices.Contains(h.V1, where) {
				continue
			}
			h.V1 = append(h.V1, where)
			if len(fields) > 3 {
				h.note(where, strings.Split(fields[3], ","))
			}
		}
	}
	return h, lines.Err()
}

// note takes down where controllers are that somebody asks for.
func (h *Hierarchies) note(where string, options []string) {
	for _, o := range options {
		switch o {
		case "cpu":
			h.CPU = where
		case "memory":
			h.Memory = where
		}
	}
}

// EnsureUnified returns the cgroup v2 mount and makes one at PrivateUnified on
// a host that has none.
func EnsureUnified() (string, error) {
	h, err := FindHierarchies()
	if err != nil || h.Unified != "" {
		return h.Unified, err
	}
	if err := os.MkdirAll(PrivateUnified, 0o755); err != nil {
		return "", err
	}
	if err := unix.Mount("clawjail", PrivateUnified, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return "", fmt.Errorf("mount cgroup2 at %q: %w", PrivateUnified, err)
	}
	return PrivateUnified, nil
}

// Warm makes the next moves between cgroups fast, on the whole host and for a
// while. It moves the calling process to where it is.
//
// Every move takes cgroup_threadgroup_rwsem for writing, and the first one
// after a pause waits for an RCU grace period (kernel/rcu/sync.c), 7 to 17 ms;
// the following ones take 0.1 ms. A new process moves into ten cgroups on a
// hybrid host, and whoever calls this early waits beside the rest of the work.
// The mount option favordynmods does the same for ever, at the cost of every
// fork on the host.
func Warm() error {
	h, err := FindHierarchies()
	if err != nil {
		return err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(own)) {
		if rel, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			procs := filepath.Join(h.Unified, rel, "cgroup.procs")
			return os.WriteFile(procs, []byte("0"), 0) // 0 is the writer itself
		}
	}
	return errors.New("no cgroup v2 in /proc/self/cgroup")
}

// HoldParents makes the cgroup parent in the unified hierarchy and keeps
// RemoveCgroups in other processes from removing it, in any hierarchy, until
// release is called. Whoever makes a cgroup below a parent holds it meanwhile:
// between the two mkdirs the parent is empty.
func HoldParents(parent string) (release func(), err error) {
	h, err := FindHierarchies()
	if err != nil {
		return nil, err
	}
	return h.HoldParents(parent)
}

// HoldParents is the function of that name, for these hierarchies.
func (h Hierarchies) HoldParents(parent string) (release func(), err error) {
	dir := filepath.Join(h.Unified, parent)
	for {
		err := os.MkdirAll(dir, 0o755)
		if st, statErr := os.Stat(dir); errors.Is(err, unix.EEXIST) && (statErr != nil || st.IsDir()) {
			continue // there for mkdir, and gone when MkdirAll looked
		}
		if err != nil {
			return nil, err
		}
		f, err := lock(dir, unix.LOCK_SH)
		if errors.Is(err, unix.ENOENT) {
			continue // removed in between
		}
		if err != nil {
			return nil, err
		}
		// It may have been removed while we waited; then this is the lock of
		// a directory that is no more.
		was, err := f.Stat()
		is, isErr := os.Stat(dir)
		if err == nil && isErr == nil && os.SameFile(was, is) {
			return func() { f.Close() }, nil
		}
		f.Close()
		if isErr != nil && !errors.Is(isErr, unix.ENOENT) {
			return nil, isErr
		}
	}
}

func lock(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %q: %w", dir, err)
	}
	return f, nil
}

// RemoveCgroups removes the cgroup parent/id, with what is below it, from
// every hierarchy, and then the parent if it is empty and nobody holds it: who
// does removes it later. There must be no process left in the cgroup. What
// does not exist is no error.
func RemoveCgroups(parent, id string) error {
	h, err := FindHierarchies()
	if err != nil {
		return err
	}
	return h.RemoveCgroups(parent, id)
}

// RemoveCgroups is the function of that name, for these hierarchies.
func (h Hierarchies) RemoveCgroups(parent, id string) error {
	roots := slices.Clone(h.V1)
	if h.Unified != "" {
		roots = append(roots, h.Unified) // the last: see removeParent
	}
	var errs []error
	for _, root := range roots {
		errs = append(errs, removeTree(filepath.Join(root, parent, id)))
	}
	return errors.Join(append(errs, removeParent(roots, parent))...)
}

// removeParent removes the parent in every hierarchy. It may be in use, and two
// processes may do this at once: one that does not get the lock leaves the work
// to the other, which looks again after it has let go. What the first one had
// removed before it tried, the second one sees then.
func removeParent(roots []string, parent string) error {
	unified := filepath.Join(roots[len(roots)-1], parent)
	for {
		f, err := lock(unified, unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EWOULDBLOCK) {
			return nil
		}
		if err != nil {
			return err
		}
		if isChildless(unified) { // and stays so, for whoever makes one holds it
			for _, root := range roots {
				for dir := filepath.Clean(parent); dir != "." && dir != "/"; dir = filepath.Dir(dir) {
					if unix.Rmdir(filepath.Join(root, dir)) != nil {
						break // others use it, or it was never made there
					}
				}
			}
			f.Close()
			return nil
		}
		f.Close()
		if !isChildless(unified) {
			return nil
		}
	}
}

// isChildless reports whether a cgroup exists and has none below it: then its
// directory has two links (fs/kernfs/inode.c:kernfs_refresh_inode).
func isChildless(dir string) bool {
	var st unix.Stat_t
	return unix.Stat(dir, &st) == nil && st.Nlink == 2
}

// removeTree removes a cgroup and its children, the deepest first. Plain files
// of a cgroup cannot be removed and need not be.
func removeTree(dir string) error {
	err := unix.Rmdir(dir)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	entries, readErr := os.ReadDir(dir)
	if readErr != nil {
		return fmt.Errorf("remove cgroup %q: %w", dir, err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove cgroup %q: %w", dir, err)
	}
	return nil
}
