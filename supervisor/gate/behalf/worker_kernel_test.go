//go:build kernel

package behalf

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// probe is an operation that looks at the thread it is done on.
type probe struct{ status map[string]string }

func (probe) targets() []*Target { return nil }

func (p probe) do(Cred, []int) (*os.File, unix.Errno) {
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return nil, errnoOf(err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		key, value, _ := strings.Cut(line, ":")
		p.status[key] = strings.Join(strings.Fields(value), " ")
	}
	return nil, 0
}

func TestThreadHasNothingOfRoot(t *testing.T) {
	w := worker(t)
	before := unix.Umask(0o123)
	defer unix.Umask(before)
	for _, cred := range []Cred{testCred, {UID: 7, GID: 8, Umask: 0o077}, {UID: 7, GID: 9}} {
		p := probe{map[string]string{}}
		if _, errno := w.Do(context.Background(), cred, p); errno != 0 {
			t.Fatal(errno)
		}
		for key, want := range map[string]string{
			"Uid": fmt.Sprintf("0 0 0 %d", cred.UID), "Gid": fmt.Sprintf("0 0 0 %d", cred.GID), "Groups": "",
			"CapEff": "0000000000000000", "CapInh": "0000000000000000", "CapAmb": "0000000000000000",
			"CapPrm": fmt.Sprintf("%016x", changing), "Umask": fmt.Sprintf("%04o", cred.Umask),
		} {
			if got := p.status[key]; got != want {
				t.Errorf("%+v: %s is %q, want %q", cred, key, got, want)
			}
		}
	}
	if got := unix.Umask(0o123); got != 0o123 {
		t.Errorf("the process' umask became %#o", got)
	}
}

func TestOtherThreadsKeepTheirRights(t *testing.T) {
	w := worker(t)
	want := ownStatus(t)
	if _, errno := w.Do(context.Background(), testCred, probe{map[string]string{}}); errno != 0 {
		t.Fatal(errno)
	}
	must(t, w.Close())
	for range 50 {
		done := make(chan string)
		go func() {
			runtime.LockOSThread() // and never unlocks: a thread each
			done <- ownStatus(t)
		}()
		if got := <-done; got != want {
			t.Fatalf("a thread has %s, want %s", got, want)
		}
	}
}

func ownStatus(t *testing.T) string {
	p := probe{map[string]string{}}
	if _, errno := p.do(Cred{}, nil); errno != 0 {
		t.Error(errno)
	}
	return fmt.Sprint(p.status["Uid"], " ", p.status["Gid"], " ", p.status["CapEff"], " ", p.status["CapPrm"])
}

func TestRefusedCredentials(t *testing.T) {
	w := worker(t)
	for name, cred := range map[string]Cred{
		"root":             {UID: 0, GID: 5},
		"root's group":     {UID: 5, GID: 0},
		"no user":          {UID: nobody, GID: 5},
		"no group":         {UID: 5, GID: nobody},
		"an odd umask":     {UID: 5, GID: 5, Umask: 0o1000},
		"a negative limit": {UID: 5, GID: 5, FileSize: -1},
	} {
		if _, errno := w.Do(context.Background(), cred, probe{}); errno != unix.EPERM {
			t.Errorf("%s: %v", name, errno)
		}
	}
	if _, errno := w.Do(context.Background(), testCred, nil); errno != unix.EPERM {
		t.Errorf("nothing to do: %v", errno)
	}
}

// wait is an operation that takes until it is told.
type wait struct{ begun, end chan struct{} }

func (wait) targets() []*Target { return nil }

func (o wait) do(Cred, []int) (*os.File, unix.Errno) {
	close(o.begun)
	<-o.end
	f, err := os.Open("/dev/null")
	return f, errnoOf(err)
}

func TestCallerThatGoesAway(t *testing.T) {
	w := worker(t)
	before := descriptors(t)
	o := wait{make(chan struct{}), make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan unix.Errno)
	go func() {
		f, errno := w.Do(ctx, testCred, o)
		if f != nil {
			t.Error("a file for nobody")
		}
		answer <- errno
	}()
	<-o.begun
	ended, stop := context.WithCancel(context.Background())
	stop()
	if _, errno := w.Do(ended, testCred, probe{map[string]string{}}); errno != unix.EINTR {
		t.Errorf("while another is done: %v", errno)
	}
	cancel()
	if errno := <-answer; errno != unix.EINTR {
		t.Errorf("%v", errno)
	}
	close(o.end)
	if _, errno := w.Do(context.Background(), testCred, probe{map[string]string{}}); errno != 0 {
		t.Errorf("the next one: %v", errno)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func TestClosedWorker(t *testing.T) {
	w := worker(t)
	must(t, w.Close())
	must(t, w.Close())
	if _, errno := w.Do(context.Background(), testCred, probe{}); errno != unix.EIO {
		t.Errorf("%v", errno)
	}
}

// spoil breaks the thread, so that it cannot take other credentials any more.
type spoil struct{}

func (spoil) targets() []*Target { return nil }

func (spoil) do(Cred, []int) (*os.File, unix.Errno) { return nil, errnoOf(capset(0, 0)) }

func TestThreadIsReplaced(t *testing.T) {
	w := worker(t)
	if _, errno := w.Do(context.Background(), testCred, spoil{}); errno != 0 {
		t.Fatal(errno)
	}
	other := Cred{UID: 7, GID: 7}
	if _, errno := w.Do(context.Background(), other, probe{map[string]string{}}); errno != unix.EPERM {
		t.Errorf("on a thread that cannot change: %v", errno)
	}
	p := probe{map[string]string{}}
	if _, errno := w.Do(context.Background(), other, p); errno != 0 || p.status["Uid"] != "0 0 0 7" {
		t.Errorf("on the next thread: %v, ids %q", errno, p.status["Uid"])
	}
}

func TestNothingLeaks(t *testing.T) {
	before := descriptors(t)
	idmap := &Idmap{UID: testUID, GID: testGID}
	if onTmpfs(t) {
		idmap = nil
	}
	func() {
		w, err := NewWorker()
		must(t, err)
		defer w.Close()
		dir, _ := place(t, nil)
		r, err := OpenRoot("/work", dir, idmap)
		must(t, err)
		defer r.Close()
		for i := range 100 {
			target, err := r.Parent("f" + strconv.Itoa(i%3))
			must(t, err)
			f, errno := w.Do(context.Background(), testCred, Open{Target: target, Flags: unix.O_CREAT | unix.O_RDWR, Mode: 0o600})
			if errno == 0 {
				must(t, f.Close())
			}
			must(t, target.Close())
			_, _ = w.Do(context.Background(), testCred, Unlink{target})
		}
	}()
	if after := descriptors(t); after != before+1 { // the place's root is open till the end
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	return len(all)
}

func BenchmarkOpenOnBehalf(b *testing.B) {
	w := worker(b)
	_, r := place(b, nil)
	openFile(b, w, parent(b, r, "f"), unix.O_CREAT|unix.O_WRONLY, 0o600, 0)
	b.ReportAllocs()
	for b.Loop() {
		f, errno := w.At(context.Background(), testCred, r, "f", write)
		if errno != 0 {
			b.Fatal(errno)
		}
		_ = f.Close()
	}
}

func write(t Target) (Op, unix.Errno) { return Open{Target: t, Flags: unix.O_WRONLY}, 0 }

func BenchmarkOpenOnThisThread(b *testing.B) {
	w := worker(b)
	_, r := place(b, nil)
	openFile(b, w, parent(b, r, "f"), unix.O_CREAT|unix.O_WRONLY, 0o600, 0)
	done := make(chan struct{})
	go func() { // ends with its thread
		defer close(done)
		th, err := Lock()
		if err != nil {
			b.Error(err)
			return
		}
		b.ReportAllocs()
		for b.Loop() {
			f, errno, err := th.At(testCred, r, "f", write)
			if errno != 0 || err != nil {
				b.Error(errno, err)
				return
			}
			_ = f.Close()
		}
	}()
	<-done
}

func BenchmarkOpenBare(b *testing.B) {
	path := filepath.Join(b.TempDir(), "f")
	must(b, os.WriteFile(path, nil, 0o600))
	for b.Loop() {
		fd, err := unix.Open(path, unix.O_WRONLY, 0)
		must(b, err)
		_ = unix.Close(fd)
	}
}
