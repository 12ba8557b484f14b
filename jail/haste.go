package jail

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

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

// NewHaste is for jails below the cgroup parent.
func NewHaste(parent string) (*Haste, error) {
	h, err := FindHierarchies()
	if err != nil {
		return nil, err
	}
	if h.CPU != "" {
		return &Haste{parent: parent, root: h.CPU}, nil
	}
	return &Haste{parent: parent, root: h.Unified, unified: true}, nil
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

// raise writes a setting; the returned function writes what was there before.
func raise(dir string, s setting) (undo func()) {
	f, err := os.OpenFile(filepath.Join(dir, s.file), unix.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return func() {}
	}
	var buf [64]byte
	n, err := f.Read(buf[:])
	before := strings.TrimSpace(string(buf[:n]))
	if err == nil && before != s.value {
		_, err = f.WriteAt([]byte(s.value), 0)
	}
	return func() {
		defer f.Close()
		if err == nil && before != s.value {
			_, _ = f.WriteAt([]byte(before), 0) // ENODEV: the jail has ended
		}
	}
}
