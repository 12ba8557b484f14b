package jail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Haste lets jails run before the rest of the host for the milliseconds that it
// takes to stop them.
//
// A frozen cgroup stands when its last task stands, and a task stops itself, in
// its own time slice: it has to be given one. Fifty processes that compute share
// what one group gets beside everything else that runs, and a group that has used
// up its quota gets nothing until the next period.
type Haste struct {
	parent  string
	root    string // of the processor's controller, "" without one
	unified bool

	mu      sync.Mutex
	hasty   int // jails in a hurry
	restore []func()
}

// NewHaste is for jails below the cgroup parent. What a supervisor that was
// killed left in a hurry is calmed.
func NewHaste(parent string) (*Haste, error) {
	h, err := FindHierarchies()
	if err != nil {
		return nil, err
	}
	out := hasteOf(h, parent)
	if err := out.calm(); err != nil {
		return nil, err
	}
	return out, nil
}

func hasteOf(h Hierarchies, parent string) *Haste {
	if h.CPU != "" {
		return &Haste{parent: parent, root: h.CPU}
	}
	return &Haste{parent: parent, root: h.Unified, unified: true}
}

// Calm puts back what a supervisor that was killed in a hurry left to one jail,
// and to all of them together.
func (h Hierarchies) Calm(parent, id string) error {
	haste := hasteOf(h, parent)
	if haste.root == "" {
		return nil
	}
	weight, quota := haste.settings()
	dir := filepath.Join(haste.root, parent, id)
	return errors.Join(forget(dir, quota), forget(dir, weight), haste.calmParents())
}

// calm is Calm for every jail.
func (h *Haste) calm() error {
	if h.root == "" {
		return nil
	}
	weight, quota := h.settings()
	dirs, err := os.ReadDir(filepath.Join(h.root, h.parent))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err, h.calmParents()}
	for _, d := range dirs {
		if d.IsDir() {
			dir := filepath.Join(h.root, h.parent, d.Name())
			errs = append(errs, forget(dir, quota), forget(dir, weight))
		}
	}
	return errors.Join(errs...)
}

func (h *Haste) calmParents() error {
	if h.root == "" {
		return nil
	}
	weight, _ := h.settings()
	var errs []error
	for p := h.parent; p != "." && p != "/"; p = filepath.Dir(p) {
		errs = append(errs, forget(filepath.Join(h.root, p), weight))
	}
	return errors.Join(errs...)
}

// setting is a file of a cgroup and what lets it run.
type setting struct{ file, value string }

// settings are the weight, and for the jail itself the quota. The weights are the
// largest that the kernel takes.
func (h *Haste) settings() (weight, quota setting) {
	if h.unified {
		return setting{"cpu.weight", "10000"}, setting{"cpu.max", "max"}
	}
	return setting{"cpu.shares", "262144"}, setting{"cpu.cfs_quota_us", "-1"}
}

// Hurry gives a jail the processor until the returned function is called. What
// the host does not have, or does not let be changed, stays as it is: it then
// takes longer.
func (h *Haste) Hurry(id string) (done func()) {
	if h.root == "" {
		return func() {}
	}
	weight, quota := h.settings()
	dir := filepath.Join(h.root, h.parent, id)
	own := []func(){raise(dir, quota), raise(dir, weight)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hasty++; h.hasty == 1 {
		// Jails share the parent's part of the host.
		for p := h.parent; p != "." && p != "/"; p = filepath.Dir(p) {
			h.restore = append(h.restore, raise(filepath.Join(h.root, p), weight))
		}
	}
	return sync.OnceFunc(func() {
		for _, undo := range own {
			undo()
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.hasty--; h.hasty == 0 {
			for _, undo := range h.restore {
				undo()
			}
			h.restore = nil
		}
	})
}

// remembered is the attribute of a file of a cgroup that keeps what it said
// before it was raised: it is there for as long as the cgroup is, whoever dies.
const remembered = "trusted.clawjail.before"

// raise writes a setting; the returned function writes what was there before.
// What cannot be remembered is not raised. Of two supervisors in a hurry the
// first to be done puts the setting back, for both.
func raise(dir string, s setting) (undo func()) {
	f, locked, err := openSetting(dir, s)
	if err != nil {
		return func() {}
	}
	defer f.Close()
	if !locked {
		return func() {} // it takes longer then
	}
	var buf [64]byte
	n, err := f.Read(buf[:])
	before := strings.TrimSpace(string(buf[:n]))
	// cpu.max says "max 100000", with the period behind it.
	if first, _, _ := strings.Cut(before, " "); err != nil || first == s.value {
		return func() {} // it is what it shall be, or somebody else's hurry
	}
	if unix.Fsetxattr(int(f.Fd()), remembered, []byte(before), 0) != nil {
		return func() {}
	}
	if _, err := f.WriteAt([]byte(s.value), 0); err != nil {
		_ = unix.Fremovexattr(int(f.Fd()), remembered)
		return func() {}
	}
	return func() { _ = forget(dir, s) } // an error: the jail has ended
}

// openSetting opens the file of a setting. Who has the lock of it changes what it
// says and what is remembered of it together; it is waited for briefly: a
// supervisor that was stopped with it must not hold up a freeze.
func openSetting(dir string, s setting) (f *os.File, locked bool, err error) {
	f, err = os.OpenFile(filepath.Join(dir, s.file), unix.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, false, err
	}
	for range 300 {
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			return f, true, nil
		}
		time.Sleep(time.Millisecond)
	}
	return f, false, nil
}

// forget puts back what was there before a setting was raised, if it was, with the
// lock or without: what is raised must not stay.
func forget(dir string, s setting) error {
	f, _, err := openSetting(dir, s)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var buf [64]byte
	n, err := unix.Fgetxattr(int(f.Fd()), remembered, buf[:])
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENODEV):
		return nil // nothing was raised, or the cgroup has gone
	case err != nil:
		return os.NewSyscallError("fgetxattr", err)
	}
	if _, err := f.WriteAt(buf[:n], 0); err != nil {
		if errors.Is(err, unix.ENODEV) {
			return nil // the cgroup has gone meanwhile
		}
		return err
	}
	if err := unix.Fremovexattr(int(f.Fd()), remembered); err != nil && !errors.Is(err, unix.ENODATA) {
		return os.NewSyscallError("fremovexattr", err)
	}
	return nil
}
