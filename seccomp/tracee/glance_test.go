package tracee

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func glance(t *testing.T) *Glance {
	t.Helper()
	g, err := NewGlance()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	if err := g.At(int32(unix.Gettid())); err != nil {
		t.Fatal(err)
	}
	return g
}

// A glance says what a look in full says, or nothing.
func TestGlanceAgreesWithTask(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("plain", "text")
	write("script", "#!"+dir+"/inner -x\n")
	write("inner", "#!/bin/sh\n")
	for link, to := range map[string]string{"link": "plain", "dangling": "none", "up": "../"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("sub", 0o755); err != nil {
		t.Fatal(err)
	}
	sub, err := os.Open("sub")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	fd := int32(sub.Fd())
	g, task := glance(t), self(t)
	for _, tt := range []struct {
		dirfd  int32
		name   string
		follow bool
		want   string // "": to be looked at properly
	}{
		{unix.AT_FDCWD, "plain", true, dir + "/plain"},
		{unix.AT_FDCWD, dir + "/plain", true, dir + "/plain"},
		{unix.AT_FDCWD, "link", true, dir + "/plain"},
		{unix.AT_FDCWD, "link", false, dir + "/link"},
		{unix.AT_FDCWD, "new", true, dir + "/new"},
		{unix.AT_FDCWD, "up/" + filepath.Base(dir) + "/new", true, dir + "/new"},
		{fd, "../plain", true, dir + "/plain"},
		{fd, "new", false, dir + "/sub/new"},
		{unix.AT_FDCWD, "dangling", true, ""},
		{unix.AT_FDCWD, "dangling", false, dir + "/dangling"},
		{unix.AT_FDCWD, "none/new", true, ""},
		{unix.AT_FDCWD, "new/", true, ""},
		{unix.AT_FDCWD, "none/..", true, ""},
		{unix.AT_FDCWD, "plain/x", true, ""},
		{unix.AT_FDCWD, "/proc/self/exe", true, ""},
		{unix.AT_FDCWD, "/dev/null", true, ""},
		{unix.AT_FDCWD, "", true, ""},
		{-5, "plain", true, ""},
		{9999, "plain", true, ""},
	} {
		got, err := g.Path(tt.dirfd, tt.name, tt.follow)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%d %q: %q, %v; want %q", tt.dirfd, tt.name, got, err, tt.want)
		}
	}
	for _, name := range []string{"/bin/sh", dir + "/script", dir + "/link"} {
		got, err := g.Program(name, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := task.Resolve(unix.AT_FDCWD, name, true)
		if err != nil {
			t.Fatal(err)
		}
		want, err := task.Interpreters(r, name, []string{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		if len(got.Files) != len(want.Files) {
			t.Fatalf("%s: %d files, want %d", name, len(got.Files), len(want.Files))
		}
		for i, f := range got.Files {
			if f.Path != want.Files[i].Path || f.ID != want.Files[i].ID {
				t.Errorf("%s: file %d is %+v, want %+v", name, i, f, want.Files[i])
			}
		}
		argv := got.Argv([]string{"a", "b"})
		for i := range want.Argv {
			if len(argv) != len(want.Argv) || argv[i] != want.Argv[i] {
				t.Fatalf("%s: arguments %q, want %q", name, argv, want.Argv)
			}
		}
	}
	for _, name := range []string{"plain", "/proc/self/exe", "/dev/stdin", dir, dir + "/none"} {
		if _, err := g.Program(name, nil); !errors.Is(err, ErrLookProperly) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGlanceAtNobody(t *testing.T) {
	g := glance(t)
	if err := g.At(1 << 30); err != nil {
		t.Fatal(err)
	}
	if _, err := g.String(4096, 10); !errors.Is(err, ErrUnreadable) {
		t.Errorf("its memory: %v", err)
	}
}

func TestGlanceIDs(t *testing.T) {
	g, task := glance(t), self(t)
	ids, err := g.IDs()
	if err != nil || ids != (IDs{task.UID, task.GID, task.Umask}) {
		t.Errorf("%+v %v, in full %d %d %#o", ids, err, task.UID, task.GID, task.Umask)
	}
	const status = "Name:\tUid:\\n1\nUmask:\t0027\nState:\tR (running)\nTgid:\t7\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
	for text, want := range map[string]IDs{
		status:                  {4, 8, 0o27},
		status + "Uid:\t0\n":    {4, 8, 0o27},
		status[:len(status)-1]:  {}, // the number may go on
		status[:20]:             {},
		"Umask:\t-1\nUid:\t1\n": {},
		"":                      {},
	} {
		if ids, err := parseIDs([]byte(text)); ids != want || (err == nil) != (want != IDs{}) {
			t.Errorf("%q: %+v, %v", text, ids, err)
		}
	}
}
