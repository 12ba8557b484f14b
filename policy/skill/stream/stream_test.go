package stream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var wide = Limits{Entries: 1000, Files: 1000, Depth: 8, File: 1 << 20, Total: 1 << 22}

// walk gives what Walk finds in a directory, after a way through a stream.
func walk(t *testing.T, dir string, l Limits, before func(Entry)) []Entry {
	t.Helper()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var buf bytes.Buffer
	w := NewWriter(&buf, "name")
	err = Walk(context.Background(), d, l, func(e Entry) error {
		if before != nil {
			before(e)
		}
		return w.Write(e)
	})
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(&buf)
	if err != nil || r.Name != "name" {
		t.Fatalf("%v, name %q", err, r.Name)
	}
	var out []Entry
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
}

func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func find(entries []Entry, p string) (Entry, bool) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Path == p })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

func TestWalk(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "b/c.txt", "text")
	put(t, dir, "empty", "")
	put(t, dir, "odd\xff\nname", "x")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(dir, "b", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "empty"), 0o4755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Chmod(filepath.Join(dir, "empty"), 0o4755); err != nil {
		t.Fatal(err)
	}
	got := walk(t, dir, wide, nil)
	var paths []string
	for _, e := range got {
		paths = append(paths, e.Path)
	}
	if want := []string{"b", "b/c.txt", "b/loop", "empty", "fifo", "link", "odd\xff\nname"}; !slices.Equal(paths, want) {
		t.Errorf("got %q, want %q", paths, want)
	}
	for p, want := range map[string]struct {
		kind   Kind
		data   string
		target string
	}{"b": {kind: Dir}, "b/c.txt": {kind: File, data: "text"}, "b/loop": {kind: Link, target: ".."}, "link": {kind: Link, target: "/etc/passwd"},
		"fifo": {kind: Special}, "empty": {kind: File}} {
		e, _ := find(got, p)
		if e.Kind != want.kind || string(e.Data) != want.data || e.Target != want.target || e.State != Read {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if e, _ := find(got, "empty"); e.Mode&fs.ModeSetuid == 0 || e.Data == nil {
		t.Errorf("setuid, empty: %+v", e)
	}
}

func TestWalkKeepsItsLimits(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", strings.Repeat("x", 100))
	put(t, dir, "b", "small")
	put(t, dir, "c", "small")
	put(t, dir, "d/e/f", "deep")
	got := walk(t, dir, Limits{Entries: 100, Files: 1, Depth: 2, File: 50, Total: 1000}, nil)
	if e, _ := find(got, "a"); e.State != Omitted || e.Data != nil || e.Size != 100 {
		t.Errorf("too large: %+v", e)
	}
	if e, _ := find(got, "b"); e.State != Read {
		t.Errorf("the first that fits: %+v", e)
	}
	if e, _ := find(got, "c"); e.State != Omitted {
		t.Errorf("one too many: %+v", e)
	}
	if e, ok := find(got, "d/e"); !ok || e.Kind != Limit || e.State != TooDeep {
		t.Errorf("too deep: %+v", e)
	}
	got = walk(t, dir, Limits{Entries: 2, Files: 10, Depth: 9, File: 500, Total: 1000}, nil)
	if i := slices.IndexFunc(got, func(e Entry) bool { return e.Kind == Limit && e.State == TooMany }); i < 0 || len(got) > 4 {
		t.Errorf("too many names: %+v", got)
	}
}

// The tree changes while it is walked: what was a file is a link by the time
// that it is opened, or grows, or is gone.
func TestWalkMeetsChanges(t *testing.T) {
	secret := put(t, t.TempDir(), "secret", "obviously fake")
	dir := t.TempDir()
	put(t, dir, "a", "first")
	victim := put(t, dir, "b", "second")
	put(t, dir, "c/d", "third")
	got := walk(t, dir, wide, func(e Entry) {
		if e.Path != "a" {
			return
		}
		if err := os.Remove(victim); err != nil {
			t.Error(err)
		}
		if err := os.Symlink(secret, victim); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "c")); err != nil {
			t.Error(err)
		}
		if err := os.Symlink(filepath.Dir(secret), filepath.Join(dir, "c")); err != nil {
			t.Error(err)
		}
	})
	for _, e := range got {
		if strings.Contains(string(e.Data), "fake") {
			t.Errorf("a link was followed: %+v", e)
		}
	}
	if e, _ := find(got, "b"); e.Kind != Link {
		t.Errorf("%+v", e)
	}
}

func TestReaderRefuses(t *testing.T) {
	var good bytes.Buffer
	w := NewWriter(&good, "n")
	_ = w.Write(Entry{Kind: File, Path: "a", Data: []byte("text")})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for cut := len(magic) + 2; cut < good.Len(); cut++ {
		r, err := NewReader(bytes.NewReader(good.Bytes()[:cut]))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, ErrTruncated) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	if _, err := NewReader(strings.NewReader("PK\x03\x04")); err == nil {
		t.Error("something else is read")
	}
}

// FuzzReader: no bytes make it give more than its limits, or hang.
func FuzzReader(f *testing.F) {
	var b bytes.Buffer
	w := NewWriter(&b, "weather")
	_ = w.Write(Entry{Kind: Dir, Path: "scripts", Mode: fs.ModeDir | 0o755})
	_ = w.Write(Entry{Kind: File, Path: "scripts/a.sh", Mode: 0o755, Size: 4, Links: 1, Data: []byte("echo")})
	_ = w.Write(Entry{Kind: Link, Path: "l", Target: "/etc"})
	_ = w.Close()
	f.Add(b.Bytes())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		w := NewWriter(&again, r.Name)
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			if len(e.Path) > maxPath || len(e.Data) > len(data) {
				t.Fatalf("%+v", e)
			}
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
	})
}
