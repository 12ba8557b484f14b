//go:build kernel

package behalf

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// twins are two equal trees: in one the user acts, in the other the package.
type twins struct {
	t            *testing.T
	direct, ours string
	user         *user
	worker       *Worker
	root         *Root
}

// newTwins makes both trees, with files of several owners in them. mapped shows
// root's files as the user's, in both.
func newTwins(t *testing.T, mapped bool) *twins {
	t.Helper()
	var idmap *Idmap
	if mapped {
		idmap = &Idmap{UID: testUID, GID: testGID}
	}
	w := &twins{t: t, worker: worker(t)}
	var other *Root
	w.direct, other = place(t, idmap)
	w.ours, w.root = place(t, idmap)
	w.user = startUser(t, other)
	mine, mineGroup, theirs := testUID, testGID, 0
	if mapped {
		mine, mineGroup, theirs = 0, 0, 777
	}
	for _, dir := range []string{w.direct, w.ours} {
		make := func(name string, uid, gid int, mode os.FileMode) {
			path := filepath.Join(dir, name)
			if strings.HasSuffix(name, "/") {
				must(t, os.Mkdir(path, 0o700))
			} else {
				must(t, os.WriteFile(path, []byte("content of "+name), 0o600))
			}
			must(t, os.Chown(path, uid, gid))
			must(t, unix.Chmod(path, uint32(mode)))
		}
		make("d/", mine, mineGroup, 0o755)
		make("d/e/", mine, mineGroup, 0o700)
		make("theirs/", theirs, theirs, 0o755)
		make("closed/", theirs, theirs, 0o700)
		make("closed/f", mine, mineGroup, 0o644)
		make("sticky/", theirs, theirs, 0o1777)
		make("sticky/f", theirs, theirs, 0o666)
		make("group/", theirs, mineGroup, 0o2775)
		make("f", mine, mineGroup, 0o644)
		make("d/f", mine, mineGroup, 0o400)
		make("d/none", mine, mineGroup, 0)
		make("d/their", theirs, theirs, 0o644)
		make("theirs/f", theirs, theirs, 0o644)
		make("theirs/any", theirs, theirs, 0o666)
		make("theirs/group", theirs, mineGroup, 0o664)
		must(t, os.Symlink("f", filepath.Join(dir, "d/link")))
		must(t, os.Symlink("nowhere", filepath.Join(dir, "sticky/link")))
	}
	return w
}

// ourOp is the operation of a step.
func ourOp(s step, a, b Target) Op {
	switch s.Op {
	case "open":
		return Open{Target: a, Flags: s.Flags, Mode: s.Mode}
	case "unlink":
		return Unlink{a}
	case "rmdir":
		return Rmdir{a}
	case "rename":
		return Rename{From: a, To: b, Flags: uint(s.Flags)}
	case "link":
		return Link{From: a, To: b}
	case "symlink":
		return Symlink{Text: s.Text, Target: a}
	case "mkdir":
		return Mkdir{Target: a, Mode: s.Mode}
	case "mknod":
		return Mknod{Target: a, Mode: s.Mode}
	case "truncate":
		return Truncate{Target: a, Size: s.N}
	case "chmod":
		return Chmod{Target: a, Mode: s.Mode}
	case "chown":
		return Chown{Target: a, UID: s.N, GID: int64(s.Flags)}
	case "utimens":
		return Utimens{Target: a, Times: [2]unix.Timespec{{Sec: s.N}, {Sec: s.N + 1}}}
	case "touch":
		return Utimens{Target: a, Times: [2]unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}}
	case "setxattr":
		return Setxattr{Target: a, Name: s.B, Value: []byte(s.Text), Flags: s.Flags}
	case "removexattr":
		return Removexattr{Target: a, Name: s.B}
	}
	return nil
}

// behalf does a step with the package.
func (w *twins) behalf(s step) outcome {
	cred := testCred
	cred.Umask = s.Umask
	ctx := context.Background()
	a, errno := w.worker.Parent(ctx, cred, w.root, s.A)
	if errno != 0 {
		return outcome{Errno: errno}
	}
	defer a.Close()
	var b Target
	if s.Op == "link" && a.File == nil {
		_, errno := w.worker.Do(ctx, cred, Link{From: a, To: Target{Dir: a.Dir, Base: "not made"}})
		return outcome{Errno: errno}
	}
	if s.Op == "rename" || s.Op == "link" {
		if b, errno = w.worker.Parent(ctx, cred, w.root, s.B); errno != 0 {
			return outcome{Errno: errno}
		}
		defer b.Close()
	}
	f, errno := w.worker.Do(ctx, cred, ourOp(s, a, b))
	if f == nil {
		return outcome{Errno: errno}
	}
	defer f.Close()
	var o outcome
	must(w.t, control(f, func(fd int) { o = opened(fd, s) }))
	return o
}

// both does a step in both trees and compares.
func (w *twins) both(s step) (worked bool) {
	w.t.Helper()
	want, got := w.user.do(s), w.behalf(s)
	if s.bad() && want.Errno != 0 && got.Errno != 0 {
		return false // which of two faults is reported is nobody's concern
	}
	// Where BPF LSM is on, older kernels (6.1) ask nothing of who changes
	// security.*: the hook's default answer skips cap_inode_setxattr.
	if strings.HasSuffix(s.Op, "xattr") && strings.HasPrefix(s.B, "security.") && want.Errno == 0 && got.Errno == unix.EPERM {
		return false
	}
	if want != got {
		w.t.Fatalf("%+v: the user got %v (flags %#o, write: %v), we %v (flags %#o, write: %v)",
			s, want.Errno, want.Mode, want.Wrote, got.Errno, got.Mode, got.Wrote)
	}
	return got.Errno == 0
}

// bad says that the arguments are at fault, which the kernel mostly finds out
// before it looks at a path, and we after.
func (s step) bad() bool {
	switch s.Op {
	case "symlink":
		return s.Text == "" || len(s.Text) >= unix.PathMax
	case "truncate":
		return s.N < 0
	case "rename":
		return s.Flags == 1<<10 || s.Flags == unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE
	case "mknod":
		return s.Mode&unix.S_IFMT == unix.S_IFDIR
	case "setxattr":
		return !strings.HasPrefix(s.B, "user.") || len(s.B) > maxXattrName
	case "chown":
		return s.N == 0 || s.Flags == 0 // whom a mapped mount does not know
	case "open":
		return s.Flags&(unix.O_CREAT|unix.O_DIRECTORY) == unix.O_CREAT|unix.O_DIRECTORY ||
			s.Flags&unix.O_TMPFILE == unix.O_TMPFILE && s.Flags&(unix.O_WRONLY|unix.O_RDWR) == 0
	}
	return false
}

// compare compares the trees.
func (w *twins) compare() {
	w.t.Helper()
	if diff := cmp.Diff(snapshot(w.t, w.direct), snapshot(w.t, w.ours)); diff != "" {
		w.t.Fatalf("the user's tree and ours:\n%s", diff)
	}
}

// snapshot describes everything in a tree.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st := lstat(t, path)
		text := fmt.Sprintf("mode %o of %d:%d, %d links", st.Mode, st.Uid, st.Gid, st.Nlink)
		text += fmt.Sprintf(", from %s and %s", stamp(st.Atim), stamp(st.Mtim))
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(", says %q", b)
		case unix.S_IFLNK:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " to " + to
		}
		buf := make([]byte, 100)
		for _, name := range []string{"user.a", "user.b"} {
			if n, err := unix.Lgetxattr(path, name, buf); err == nil {
				text += fmt.Sprintf(", %s %q", name, buf[:n])
			}
		}
		rel, err := filepath.Rel(dir, path)
		out[rel] = text
		return err
	}))
	return out
}

// stamp is a time that a step set, or "now" for one of the clock: the two trees
// are not changed, nor read, within the same second.
func stamp(ts unix.Timespec) string {
	if ts.Sec >= 1e9 {
		return "now"
	}
	return strconv.FormatInt(ts.Sec, 10)
}

// follows says that a step would follow a link, which is its caller's to do.
func (w *twins) follows(s *step) bool {
	for _, path := range []string{s.A, s.B} {
		for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
			if w.kind(dir) == unix.S_IFLNK {
				return true
			}
		}
	}
	switch kind := w.kind(s.A); s.Op {
	case "open":
		if kind == unix.S_IFLNK {
			s.Flags |= unix.O_NOFOLLOW
		}
		return kind == unix.S_IFIFO
	case "truncate", "chmod", "chown", "utimens", "touch", "setxattr", "removexattr":
		return kind == unix.S_IFLNK
	}
	return false
}

func (w *twins) kind(rel string) uint32 {
	var st unix.Stat_t
	if unix.Lstat(filepath.Join(w.direct, rel), &st) != nil {
		return 0
	}
	return st.Mode & unix.S_IFMT
}

// randomStep makes one up.
func randomStep(rnd *rand.Rand) step {
	dirs := []string{"", "", "", "d/", "d/", "d/", "d/e/", "theirs/", "sticky/", "group/", "new/"}
	odd := []string{"closed/", "f/", "none/", "d/new/"}
	names := []string{"f", "f", "g", "g", "new", "d", "e", "their", "none", "any", "group", "link"}
	path := func() string {
		switch rnd.IntN(12) {
		case 0:
			return odd[rnd.IntN(len(odd))] + names[rnd.IntN(len(names))]
		case 1:
			return dirs[rnd.IntN(len(dirs))] + strings.Repeat("n", 256)
		default:
			return dirs[rnd.IntN(len(dirs))] + names[rnd.IntN(len(names))]
		}
	}
	pick := func(of ...int) int { return of[rnd.IntN(len(of))] }
	s := step{A: path(), Umask: uint32(pick(0, 0o22, 0o22, 0o77, 0o777)), Mode: uint32(pick(0, 0o600, 0o644, 0o666, 0o755, 0o755, 0o1777, 0o400))}
	ops := []string{"open", "open", "open", "open", "unlink", "unlink", "rmdir", "rename", "rename", "link", "symlink",
		"mkdir", "mknod", "truncate", "chmod", "chown", "utimens", "touch", "setxattr", "setxattr", "removexattr", "removexattr"}
	switch s.Op = ops[rnd.IntN(len(ops))]; s.Op {
	case "open":
		s.Text = "written "
		s.Flags = pick(unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_WRONLY, unix.O_ACCMODE)
		for _, f := range []int{unix.O_CREAT, unix.O_EXCL, unix.O_TRUNC, unix.O_APPEND, unix.O_NONBLOCK, unix.O_NOFOLLOW, unix.O_SYNC} {
			s.Flags |= f * rnd.IntN(2)
		}
		if rnd.IntN(4) == 0 {
			s.Flags |= pick(unix.O_DIRECTORY, unix.O_TMPFILE, unix.O_NOATIME, unix.O_CREAT|unix.O_DIRECTORY, 1<<30)
		}
	case "rename":
		s.B = path()
		s.Flags = pick(0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE, unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE, 1<<10)
	case "link":
		s.B = path()
	case "symlink":
		s.Text = []string{"", "f", "../f", "/etc/passwd", strings.Repeat("x", 5000)}[rnd.IntN(5)]
	case "mknod":
		s.Mode |= uint32(pick(0, unix.S_IFREG, unix.S_IFIFO, unix.S_IFDIR))
	case "truncate":
		s.N = int64(pick(0, 0, 5, 1000, -1))
	case "chown":
		s.N, s.Flags = int64(pick(-1, testUID, 0, 99)), pick(-1, testGID, 0, 99)
	case "utimens":
		s.N = int64(rnd.IntN(1e6))
	case "setxattr":
		s.B = []string{"user.a", "user.a", "user.a", "user.b", "security.x", "trusted.x", "user." + strings.Repeat("x", 251), ""}[rnd.IntN(8)]
		s.Text = "value"
		s.Flags = pick(0, 0, 0, unix.XATTR_CREATE, unix.XATTR_REPLACE)
	case "removexattr":
		s.B = []string{"user.a", "user.a", "user.b"}[rnd.IntN(3)]
	}
	return s
}

// TestLikeTheUser does the same sequences as the user, by plain system calls on
// a writable mount, and on the user's behalf. Results and trees must be equal.
func TestLikeTheUser(t *testing.T) {
	unix.Umask(0) // of this process; the packages' threads have their own
	for _, mapped := range []bool{false, true} {
		if mapped && onTmpfs(t) {
			continue
		}
		t.Run(fmt.Sprintf("mapped %v", mapped), func(t *testing.T) {
			done, worked := 0, map[string]int{}
			for seed := range rounds(20) {
				rnd := rand.New(rand.NewPCG(uint64(seed), 7))
				w := newTwins(t, mapped)
				for range 400 {
					s := randomStep(rnd)
					if w.follows(&s) {
						continue
					}
					if done++; w.both(s) {
						worked[s.Op]++
					}
					if done%100 == 0 {
						w.compare()
					}
				}
				w.compare()
			}
			t.Logf("%d steps; done without an error: %v", done, worked)
			if len(worked) < 15 && !testing.Short() && !onTmpfs(t) {
				t.Errorf("only %d of the operations ever worked", len(worked))
			}
		})
	}
}
