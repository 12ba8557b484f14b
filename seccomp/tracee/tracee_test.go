package tracee

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseShebang(t *testing.T) {
	fill := func(s string) string { return s + strings.Repeat("\x00", max(0, headBytes-2-len(s))) }
	tests := []struct {
		name, in          string
		program, argument string
		err               error
	}{
		{"plain", fill("/bin/sh\necho"), "/bin/sh", "", nil},
		{"space before", fill(" \t/bin/sh\n"), "/bin/sh", "", nil},
		{"one argument", fill("/usr/bin/env python3\n"), "/usr/bin/env", "python3", nil},
		{"all of the rest is one argument", fill("/usr/bin/env -S a b \t\n"), "/usr/bin/env", "-S a b", nil},
		{"the file ends without a newline", fill("/bin/sh"), "/bin/sh", "", nil},
		{"nothing", fill("\n"), "", "", unix.ENOEXEC},
		{"only spaces", fill("  \t \n"), "", "", unix.ENOEXEC},
		{"a name that fills the buffer", strings.Repeat("a", headBytes-2), "", "", unix.ENOEXEC},
		{"a NUL ends the line", fill("/bin/sh\x00x\n"), "/bin/sh", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			program, argument, err := parseShebang([]byte(tt.in))
			if program != tt.program || argument != tt.argument || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %q, %v", program, argument, err)
			}
		})
	}
}

func FuzzParseShebang(f *testing.F) {
	f.Add([]byte("/bin/sh -e\n"))
	f.Add([]byte(" \t/usr/bin/env -S x\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		program, argument, err := parseShebang(b)
		if err == nil && (program == "" || strings.ContainsAny(program, " \t\n\x00") || strings.ContainsAny(argument, "\n\x00")) {
			t.Errorf("%q gives %q, %q", b, program, argument)
		}
	})
}

// self is the test's own thread as a task.
func self(t testing.TB) *Task {
	t.Helper()
	task, err := Open(int32(unix.Gettid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { task.Close() })
	return task
}

func TestOpenReadsTheThreadsIds(t *testing.T) {
	task := self(t)
	if int(task.TGID) != os.Getpid() || int(task.UID) != os.Getuid() || int(task.GID) != os.Getgid() {
		t.Errorf("%+v", task)
	}
	if _, err := Open(1 << 30); err == nil {
		t.Error("a thread that does not exist was opened")
	}
}

func TestResolve(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write("file", "text")
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	sub, err := os.Open(filepath.Join(dir, "sub"))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	t.Chdir(dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	task := self(t)
	tests := []struct {
		name   string
		dirfd  int32
		path   string
		follow bool
		want   string
		err    error
	}{
		{"absolute", unix.AT_FDCWD, file, true, file, nil},
		{"relative to the working directory", unix.AT_FDCWD, "file", true, file, nil},
		{"relative to a descriptor, and up", int32(sub.Fd()), "../file", true, file, nil},
		{"up from the root stays there", unix.AT_FDCWD, "/../../.." + file, true, file, nil},
		{"a link is followed", unix.AT_FDCWD, "link", true, file, nil},
		{"a link is itself", unix.AT_FDCWD, "link", false, filepath.Join(dir, "link"), nil},
		{"a descriptor by /proc/self/fd", unix.AT_FDCWD, fdPath(opened), true, file, nil},
		{"a descriptor by /dev/fd", unix.AT_FDCWD, strings.Replace(fdPath(opened), "/proc/self", "/dev", 1), true, file, nil},
		{"the descriptor itself", int32(opened.Fd()), "", true, file, nil},
		{"the program itself", unix.AT_FDCWD, "/proc/self/exe", true, exe, nil},
		{"through the root link", unix.AT_FDCWD, "/proc/self/root" + file, true, file, nil},
		{"through the working directory link", unix.AT_FDCWD, "/proc/self/cwd/file", true, file, nil},
		{"through a magic link that is not known", unix.AT_FDCWD, "/proc/self/task/" + strconv.Itoa(unix.Gettid()) + "/root" + file, true, "", ErrMagicLink},
		{"missing", unix.AT_FDCWD, "none", true, "", unix.ENOENT},
		{"a file as a directory", unix.AT_FDCWD, "file/x", true, "", unix.ENOTDIR},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := task.Resolve(tt.dirfd, tt.path, tt.follow)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Fatalf("got %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if r.Path != tt.want {
				t.Errorf("got %q, want %q", r.Path, tt.want)
			}
		})
	}
}

func TestDirectoryThatIsGoneLeadsNowhere(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(gone)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	// Something else stands where it stood, and where its name now leads.
	if err := os.Mkdir(gone, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(gone+" (deleted)", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{gone + "/x", gone + " (deleted)/x"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	task := self(t)
	if r, err := task.Resolve(int32(held.Fd()), "x", true); err == nil {
		t.Errorf("resolved to %q", r.Path)
	}
}

func TestParent(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	task := self(t)
	tests := []struct {
		name, path, dir, base string
		err                   error
	}{
		{"a new file here", "new", dir, "new", nil},
		{"an absolute one", dir + "/new", dir, "new", nil},
		{"a slash at the end", "new/", dir, "new", nil},
		{"the root", "/", "", "", unix.EBUSY},
		{"this directory", ".", "", "", unix.EINVAL},
		{"the parent", "..", "", "", unix.EINVAL},
		{"below a file", "file/x", "", "", unix.ENOTDIR},
		{"below nothing", "none/x", "", "", unix.ENOENT},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, base, err := task.Parent(unix.AT_FDCWD, tt.path)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Fatalf("got %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if r.Path != tt.dir || base != tt.base {
				t.Errorf("got %q and %q", r.Path, base)
			}
		})
	}
}

func TestInterpreters(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	end := write("end", "\x7fELF")
	one := write("one", "#!"+end+" -e\nbody")
	two := write("two", "#!"+one+"\nbody")
	loop := filepath.Join(dir, "loop")
	write("loop", "#!"+loop+"\n")
	task := self(t)
	tests := []struct {
		name, path string
		argv, want []string
		files      int
		err        error
	}{
		{"no script", end, []string{"x", "a"}, []string{"x", "a"}, 1, nil},
		{"a script", one, []string{"x", "a", "b"}, []string{end, "-e", one, "a", "b"}, 2, nil},
		{"a script of a script", two, []string{"x", "a"}, []string{end, "-e", one, two, "a"}, 3, nil},
		{"no argv at all", one, nil, []string{end, "-e", one}, 2, nil},
		{"its own interpreter", loop, []string{"x"}, nil, 0, unix.ELOOP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := task.Resolve(unix.AT_FDCWD, tt.path, true)
			if err != nil {
				t.Fatal(err)
			}
			c, err := task.Interpreters(r, tt.path, tt.argv)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Fatalf("got %v, want %v", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if !slices.Equal(c.Argv, tt.want) || len(c.Files) != tt.files {
				t.Errorf("got %q and %d files", c.Argv, len(c.Files))
			}
		})
	}
}
