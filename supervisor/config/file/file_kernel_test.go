//go:build kernel

package file

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/supervisor/config"
)

// load writes a file of root's and has it loaded by the fake compiler.
func load(t *testing.T, ctx context.Context, text string) (config.Config, string, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this test needs root")
	}
	path := write(t, text)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(ctx, path, self)
	return c, path, err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadGood(t *testing.T) {
	c, _, err := load(t, t.Context(), "good")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(config.Default(), c); d != "" {
		t.Error(d)
	}
}

// The child is nobody, can become nobody else, and has the file and nothing of
// ours besides.
func TestChildHasNoPrivileges(t *testing.T) {
	extra, err := os.Open("/") // not for the child
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	t.Setenv("SECRET", "x")
	_, _, err = load(t, t.Context(), "self")
	if err == nil {
		t.Fatal("no error")
	}
	want := `the configuration cannot be used:
error <nil>
Uid: 65534 65534 65534 65534
Gid: 65534 65534 65534 65534
Groups:
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
env [] dir / <nil>`
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
}

// Who starts the child keeps what it has: no thread of it lives on with
// no_new_privs.
func TestParentKeepsItsPrivileges(t *testing.T) {
	before := noNewPrivs(t)
	if _, _, err := load(t, t.Context(), "good"); err != nil {
		t.Fatal(err)
	}
	// A goroutine that is locked to a thread gets one that can be used.
	done := make(chan int)
	for range 8 {
		go func() { done <- noNewPrivs(t) }()
	}
	for range 8 {
		if got := <-done; got != before {
			t.Errorf("no_new_privs is %d, and was %d", got, before)
		}
	}
}

func noNewPrivs(t *testing.T) int {
	n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestLoadRefuses(t *testing.T) {
	tests := []struct {
		name, text, want string // FILE in want is the file
	}{
		{"a file with a problem", "bad \"x\" is unknown", "the configuration cannot be used:\nFILE:1:1: \"x\" is unknown"},
		{"text that acts on a terminal", "terminal", "the configuration cannot be used:\none?]0;two??\nthree"},
		{"a child that says nothing", "empty", "decode the configuration: not in the form that `clawjail config compile` prints: use the clawjail and clawjaild of one version: EOF"},
		{"a child that fails without a word", "mute", "read the configuration FILE with PROGRAM: exit status 3"},
		{"a child that prints too much", "long", "decode the configuration: 65537 bytes, at most 65536"},
		{"a child that talks too much", "talk", "the configuration cannot be used:\n" + strings.Repeat("x", maxLine) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, path, err := load(t, t.Context(), tt.text)
			self, _ := os.Executable()
			want := strings.NewReplacer("FILE", path, "PROGRAM", self).Replace(tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// A child that does not end is killed, and Load returns after it is gone.
func TestLoadHangs(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, path, err := load(t, ctx, "hang")
	if err == nil || err.Error() != "read the configuration "+path+": context deadline exceeded" {
		t.Errorf("%v", err)
	}
}

func TestLoadWithoutFile(t *testing.T) {
	_, err := Load(t.Context(), filepath.Join(t.TempDir(), "none.yaml"), "/bin/false")
	if err == nil || !strings.HasPrefix(err.Error(), "the configuration cannot be read: ") {
		t.Errorf("a file that was named: %v", err)
	}
	path := write(t, "good")
	_, err = Load(t.Context(), path, filepath.Join(filepath.Dir(path), "clawjail"))
	if err == nil || !strings.HasSuffix(err.Error(), "no such file or directory; clawjail's programs belong into one directory") {
		t.Errorf("without the compiler: %v", err)
	}
}

func TestTrusted(t *testing.T) {
	const why = "; who changes it decides what agents may do\n  mend it: "
	tests := []struct {
		name    string
		prepare func(dir, path string) error
		want    string // FILE and DIR are replaced; empty: trusted
	}{
		{"root's alone", func(_, path string) error { return nil }, ""},
		{"read by everybody", func(_, path string) error { return os.Chmod(path, 0o644) }, ""},
		{"another owner", func(_, path string) error { return os.Chown(path, 1000, 0) }, "FILE belongs to uid 1000 and not to root" + why + "chown root:root FILE"},
		{"written by a group", func(_, path string) error { return os.Chmod(path, 0o620) }, "FILE can be written by its group" + why + "chmod go-w FILE"},
		{"written by everybody", func(_, path string) error { return os.Chmod(path, 0o602) }, "FILE can be written by everybody" + why + "chmod go-w FILE"},
		{"both", func(_, path string) error {
			if err := os.Chown(path, 1000, 0); err != nil {
				return err
			}
			return os.Chmod(path, 0o666)
		}, "FILE belongs to uid 1000 and not to root and can be written by its group and everybody" + why + "chown root:root FILE && chmod go-w FILE"},
		{"a directory of somebody else's", func(dir, _ string) error { return os.Chown(dir, 1000, 0) }, "DIR belongs to uid 1000 and not to root" + why + "chown root:root DIR"},
		{"a directory that everybody writes", func(dir, _ string) error { return os.Chmod(dir, 0o777) }, "DIR can be written by its group and everybody" + why + "chmod go-w DIR"},
		{"a sticky directory", func(dir, _ string) error { return os.Chmod(dir, 0o777|os.ModeSticky) }, ""},
		{"a link into a directory of somebody else's", func(dir, path string) error {
			other := filepath.Join(dir, "other")
			if err := os.Mkdir(other, 0o755); err != nil {
				return err
			}
			if err := os.Rename(path, filepath.Join(other, "file")); err != nil {
				return err
			}
			if err := os.Symlink(filepath.Join(other, "file"), path); err != nil {
				return err
			}
			return os.Chown(other, 1000, 0)
		}, "DIR/other belongs to uid 1000 and not to root" + why + "chown root:root DIR/other"},
		{"no file at all", func(_, path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return unix.Mkfifo(path, 0o600)
		}, "FILE is not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "good")
			if err := tt.prepare(filepath.Dir(path), path); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(t.Context(), path, self)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := "the configuration is not to be trusted: " + strings.NewReplacer("FILE", path, "DIR", filepath.Dir(path)).Replace(tt.want)
			if err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"/etc/a.yaml": "/etc/a.yaml", "/a b": "'/a b'", "it's": `'it'\''s'`, "": ""} {
		if got := quote(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}
