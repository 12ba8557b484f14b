//go:build kernel

package behalf

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// onThread runs fn on a thread that ends afterwards.
func onThread(t *testing.T, fn func(th *Thread)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		th, err := Lock()
		if err != nil {
			t.Error(err)
			return
		}
		fn(th)
	}()
	<-done
}

func TestThreadComesBack(t *testing.T) {
	want := ownStatus(t)
	dir, r := place(t, nil)
	must(t, os.WriteFile(filepath.Join(dir, "closed"), nil, 0o600))
	onThread(t, func(th *Thread) {
		for range 3 {
			p := probe{map[string]string{}}
			if _, errno, err := th.Do(testCred, p); errno != 0 || err != nil {
				t.Error(errno, err)
			}
			if p.status["CapEff"] != "0000000000000000" || p.status["Uid"] != "0 0 0 54321" || p.status["Gid"] != "0 0 0 54322" ||
				p.status["Groups"] != "" || p.status["Umask"] != "0022" {
				t.Errorf("for another: %v", p.status)
			}
			if got := ownStatus(t); got != want {
				t.Errorf("for itself: %s, want %s", got, want)
			}
			target, errno, err := th.Parent(testCred, r, "closed")
			if errno != 0 || err != nil {
				t.Error(errno, err)
			}
			if _, errno, err := th.Do(testCred, Open{Target: target, Flags: unix.O_WRONLY}); errno != unix.EACCES || err != nil {
				t.Errorf("root's file for another: %v %v", errno, err)
			}
			_ = target.Close()
			if f, err := os.OpenFile(filepath.Join(dir, "closed"), os.O_WRONLY, 0); err != nil {
				t.Errorf("root's file for root: %v", err)
			} else {
				_ = f.Close()
			}
		}
		if _, errno, err := th.Do(Cred{}, probe{}); errno != unix.EPERM || err != nil {
			t.Errorf("as root: %v %v", errno, err)
		}
		if _, errno, err := th.Do(testCred, nil); errno != unix.EPERM || err != nil {
			t.Errorf("nothing to do: %v %v", errno, err)
		}
	})
}

// TestThreadInDoubt: a thread that is not what it was says so and does nothing.
func TestThreadInDoubt(t *testing.T) {
	for name, spoil := range map[string]func(){
		"another's ids":   func() { _, _ = unix.SetfsuidRetUid(7) },
		"another's group": func() { _, _ = unix.SetfsgidRetGid(7) },
		"no rights": func() {
			if err := capset(0, 0); err != nil {
				t.Error(err)
			}
		},
	} {
		onThread(t, func(th *Thread) {
			spoil()
			p := probe{map[string]string{}}
			if _, errno, err := th.Do(testCred, p); errno != unix.EPERM || err == nil || len(p.status) != 0 {
				t.Errorf("%s: %v %v", name, errno, err)
			}
		})
	}
}

func TestAt(t *testing.T) {
	w := worker(t)
	dir, r := place(t, nil)
	must(t, os.Mkdir(filepath.Join(dir, "closed"), 0o700))
	must(t, os.Symlink("closed", filepath.Join(dir, "link")))
	made := false
	build := func(t Target) (Op, unix.Errno) {
		made = true
		t.Bind = true // means nothing here
		return Open{Target: t, Flags: unix.O_CREAT | unix.O_WRONLY, Mode: 0o600}, 0
	}
	for range 2 {
		f, errno := w.At(t.Context(), testCred, r, "f", build)
		if errno != 0 {
			t.Fatal(errno)
		}
		must(t, f.Close())
	}
	if !made {
		t.Error("not built")
	}
	for rel, want := range map[string]unix.Errno{"closed/f": unix.EACCES, "link/f": unix.ELOOP, "no/f": unix.ENOENT,
		"f/f": unix.ENOTDIR, "../f": unix.EINVAL, "": unix.EISDIR} {
		if f, errno := w.At(t.Context(), testCred, r, rel, build); f != nil || errno != want {
			t.Errorf("%q: %v, want %v", rel, errno, want)
		}
	}
	if _, errno := w.At(t.Context(), testCred, r, "f", func(Target) (Op, unix.Errno) { return nil, unix.EDQUOT }); errno != unix.EDQUOT {
		t.Errorf("refused: %v", errno)
	}
	if _, errno := w.At(t.Context(), testCred, r, "f", func(Target) (Op, unix.Errno) { return nil, 0 }); errno != unix.EPERM {
		t.Errorf("nothing built: %v", errno)
	}
	st := lstat(t, dir)
	_, errno := w.At(t.Context(), testCred, r, "f", func(at Target) (Op, unix.Errno) {
		if at.Ino != st.Ino || at.Dev != kernelDev(st.Dev) || at.Base != "f" {
			t.Errorf("%+v is not in inode %d", at, st.Ino)
		}
		return Unlink{at}, 0
	})
	if errno != 0 {
		t.Error(errno)
	}
}
