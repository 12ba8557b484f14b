//go:build kernel

package behalf

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOwnerOfWhatIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		idmap    *Idmap
		uid, gid uint32
	}{
		"the user's directory":         {nil, testUID, testGID},
		"root's directory as the user": {&Idmap{UID: testUID, GID: testGID}, 0, 0},
	} {
		if c.idmap != nil && onTmpfs(t) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := worker(t)
			dir, r := place(t, c.idmap)
			openFile(t, w, parent(t, r, "file"), unix.O_CREAT|unix.O_WRONLY, 0o666, 0)
			do(t, w, Mkdir{parent(t, r, "dir"), 0o777}, 0)
			do(t, w, Symlink{"to", parent(t, r, "link")}, 0)
			do(t, w, Mknod{parent(t, r, "fifo"), unix.S_IFIFO | 0o666}, 0)
			for name, mode := range map[string]uint32{"file": unix.S_IFREG | 0o644, "dir": unix.S_IFDIR | 0o755,
				"link": unix.S_IFLNK | 0o777, "fifo": unix.S_IFIFO | 0o644} {
				if st := lstat(t, filepath.Join(dir, name)); st.Uid != c.uid || st.Gid != c.gid || st.Mode != mode {
					t.Errorf("%s is %d:%d with mode %o", name, st.Uid, st.Gid, st.Mode)
				}
			}
		})
	}
}

func TestSetIDIsNeverGiven(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	openFile(t, w, parent(t, r, "f"), unix.O_CREAT|unix.O_WRONLY, 0o755, 0)
	for _, mode := range []uint32{unix.S_ISUID | 0o755, unix.S_ISGID | 0o755, setID} {
		openFile(t, w, parent(t, r, "new"), unix.O_CREAT|unix.O_WRONLY, mode, unix.EPERM)
		openFile(t, w, parent(t, r, ""), unix.O_TMPFILE|unix.O_WRONLY, mode, unix.EPERM)
		do(t, w, Mkdir{parent(t, r, "new"), mode}, unix.EPERM)
		do(t, w, Mknod{parent(t, r, "new"), mode}, unix.EPERM)
		do(t, w, Chmod{parent(t, r, "f"), mode}, unix.EPERM)
	}
	if st := lstat(t, filepath.Join(dir, "f")); st.Mode&setID != 0 {
		t.Errorf("mode %o", st.Mode)
	}
	must(t, unix.Chmod(filepath.Join(dir, "f"), 0o6755)) // and goes when the owner changes nothing
	do(t, w, Chown{Target: parent(t, r, "f"), UID: testUID, GID: -1}, 0)
	if st := lstat(t, filepath.Join(dir, "f")); st.Mode&setID != 0 {
		t.Errorf("mode %o after chown", st.Mode)
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, unix.Mkfifo(at("fifo"), 0o666))
	must(t, unix.Mkfifo(at("read"), 0o666))
	reader, err := os.OpenFile(at("read"), os.O_RDONLY|unix.O_NONBLOCK, 0)
	must(t, err)
	defer reader.Close()
	must(t, unix.Mknod(at("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	for _, name := range []string{"fifo", "read", "null"} {
		must(t, os.Chmod(at(name), 0o666))
	}
	l, err := net.Listen("unix", at("socket"))
	must(t, err)
	defer l.Close()
	must(t, os.Chmod(at("socket"), 0o666))
	must(t, os.Mkdir(at("dir"), 0o777))
	must(t, os.Symlink("null", at("link")))
	must(t, os.WriteFile(at("f"), nil, 0o666))
	for _, c := range []struct {
		name  string
		flags int
		want  unix.Errno
	}{
		{"fifo", unix.O_WRONLY, unix.EACCES},
		{"fifo", unix.O_RDWR, unix.EACCES},
		{"fifo", unix.O_RDONLY | unix.O_CREAT, unix.EACCES},
		{"read", unix.O_WRONLY, unix.EACCES},
		{"fifo", unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL, unix.EEXIST},
		{"null", unix.O_WRONLY, unix.EACCES},
		{"socket", unix.O_WRONLY, unix.ENXIO},
		{"dir", unix.O_WRONLY, unix.EISDIR},
		{"dir", unix.O_RDONLY | unix.O_DIRECTORY, unix.EISDIR},
		{"", unix.O_WRONLY, unix.EISDIR},
		{"link", unix.O_WRONLY, unix.ELOOP},
		{"link", unix.O_WRONLY | unix.O_CREAT, unix.ELOOP},
		{"f", unix.O_PATH, unix.EINVAL},
		{"f", unix.O_PATH | unix.O_WRONLY | unix.O_CREAT, unix.EINVAL},
	} {
		for _, bind := range []bool{false, true} {
			target := parent(t, r, c.name)
			target.Bind = bind
			openFile(t, w, target, c.flags, 0o600, c.want)
		}
	}
}

func TestTemporaryFileGetsAName(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o777))
	must(t, os.Chmod(filepath.Join(dir, "d"), 0o777))
	for _, where := range []string{"", "d"} {
		f := openFile(t, w, parent(t, r, where), unix.O_TMPFILE|unix.O_RDWR, 0o640, 0)
		if _, err := f.WriteString("text of " + where); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Dup(int(f.Fd()))
		must(t, err)
		from := Descriptor(os.NewFile(uintptr(fd), "theirs"))
		defer from.Close()
		do(t, w, Link{from, parent(t, r, "d/name"+where)}, 0)
		do(t, w, Link{from, parent(t, r, "d/name"+where)}, unix.EEXIST)
		if b, err := os.ReadFile(filepath.Join(dir, "d/name"+where)); err != nil || string(b) != "text of "+where {
			t.Errorf("%q %v", b, err)
		}
	}
}

func TestFileSizeLimit(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	f := filepath.Join(dir, "f")
	must(t, os.WriteFile(f, make([]byte, 100), 0o666))
	must(t, os.Chown(f, testUID, testGID))
	cred := testCred
	cred.FileSize = 50
	for _, c := range []struct {
		size int64
		mode os.FileMode
		want unix.Errno
	}{
		{101, 0o600, unix.EFBIG},
		{101, 0o400, unix.EACCES},
		{100, 0o600, 0},
		{60, 0o600, 0}, // it was longer
		{61, 0o600, unix.EFBIG},
		{10, 0o600, 0},
		{50, 0o600, 0},
		{-1, 0o600, unix.EINVAL},
	} {
		must(t, os.Chmod(f, c.mode))
		if _, errno := w.Do(t.Context(), cred, Truncate{parent(t, r, "f"), c.size}); errno != c.want {
			t.Errorf("to %d with mode %v: %v, want %v", c.size, c.mode, errno, c.want)
		}
	}
}

// TestDescriptor: what the task has open it may truncate, whatever the mode is.
func TestDescriptor(t *testing.T) {
	w := worker(t)
	dir, _ := place(t, nil)
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, make([]byte, 100), 0o400))
	writable, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer writable.Close()
	do(t, w, Truncate{Descriptor(writable), 7}, 0)
	readable, err := os.Open(path)
	must(t, err)
	defer readable.Close()
	do(t, w, Truncate{Descriptor(readable), 0}, unix.EINVAL)
	if st := lstat(t, path); st.Size != 7 {
		t.Errorf("%d bytes", st.Size)
	}
	do(t, w, Chmod{Descriptor(readable), 0o666}, unix.EPERM) // root's
	must(t, writable.Close())
	do(t, w, Truncate{Descriptor(writable), 0}, unix.EBADF)
	do(t, w, Truncate{Target{}, 0}, unix.EBADF)
}

// TestBound: an operation that was shown for one file is not done to another.
func TestBound(t *testing.T) {
	changes := map[string]func(path string) error{
		"replaced": func(p string) error {
			return errors.Join(os.WriteFile(p+"2", []byte("other"), 0o666), os.Chown(p+"2", testUID, testGID), os.Rename(p+"2", p))
		},
		"removed": os.Remove,
		"linked":  func(p string) error { return errors.Join(os.Rename(p, p+"2"), os.Symlink("f2", p)) },
	}
	ops := map[string]func(t Target) Op{
		"open":          func(t Target) Op { return Open{t, unix.O_RDWR, 0} },
		"create":        func(t Target) Op { return Open{t, unix.O_WRONLY | unix.O_CREAT, 0o600} },
		"truncate open": func(t Target) Op { return Open{t, unix.O_WRONLY | unix.O_TRUNC, 0} },
		"create, empty": func(t Target) Op { return Open{t, unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, 0o600} },
		"truncate":      func(t Target) Op { return Truncate{t, 0} },
		"chmod":         func(t Target) Op { return Chmod{t, 0o777} },
		"unlink":        func(t Target) Op { return Unlink{t} },
		"utimens":       func(t Target) Op { return Utimens{Target: t} },
		"setxattr":      func(t Target) Op { return Setxattr{Target: t, Name: "user.a"} },
	}
	w := worker(t)
	for what, change := range changes {
		for name, op := range ops {
			dir, r := place(t, nil)
			path := filepath.Join(dir, "f")
			must(t, os.WriteFile(path, []byte("shown"), 0o666))
			must(t, os.Chown(path, testUID, testGID))
			target := parent(t, r, "f")
			target.Bind = true
			must(t, change(path))
			before := snapshot(t, dir)
			want := unix.ESTALE
			if makes := name == "create" || name == "create, empty"; what == "removed" && !makes {
				want = unix.ENOENT
			} else if _, open := op(target).(Open); open && what == "linked" {
				want = unix.ELOOP
			}
			if f, errno := w.Do(t.Context(), testCred, op(target)); f != nil || errno != want {
				t.Errorf("%s, %s: %v, want %v", what, name, errno, want)
			}
			if after := snapshot(t, dir); len(after) != len(before) || after["f"] != before["f"] {
				t.Errorf("%s, %s: %v became %v", what, name, before, after)
			}
		}
	}
}

// TestBoundRename: what is replaced is what was shown, and so is what replaces it.
func TestBoundRename(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		want   unix.Errno
	}{
		"nothing changed":  {func(string) error { return nil }, 0},
		"source gone":      {func(d string) error { return os.Remove(d + "/from") }, unix.ENOENT},
		"source replaced":  {func(d string) error { return os.Rename(d+"/new", d+"/from") }, unix.ESTALE},
		"target gone":      {func(d string) error { return os.Remove(d + "/to") }, unix.ESTALE},
		"target replaced":  {func(d string) error { return os.Rename(d+"/new", d+"/to") }, unix.ESTALE},
		"target made":      {func(d string) error { return os.Rename(d+"/new", d+"/none") }, unix.ESTALE},
		"target not there": {func(d string) error { return os.Remove(d + "/new") }, 0},
	} {
		w := worker(t)
		dir, r := place(t, nil)
		for _, f := range []string{"from", "to", "new"} {
			must(t, os.WriteFile(filepath.Join(dir, f), []byte(f), 0o600))
		}
		from, to := parent(t, r, "from"), parent(t, r, "to")
		if name == "target made" || name == "target not there" {
			to = parent(t, r, "none")
		}
		from.Bind, to.Bind = true, true
		must(t, c.change(dir))
		before := snapshot(t, dir)
		if _, errno := w.Do(t.Context(), testCred, Rename{From: from, To: to}); errno != c.want {
			t.Errorf("%s: %v, want %v", name, errno, c.want)
		}
		if after := snapshot(t, dir); c.want != 0 && len(after) != len(before) {
			t.Errorf("%s: %v became %v", name, before, after)
		}
	}
}

// TestView: the mounts of the tree itself decide.
func TestView(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	must(t, control(r.dir, func(fd int) {
		must(t, unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &readOnly))
	}))
	v, err := View(r.dir)
	must(t, err)
	defer v.Close()
	if rel, in := v.Rel("/a/b"); !in || rel != "a/b" {
		t.Errorf("%q %v", rel, in)
	}
	do(t, w, Unlink{parent(t, v, "f")}, unix.EROFS)
	if st := lstat(t, filepath.Join(dir, "f")); st.Ino != parent(t, v, "f").FileIno {
		t.Errorf("inode %d", st.Ino)
	}
}

func TestBoundToAbsence(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	target := parent(t, r, "f")
	target.Bind = true
	f := openFile(t, w, target, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, 0o600, 0)
	if st := lstat(t, filepath.Join(dir, "f")); st.Size != 0 || f == nil {
		t.Error(st.Size)
	}
	openFile(t, w, target, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, 0o600, unix.ESTALE)
	openFile(t, w, target, unix.O_WRONLY, 0, unix.ESTALE)
	target = parent(t, r, "f")
	target.Bind = true
	f = openFile(t, w, target, unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC|unix.O_APPEND, 0o600, 0)
	if _, err := f.WriteString("text"); err != nil {
		t.Error(err)
	}
	openFile(t, w, target, unix.O_RDONLY|unix.O_TRUNC, 0, 0)
	if st := lstat(t, filepath.Join(dir, "f")); st.Size != 0 {
		t.Errorf("%d bytes after O_TRUNC", st.Size)
	}
}

func TestParentThatWent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string) error
		want   unix.Errno
	}{
		"moved":           {func(d string) error { return os.Rename(d+"/a/b", d+"/b") }, unix.ENOENT},
		"moved out":       {func(d string) error { return os.Rename(d+"/a/b", filepath.Dir(d)+"/b") }, unix.ENOENT},
		"one above moved": {func(d string) error { return os.Rename(d+"/a", d+"/c") }, unix.ENOENT},
		"replaced": {func(d string) error {
			return errors.Join(os.Rename(d+"/a/b", d+"/b"), os.Mkdir(d+"/a/b", 0o777), os.Chmod(d+"/a/b", 0o777))
		}, unix.ESTALE},
		"a link now": {func(d string) error {
			return errors.Join(os.Rename(d+"/a/b", d+"/b"), os.Symlink("../b", d+"/a/b"))
		}, unix.ELOOP},
		"a link above now": {func(d string) error {
			return errors.Join(os.Rename(d+"/a", d+"/c"), os.Symlink("c", d+"/a"))
		}, unix.ELOOP},
		"closed above": {func(d string) error { return os.Chmod(d+"/a", 0o700) }, unix.EACCES},
		"closed":       {func(d string) error { return os.Chmod(d+"/a/b", 0o700) }, unix.EACCES},
		"removed":      {func(d string) error { return os.Remove(d + "/a/b") }, unix.ENOENT},
	} {
		t.Run(name, func(t *testing.T) {
			w := worker(t)
			dir, r := place(t, nil)
			must(t, os.MkdirAll(dir+"/a/b", 0o777))
			must(t, errors.Join(os.Chmod(dir+"/a", 0o777), os.Chmod(dir+"/a/b", 0o777)))
			target := parent(t, r, "a/b/f")
			must(t, c.change(dir))
			openFile(t, w, target, unix.O_CREAT|unix.O_WRONLY, 0o600, c.want)
			do(t, w, Mkdir{target, 0o700}, c.want)
		})
	}
}

func TestRootItself(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	self := parent(t, r, "")
	do(t, w, Unlink{self}, unix.EBUSY)
	do(t, w, Rmdir{self}, unix.EBUSY)
	do(t, w, Rename{From: self, To: parent(t, r, "x")}, unix.EBUSY)
	do(t, w, Mkdir{self, 0o700}, unix.EEXIST)
	do(t, w, Symlink{"x", self}, unix.EEXIST)
	do(t, w, Mknod{self, 0o600}, unix.EEXIST)
	do(t, w, Truncate{self, 0}, unix.EISDIR)
	do(t, w, Chmod{self, 0o750}, 0)
	if st := lstat(t, dir); st.Mode&0o7777 != 0o750 {
		t.Errorf("mode %o", st.Mode)
	}
}

func TestRootThatIsAFile(t *testing.T) {
	w := worker(t)
	dir, _ := place(t, nil)
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, []byte("text"), 0o600))
	must(t, os.Chown(path, testUID, testGID))
	r := rootOf(t, path, nil)
	self := parent(t, r, "")
	f := openFile(t, w, self, unix.O_WRONLY|unix.O_CREAT|unix.O_APPEND, 0, 0)
	if _, err := f.WriteString(" more"); err != nil {
		t.Error(err)
	}
	openFile(t, w, self, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0, unix.EEXIST)
	openFile(t, w, self, unix.O_WRONLY|unix.O_DIRECTORY, 0, unix.ENOTDIR)
	do(t, w, Unlink{self}, unix.EBUSY)
	if _, err := r.Parent("x"); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("below a file: %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "text more" {
		t.Errorf("%q", b)
	}
	openFile(t, w, self, unix.O_WRONLY|unix.O_TRUNC, 0, 0)
	if b, _ := os.ReadFile(path); len(b) != 0 {
		t.Errorf("%q after O_TRUNC", b)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	w := worker(t)
	_, r := place(t, nil)
	for _, rel := range []string{"..", "../x", "a/../b", "/etc", "a//b", "a/", "./a", "a\x00b"} {
		if _, err := r.Parent(rel); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%q: %v", rel, err)
		}
	}
	good := parent(t, r, "f")
	for _, base := range []string{"..", ".", "a/b", "/", "f/", "a\x00b"} {
		bad := good
		bad.Base = base
		openFile(t, w, bad, unix.O_CREAT|unix.O_WRONLY, 0o600, unix.EINVAL)
		do(t, w, Rename{From: good, To: bad}, unix.EINVAL)
	}
}

func TestOtherRefusals(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o600))
	must(t, os.Chown(filepath.Join(dir, "f"), testUID, testGID))
	must(t, os.Symlink("f", filepath.Join(dir, "link")))
	_, other := place(t, nil)
	f, link := parent(t, r, "f"), parent(t, r, "link")
	do(t, w, Rename{From: f, To: parent(t, other, "f")}, unix.EXDEV)
	do(t, w, Link{f, parent(t, other, "f")}, unix.EXDEV)
	do(t, w, Rename{From: f, To: parent(t, r, "g"), Flags: unix.RENAME_WHITEOUT}, unix.EPERM)
	do(t, w, Mknod{parent(t, r, "g"), unix.S_IFCHR | 0o600}, unix.EPERM)
	do(t, w, Mknod{parent(t, r, "g"), unix.S_IFSOCK | 0o600}, unix.EPERM)
	do(t, w, Chown{Target: f, UID: testUID, GID: 0}, unix.EPERM)
	do(t, w, Chown{Target: f, UID: 0, GID: -1}, unix.EPERM)
	do(t, w, Setxattr{Target: f, Name: "security.capability"}, unix.EPERM)
	do(t, w, Setxattr{Target: f, Name: "user.a\x00b"}, unix.EINVAL)
	do(t, w, Setxattr{Target: f, Name: "user.a", Value: make([]byte, maxXattrValue+1)}, unix.E2BIG)
	do(t, w, Symlink{"a\x00b", parent(t, r, "g")}, unix.EINVAL)
	do(t, w, Chmod{link, 0o777}, unix.ELOOP)
	do(t, w, Truncate{link, 0}, unix.ELOOP)
	do(t, w, Utimens{Target: link}, unix.ELOOP)
	do(t, w, Utimens{Target: link, NoFollow: true}, unix.EPERM) // root's
	openFile(t, w, parent(t, r, "f"), unix.O_TMPFILE|unix.O_CREAT|unix.O_WRONLY, 0o600, unix.EINVAL)
}

func TestOpenRootRefuses(t *testing.T) {
	dir, _ := place(t, nil)
	must(t, os.Symlink(dir, filepath.Join(dir, "link")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	for name, c := range map[string]struct {
		jail, host string
		idmap      *Idmap
	}{
		"a link":             {"/work", filepath.Join(dir, "link"), nil},
		"a way over a link":  {"/work", filepath.Join(dir, "link/link"), nil},
		"a fifo":             {"/work", filepath.Join(dir, "fifo"), nil},
		"what is not there":  {"/work", filepath.Join(dir, "no"), nil},
		"a relative place":   {"work", dir, nil},
		"an unclean place":   {"/work/../x", dir, nil},
		"root shown as root": {"/work", dir, &Idmap{0, 0}},
	} {
		if r, err := OpenRoot(c.jail, c.host, c.idmap); err == nil {
			t.Errorf("%s was taken", name)
			_ = r.Close()
		}
	}
}

func TestClosedRootAndTarget(t *testing.T) {
	w := worker(t)
	_, r := place(t, nil)
	target := parent(t, r, "f")
	must(t, r.Close())
	openFile(t, w, target, unix.O_CREAT|unix.O_WRONLY, 0o600, unix.EBADF)
	if _, err := r.Parent("f"); err == nil {
		t.Error("a closed root was walked")
	}
	must(t, target.Close())
	do(t, w, Unlink{target}, unix.EBADF)
}
