//go:build kernel

package behalf

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The user that everything is done for.
const (
	testUID = 54321
	testGID = 54322
)

var testCred = Cred{UID: testUID, GID: testGID, Umask: 0o022}

// worker gives a Worker that is closed with the test.
func worker(t testing.TB) *Worker {
	t.Helper()
	w, err := NewWorker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// place is a directory of the user's and a Root of it.
func place(t testing.TB, idmap *Idmap) (string, *Root) {
	t.Helper()
	dir := t.TempDir()
	for up := dir; up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		must(t, os.Chmod(up, 0o755))
	}
	if idmap == nil {
		must(t, os.Chown(dir, testUID, testGID))
	}
	return dir, rootOf(t, dir, idmap)
}

func rootOf(t testing.TB, dir string, idmap *Idmap) *Root {
	t.Helper()
	r, err := OpenRoot("/work", dir, idmap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// onTmpfs says that tests run where older kernels map no owners (before 6.3) and
// have no user.* attributes (before 6.6).
func onTmpfs(t testing.TB) bool {
	t.Helper()
	var fs unix.Statfs_t
	must(t, unix.Statfs(t.TempDir(), &fs))
	return fs.Type == unix.TMPFS_MAGIC
}

// rounds are fewer in a machine that is emulated.
func rounds(n int) int {
	if testing.Short() {
		return n / 20
	}
	return n
}

// parent pins a path.
func parent(t testing.TB, r *Root, rel string) Target {
	t.Helper()
	target, err := r.Parent(rel)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.Close() })
	return target
}

// do does an operation that gives no file.
func do(t testing.TB, w *Worker, op Op, want unix.Errno) {
	t.Helper()
	f, errno := w.Do(context.Background(), testCred, op)
	if f != nil {
		t.Errorf("%T gave a file", op)
		_ = f.Close()
	}
	if errno != want {
		t.Errorf("%T: %v, want %v", op, errno, want)
	}
}

// openFile opens a file for the user.
func openFile(t testing.TB, w *Worker, target Target, flags int, mode uint32, want unix.Errno) *os.File {
	t.Helper()
	f, errno := w.Do(context.Background(), testCred, Open{Target: target, Flags: flags, Mode: mode})
	if errno != want || (f == nil) != (errno != 0) {
		t.Fatalf("open %q with %#o: %v, want %v", target.Base, flags, errno, want)
	}
	if f != nil {
		t.Cleanup(func() { _ = f.Close() })
	}
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func lstat(t testing.TB, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	return st
}
