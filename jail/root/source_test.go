package root

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/jail"
)

func TestMap(t *testing.T) {
	for _, c := range []struct {
		id   uint32
		want string
	}{
		{1, "0 1 1\n2 2 4294967293\n"},
		{1000, "0 1000 1\n1 1 999\n1001 1001 4294966294\n"},
		{4294967294, "0 4294967294 1\n1 1 4294967293\n"},
	} {
		if got := Map(c.id); got != c.want {
			t.Errorf("Map(%d) = %q, want %q", c.id, got, c.want)
		}
		// Every id but the target is mapped exactly once, on both sides.
		var total, inside, outside, size uint64
		for line := range strings.Lines(Map(c.id)) {
			if _, err := fmt.Sscan(line, &inside, &outside, &size); err != nil {
				t.Fatal(err)
			}
			total += size
		}
		if total != 1<<32-2 {
			t.Errorf("Map(%d) covers %d ids", c.id, total)
		}
	}
}

func TestDefaultsGiveWay(t *testing.T) {
	s := jail.Spec{
		Hostname: "h", User: jail.User{UID: 7, GID: 8, Groups: []uint32{8, 9}, Name: "u", Home: "/home/u"},
		Mounts: []jail.Mount{{Kind: jail.Tmpfs, Target: "/tmp"}, {Kind: jail.Bind, Target: "/etc/hosts"}},
	}
	got := map[string]string{}
	for _, m := range Defaults(s) {
		got[m.Target] = m.Content
	}
	want := map[string]string{
		"/dev/shm": "",
		"/etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\nu:x:7:8::/home/u:/bin/sh\n" +
			"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
		"/etc/group":         "root:x:0:\nu:x:8:\ngroup9:x:9:u\nnogroup:x:65534:\n",
		"/etc/resolv.conf":   "",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// /etc and what it links to are root's alone; a temporary directory is not.
func TestOpenSource(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, text := range map[string]string{"leaf": "real", "up": "..", "loop": "loop", "out": "/usr"} {
		if err := os.Symlink(text, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		want error
	}{
		{filepath.Join(dir, "real"), nil},
		{filepath.Join(dir, "leaf"), ErrUntrustedLink},
		{filepath.Join(dir, "out", "bin"), ErrUntrustedLink},
		{filepath.Join(dir, "up", "x"), ErrUntrustedLink},
		{filepath.Join(dir, "loop"), ErrUntrustedLink},
		{filepath.Join(dir, "none"), unix.ENOENT},
		{"/", nil},
		{"/proc/self/root", nil}, // the text of a magic link is followed, not the link
		{"/bin/sh", nil},         // through usr-merge's link where there is one
		{"/lib/x86_64-linux-gnu", nil},
	} {
		if strings.HasPrefix(c.name, "/lib/x86") {
			if _, err := os.Stat(c.name); err != nil {
				continue
			}
		}
		f, err := openSource(c.name)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if err != nil {
			continue
		}
		got, err := f.Stat()
		want, wantErr := os.Stat(c.name)
		if err != nil || wantErr != nil || !os.SameFile(got, want) {
			t.Errorf("%s is another file (%v, %v)", c.name, err, wantErr)
		}
		f.Close()
	}
}

func TestCreateSourceStopsAtLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/usr", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	if err := createSource(filepath.Join(dir, "link", "clawjail-test"), uid, gid); !errors.Is(err, ErrUntrustedLink) {
		t.Errorf("%v", err)
	}
	want := filepath.Join(dir, "a", "b")
	if err := createSource(want, uid, gid); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(want); err != nil || st.Mode() != os.ModeDir|0o700 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}
