//go:build kernel

package jail_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
)

// weights reads what lets the cgroups of a test run, by file.
func weights(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, dir := range dirs {
		for _, file := range []string{"cpu.shares", "cpu.cfs_quota_us", "cpu.weight", "cpu.max"} {
			b, err := os.ReadFile(filepath.Join(dir, file))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Join(dir, file)] = strings.TrimSpace(string(b))
		}
	}
	return out
}

func same(a, b map[string]string) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

// hasteTree makes a parent with the jails "a", which has a quota, and "b".
func hasteTree(t *testing.T) (parent string, dirs []string) {
	t.Helper()
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	root, quota := h.CPU, "cpu.cfs_quota_us"
	if root == "" {
		root, quota = h.Unified, "cpu.max"
		// What a jail's runtime does, too.
		if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+cpu"), 0); err != nil {
			t.Fatal(err)
		}
	}
	parent = "clawjailtest-haste-" + strconv.Itoa(os.Getpid())
	top := filepath.Join(root, parent)
	for _, dir := range []string{top, filepath.Join(top, "a"), filepath.Join(top, "b")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Rmdir(dir) })
		if h.CPU == "" {
			_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+cpu"), 0)
		}
		dirs = append(dirs, dir)
	}
	if err := os.WriteFile(filepath.Join(dirs[1], quota), []byte("50000"), 0); err != nil {
		t.Fatal(err)
	}
	return parent, dirs
}

func hasteOf(t *testing.T, parent string) *jail.Haste {
	t.Helper()
	haste, err := jail.NewHaste(parent)
	if err != nil {
		t.Fatal(err)
	}
	return haste
}

func TestHasteIsUndone(t *testing.T) {
	parent, dirs := hasteTree(t)
	top, haste := dirs[0], hasteOf(t, parent)
	before := weights(t, dirs...)
	doneA := haste.Hurry("a")
	one := weights(t, dirs...)
	for _, dir := range dirs[:2] {
		if same(weights(t, dir), pick(before, dir)) {
			t.Errorf("%s is as it was: %v", dir, one)
		}
	}
	doneB := haste.Hurry("b")
	doneA()
	doneA()
	// b still needs what both share.
	if now := weights(t, top); !same(now, pick(one, top)) {
		t.Errorf("the parent has %v", now)
	}
	if now := weights(t, dirs[1]); !same(now, pick(before, dirs[1])) {
		t.Errorf("a has %v, before %v", now, before)
	}
	doneB()
	if now := weights(t, dirs...); !same(now, before) {
		t.Errorf("%v, before %v", now, before)
	}
	// A jail that is not there is no reason to fail.
	haste.Hurry("c")()
	if now := weights(t, dirs...); !same(now, before) {
		t.Errorf("%v, before %v", now, before)
	}
}

// TestHasteOfTheKilled leaves a hurry as a supervisor does that is killed in it:
// the next one, and the jail's shim, put everything back.
func TestHasteOfTheKilled(t *testing.T) {
	parent, dirs := hasteTree(t)
	before := weights(t, dirs...)
	calm := map[string]func() error{
		"the next supervisor": func() error {
			_, err := jail.NewHaste(parent)
			return err
		},
		"the shim": func() error {
			h, err := jail.FindHierarchies()
			if err != nil {
				return err
			}
			return h.Calm(parent, "a")
		},
	}
	for name, f := range calm {
		hasteOf(t, parent).Hurry("a")
		for _, dir := range dirs[:2] {
			if same(weights(t, dir), pick(before, dir)) {
				t.Fatalf("%s is as it was", dir)
			}
		}
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if now := weights(t, dirs...); !same(now, before) {
			t.Errorf("%s: %v, before %v", name, now, before)
		}
	}
}

// TestHasteOfTwo has two supervisors in a hurry, of which the one that came
// second is done last: it does not take the first one's hurry for what was
// before.
func TestHasteOfTwo(t *testing.T) {
	parent, dirs := hasteTree(t)
	one, two := hasteOf(t, parent), hasteOf(t, parent)
	before := weights(t, dirs...)
	doneA := one.Hurry("a")
	doneB := two.Hurry("b")
	doneA()
	doneB()
	if now := weights(t, dirs...); !same(now, before) {
		t.Errorf("%v, before %v", now, before)
	}
}

// TestHasteBesideTheStopped: somebody who has the lock and does nothing holds up no
// hurry, and no calming either.
func TestHasteBesideTheStopped(t *testing.T) {
	parent, dirs := hasteTree(t)
	before := weights(t, dirs...)
	haste := hasteOf(t, parent)
	haste.Hurry("a") // and never done
	for file := range before {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			t.Fatal(err)
		}
	}
	hasteOf(t, parent)
	if now := weights(t, dirs...); !same(now, before) {
		t.Errorf("%v, before %v", now, before)
	}
	done := haste.Hurry("b")
	if now := weights(t, dirs[2]); !same(now, pick(before, dirs[2])) {
		t.Errorf("raised without the lock: %v", now)
	}
	done()
}

// TestHasteOfMany has supervisors that freeze, and others that come up meanwhile
// and calm what they find: in the end nothing is raised.
func TestHasteOfMany(t *testing.T) {
	parent, dirs := hasteTree(t)
	before := weights(t, dirs...)
	var all sync.WaitGroup
	for i := range 4 {
		haste := hasteOf(t, parent)
		all.Go(func() {
			for range 100 {
				if i%2 == 0 {
					haste.Hurry("a")()
				} else if _, err := jail.NewHaste(parent); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if now := weights(t, dirs...); !same(now, before) {
		t.Errorf("%v, before %v", now, before)
	}
}

// pick gives the files of one directory.
func pick(all map[string]string, dir string) map[string]string {
	out := map[string]string{}
	for k, v := range all {
		if filepath.Dir(k) == dir {
			out[k] = v
		}
	}
	return out
}
