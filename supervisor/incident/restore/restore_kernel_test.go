//go:build kernel

package restore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/incident/restore"
)

// plant makes files; a name that ends in a slash is a directory, "-> to" a link.
func plant(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch to, link := strings.CutPrefix(content, "-> "); {
		case link:
			err = os.Symlink(to, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func compare(t *testing.T, good, tree string) string {
	t.Helper()
	d, err := restore.Compare(t.Context(), good, tree)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range d.List {
		out = append(out, string(x.Kind)+" "+x.Path)
	}
	return strings.Join(out, ", ")
}

// TestReplace: what a jail wrote, removed and changed is as it was, and what it left
// is kept for root.
func TestReplace(t *testing.T) {
	base := t.TempDir()
	good := plant(t, filepath.Join(base, "good"), map[string]string{"a": "1", "b": strings.Repeat("x", 1<<20), "d/e": "2", "d/run": "3", "l": "-> a", "gone": "4", "empty/": ""})
	tree := filepath.Join(base, "home", "work")
	if err := os.MkdirAll(filepath.Dir(tree), 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, err := range []error{os.Chmod(filepath.Join(good, "d/run"), 0o755), os.Lchown(filepath.Join(good, "a"), 1234, 1234), os.Chown(good, 1234, 1234),
		os.Chtimes(filepath.Join(good, "a"), old, old), unix.Setxattr(filepath.Join(good, "a"), "user.kept", []byte("yes"), 0)} {
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			t.Fatal(err)
		}
	}
	if aside, err := restore.Replace(t.Context(), good, tree, "one"); err != nil || aside != "" {
		t.Fatalf("where nothing was: %q, %v", aside, err)
	}
	if d := compare(t, good, tree); d != "" {
		t.Fatalf("a fresh copy differs: %s", d)
	}
	st, err := os.Stat(filepath.Join(tree, "a"))
	if err != nil || !st.ModTime().Equal(old) {
		t.Errorf("%v, %v", st, err)
	}
	// What an attacker does.
	for _, err := range []error{os.WriteFile(filepath.Join(tree, "b"), []byte(strings.Repeat("x", 1<<20-1)+"y"), 0o644), os.Remove(filepath.Join(tree, "gone")),
		os.Remove(filepath.Join(tree, "l")), os.Symlink("/etc/shadow", filepath.Join(tree, "l")), os.Chmod(filepath.Join(tree, "d/e"), 0o777),
		os.RemoveAll(filepath.Join(tree, "empty")), os.WriteFile(filepath.Join(tree, "empty"), nil, 0o644), unix.Mkfifo(filepath.Join(tree, "fifo"), 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := compare(t, good, tree); d != "changed b, changed d/e, changed empty, new fifo, missing gone, changed l" {
		t.Errorf("it differs in %s", d)
	}
	aside, err := restore.Replace(t.Context(), good, tree, "one")
	if err != nil || aside != tree+".incident-one" {
		t.Fatalf("%q, %v", aside, err)
	}
	if d := compare(t, good, tree); d != "" {
		t.Errorf("it still differs: %s", d)
	}
	if st, err = os.Stat(aside); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
	if link, err := os.Readlink(filepath.Join(aside, "l")); err != nil || link != "/etc/shadow" {
		t.Errorf("what was there is not kept: %s, %v", link, err)
	}
	if aside, err = restore.Replace(t.Context(), good, tree, "one"); err != nil || aside != tree+".incident-one-2" {
		t.Errorf("a second time: %q, %v", aside, err)
	}
	if names := list(t, filepath.Dir(tree)); !slices.Equal(names, []string{"work", "work.incident-one", "work.incident-one-2"}) {
		t.Errorf("there are %q", names)
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestWhatIsRefused leaves everything as it was.
func TestWhatIsRefused(t *testing.T) {
	base := t.TempDir()
	good, tree := plant(t, filepath.Join(base, "good"), map[string]string{"a": "1"}), plant(t, filepath.Join(base, "work"), map[string]string{"a": "2"})
	mounted := plant(t, filepath.Join(base, "mounted"), map[string]string{"x": "1"})
	if err := unix.Mount("tmpfs", mounted, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(mounted, 0) })
	if err := os.Symlink(base, filepath.Join(base, "link")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(good, "a")
	before := list(t, base)
	for name, c := range map[string]struct{ good, tree, want string }{
		"no copy":             {filepath.Join(base, "none"), tree, "no such file"},
		"a file":              {file, tree, "copy"},
		"the root":            {good, "/", "no clean absolute path"},
		"relative":            {good, "work", "no clean absolute path"},
		"the copy itself":     {good, good, "inside each other"},
		"around the copy":     {good, base, "inside each other"},
		"inside the copy":     {good, filepath.Join(good, "x"), "inside each other"},
		"through a link":      {good, filepath.Join(base, "link", "work"), "symbolic links"},
		"a mount":             {good, mounted, "mount point"},
		"nowhere":             {good, filepath.Join(base, "no", "work"), "no such file"},
		"the copy by a link":  {filepath.Join(base, "link", "good"), filepath.Join(good, "y"), "inside each other"},
		"a link in its place": {good, filepath.Join(base, "link", "good", "z"), "symbolic links"},
	} {
		if aside, err := restore.Replace(t.Context(), c.good, c.tree, "id"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v", name, aside, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := restore.Replace(ended, good, tree, "id"); err == nil {
		t.Error("it went on after the end of its context")
	}
	if after := list(t, base); !slices.Equal(before, after) {
		t.Errorf("it left %q", after)
	}
	if d := compare(t, good, tree); d != "changed a" {
		t.Errorf("it differs in %s", d)
	}
}

// TestAnInterruptedCopyIsMadeAnew, and a list of differences is bounded.
func TestAnInterruptedCopyIsMadeAnew(t *testing.T) {
	base := t.TempDir()
	good, tree := filepath.Join(base, "good"), plant(t, filepath.Join(base, "work"), map[string]string{"a": "2"})
	files := map[string]string{}
	for n := range restore.MaxListed + 10 {
		files[fmt.Sprintf("f%05d", n)] = "x"
	}
	plant(t, good, files)
	plant(t, filepath.Join(base, ".work.restoring-id"), map[string]string{"half": "", "d/e": ""})
	d, err := restore.Compare(t.Context(), good, tree)
	if err != nil || len(d.List) != restore.MaxListed || d.Counts[restore.Missing] != restore.MaxListed+10 || d.String() != "0 changed, 1010 missing, 1 new" {
		t.Errorf("%v, %d listed, %v", d, len(d.List), err)
	}
	if _, err := restore.Replace(t.Context(), good, tree, "id"); err != nil {
		t.Fatal(err)
	}
	if d := compare(t, good, tree); d != "" {
		t.Errorf("it differs in %s", d)
	}
	if names := list(t, base); !slices.Equal(names, []string{"good", "work", "work.incident-id"}) {
		t.Errorf("there are %q", names)
	}
}
