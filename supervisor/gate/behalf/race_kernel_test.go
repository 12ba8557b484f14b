//go:build kernel

package behalf

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// tries bounds the storms.
const tries = 20_000

// storm makes changes around root/a/b until it is stopped. It has the host's
// rights: more than anybody in a jail has.
func storm(t *testing.T, changes ...func() error) (stop func()) {
	t.Helper()
	quit := make(chan struct{})
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					_ = change() // most of them meet another's
				}
			}
		})
	}
	return func() {
		close(quit)
		all.Wait()
	}
}

// TestStorm does operations at a/b/f while a and b are renamed, exchanged with
// other directories, moved out of the root, and replaced by links that lead
// outside. Whatever comes of it, outside nothing changes, and what is made is
// made in the directory that was pinned.
func TestStorm(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	out := filepath.Join(filepath.Dir(dir), "out")
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{at("a"), at("a/b"), at("a/c"), at("x"), at("x/b"), out, out + "/b", out + "/away"} {
		must(t, os.Mkdir(d, 0o777))
		must(t, os.Chmod(d, 0o777))
	}
	for _, f := range []string{out + "/f", out + "/b/f"} {
		must(t, os.WriteFile(f, []byte("outside"), 0o666))
		must(t, os.Chmod(f, 0o666))
		must(t, os.Chown(f, testUID, testGID))
	}
	must(t, os.Symlink(out, at("link")))
	must(t, os.Symlink("../../out/b", at("a/up")))
	before := snapshot(t, out)

	// The storm holds directories and not names, so that it never brings in
	// what is outside itself.
	hold := func(path string) int {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	top, a, outside := hold(dir), hold(at("a")), hold(out)
	exchange := func(from int, name string, to int, other string) func() error {
		return func() error { return unix.Renameat2(from, name, to, other, unix.RENAME_EXCHANGE) }
	}
	stop := storm(t, exchange(a, "b", a, "c"), exchange(a, "b", a, "up"), exchange(a, "c", outside, "away"),
		exchange(top, "a", top, "link"), exchange(top, "a", top, "x"))
	defer func() { stop() }()

	results := map[unix.Errno]int{}
	for i := range rounds(tries) {
		target, errno := w.Parent(t.Context(), testCred, r, "a/b/f")
		if errno == 0 {
			errno = oneTry(t, w, target, i)
			must(t, target.Close())
		}
		results[errno]++
	}
	stop()
	stop = func() {}
	t.Logf("results: %v", results)
	if results[0] == 0 || len(results) < 3 {
		t.Errorf("the storm was none: %v", results)
	}
	// Put aside what belongs inside before looking at what is outside.
	must(t, os.RemoveAll(out+"/away"))
	delete(before, "away")
	after := snapshot(t, out)
	delete(before, ".") // its number of links
	delete(after, ".")
	if len(after) != len(before) || after["f"] != before["f"] || after["b/f"] != before["b/f"] || after["b"] != before["b"] {
		t.Errorf("outside was %v and is %v", before, after)
	}
}

// oneTry does one of several operations and checks where it was done.
func oneTry(t *testing.T, w *Worker, target Target, i int) unix.Errno {
	t.Helper()
	target.Bind = i%2 == 0
	var op Op
	switch i % 5 {
	case 0, 1:
		op = Open{Target: target, Flags: unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, Mode: 0o600}
	case 2:
		op = Unlink{target}
	case 3:
		op = Truncate{target, int64(i)}
	case 4:
		op = Chmod{target, 0o640}
	}
	f, errno := w.Do(t.Context(), testCred, op)
	if f == nil {
		return errno
	}
	defer f.Close()
	made, err := stat(f)
	must(t, err)
	var there unix.Stat_t
	must(t, control(target.Dir, func(fd int) { err = unix.Fstatat(fd, target.Base, &there, unix.AT_SYMLINK_NOFOLLOW) }))
	if err != nil || there.Ino != made.Ino || there.Dev != made.Dev {
		t.Errorf("opened inode %d, but in the pinned directory it is %d (%v)", made.Ino, there.Ino, err)
	}
	return errno
}

// TestLastComponentStorm exchanges the file itself with links and other files.
func TestLastComponentStorm(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	at := func(name string) string { return filepath.Join(dir, name) }
	out := filepath.Join(filepath.Dir(dir), "out")
	for _, name := range []string{at("f"), at("other"), out} {
		must(t, os.WriteFile(name, []byte(filepath.Base(name)), 0o666))
		must(t, os.Chmod(name, 0o666))
		must(t, os.Chown(name, testUID, testGID))
	}
	must(t, os.Symlink("../out", at("link")))
	must(t, os.Symlink(out, at("absolute")))
	target := parent(t, r, "f")
	target.Bind = true
	want, err := stat(target.File)
	must(t, err)
	exchange := func(to string) func() error {
		return func() error {
			return unix.Renameat2(unix.AT_FDCWD, at("f"), unix.AT_FDCWD, at(to), unix.RENAME_EXCHANGE)
		}
	}
	stop := storm(t, exchange("link"), exchange("other"), exchange("absolute"))
	defer func() { stop() }()
	results := map[unix.Errno]int{}
	for i := range rounds(tries) {
		var op Op = Open{Target: target, Flags: unix.O_WRONLY | unix.O_TRUNC*(i%2) | unix.O_CREAT*(i/2%2)}
		switch i % 5 {
		case 3:
			op = Truncate{target, 0}
		case 4:
			op = Chmod{target, 0o600}
		}
		f, errno := w.Do(t.Context(), testCred, op)
		if results[errno]++; f == nil {
			continue
		}
		got, err := stat(f)
		must(t, err)
		if got.Ino != want.Ino {
			t.Fatalf("try %d: inode %d was opened, want %d", i, got.Ino, want.Ino)
		}
		must(t, f.Close())
	}
	stop()
	stop = func() {}
	t.Logf("results: %v", results)
	if results[0] == 0 || results[unix.ESTALE] == 0 {
		t.Errorf("the storm was none: %v", results)
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "out" {
		t.Errorf("outside is %q, %v", b, err)
	}
	kept := 0 // of the names inside, one is the other file
	for _, name := range []string{"f", "link", "other", "absolute"} {
		if b, err := os.ReadFile(at(name)); err == nil && string(b) == "other" && lstat(t, at(name)).Mode == unix.S_IFREG|0o666 {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("the other file is there %d times as it was", kept)
	}
}
