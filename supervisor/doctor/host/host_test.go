package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/doctor"
)

// TestMain lets this program be the child that the probes start.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "try" {
		os.Exit(Try(os.Args[2], self, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func self(name string) []string { return []string{"/proc/self/exe", "try", name} }

func TestChild(t *testing.T) {
	h := host{Options{Self: self}}
	if err := h.child("nothing", syscall.SysProcAttr{}, nil); err != nil {
		t.Error(err)
	}
	if err := h.child("no such try", syscall.SysProcAttr{}, nil); err == nil || !strings.Contains(err.Error(), `unknown try "no such try"`) {
		t.Errorf("error %v", err)
	}
	var n int
	if err := h.child("nothing", syscall.SysProcAttr{}, &n); err == nil || !strings.Contains(err.Error(), "its answer") {
		t.Errorf("a child without an answer: %v", err)
	}
	h.Self = func(string) []string { return []string{"/nonexistent"} }
	if err := h.child("nothing", syscall.SysProcAttr{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestSpace(t *testing.T) {
	dir := t.TempDir()
	s, err := space(filepath.Join(dir, "not", "there"))
	if err != nil || s.Write != nil || s.FreeBytes == 0 {
		t.Errorf("%+v, %v", s, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := space(file); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a file: %v", err)
	}
	if _, err := space(filepath.Join(file, "below")); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("below a file: %v", err)
	}
	if s, err := space("/proc/self"); err != nil || s.Write == nil {
		t.Errorf("a file system that takes no files: %+v, %v", s, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestClock(t *testing.T) {
	c, err := clock()
	if err != nil || c.Boot <= 0 || c.Real.IsZero() || c.Built.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
}

func script(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLibseccomp(t *testing.T) {
	tests := []struct{ name, shim, want, err string }{
		{"a shim that tells", `echo '{"version":"0.1","libseccomp":"2.5.4"}'`, "2.5.4", ""},
		{"a shim that does not know the question", "echo clawjail-shim: is started by clawjaild >&2; exit 2", "does not tell", ""},
		{"a shim without the library", "echo error while loading shared libraries: libseccomp.so.2 >&2; exit 127", "", "libseccomp.so.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := host{Options{Binaries: script(t, "clawjail-shim", tt.shim, 0o755)}}
			got, err := h.libseccomp()
			if !strings.Contains(got, tt.want) || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := (host{Options{Binaries: t.TempDir()}}).libseccomp(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no shim: %v", err)
	}
}

func TestBinary(t *testing.T) {
	if os.Geteuid() == 0 {
		h := host{Options{Binaries: script(t, "x", "", 0o755)}}
		if err := h.binary("x"); err != nil {
			t.Error(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"not executable": 0o644, "only for some": 0o750} {
		h := host{Options{Binaries: script(t, "x", "", mode)}}
		if err := h.binary("x"); err == nil || errors.Is(err, doctor.ErrLoose) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := host{Options{Binaries: script(t, "x", "", 0o757)}}
	if err := h.binary("x"); !errors.Is(err, doctor.ErrLoose) {
		t.Errorf("writable by all: %v", err)
	}
	if err := h.binary("y"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestLimited(t *testing.T) {
	l := limited{max: 5}
	for range 3 {
		if n, err := l.Write([]byte("abc")); n != 3 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if l.String() != "abcab" {
		t.Errorf("%q", l.String())
	}
}
