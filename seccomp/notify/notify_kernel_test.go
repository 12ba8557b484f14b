//go:build kernel

package notify

import (
	"errors"
	"io"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The first thread of a process never ends before the process does, so no test
// may put it under a filter: the main goroutine keeps it.
func init() { runtime.LockOSThread() }

// trapped starts a thread whose getppid and openat calls are notified, runs fn
// on it, and gives its listener. The thread ends with fn.
func trapped(t testing.TB, fn func()) (*Listener, <-chan struct{}) {
	t.Helper()
	fds := make(chan int)
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the filtered thread ends with the goroutine
		defer close(done)
		fd, err := install()
		if err != nil {
			t.Error(err)
			close(fds)
			return
		}
		fds <- fd
		fn()
	}()
	fd, ok := <-fds
	if !ok {
		t.FailNow()
	}
	l, err := Open(os.NewFile(uintptr(fd), "listener"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, done
}

// next receives a call.
func next(t testing.TB, l *Listener) Call {
	t.Helper()
	c, err := l.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnswers(t *testing.T) {
	type result struct {
		value uintptr
		errno unix.Errno
	}
	results := make(chan result, 3)
	l, done := trapped(t, func() {
		for range 3 {
			v, _, errno := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
			results <- result{v, errno}
		}
	})
	c := next(t, l)
	if c.Nr != unix.SYS_GETPPID || c.Arch != unix.AUDIT_ARCH_X86_64 {
		t.Errorf("call %+v", c)
	}
	if !l.Valid(c.ID) {
		t.Error("a waiting call is not valid")
	}
	if err := l.Return(c.ID, 4711); err != nil {
		t.Fatal(err)
	}
	if r := <-results; r.value != 4711 || r.errno != 0 {
		t.Errorf("after Return: %+v", r)
	}
	if err := l.Return(c.ID, 1); !errors.Is(err, ErrGone) {
		t.Errorf("a second answer: %v, want ErrGone", err)
	}
	if l.Valid(c.ID) {
		t.Error("an answered call is valid")
	}
	if err := l.Deny(next(t, l).ID, unix.EACCES); err != nil {
		t.Fatal(err)
	}
	if r := <-results; r.errno != unix.EACCES {
		t.Errorf("after Deny: %+v", r)
	}
	if err := l.Continue(next(t, l).ID); err != nil {
		t.Fatal(err)
	}
	if r := <-results; r.errno != 0 || int(r.value) != os.Getppid() {
		t.Errorf("after Continue: %+v", r)
	}
	<-done
	if _, err := l.Recv(); !errors.Is(err, ErrClosed) {
		t.Errorf("after the last task: %v, want ErrClosed", err)
	}
}

func TestDenyIsNeverSuccess(t *testing.T) {
	results := make(chan unix.Errno, 1)
	l, done := trapped(t, func() {
		_, _, errno := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
		results <- errno
	})
	if err := l.Deny(next(t, l).ID, 0); err != nil {
		t.Fatal(err)
	}
	if errno := <-results; errno != unix.EPERM {
		t.Errorf("errno %v, want EPERM", errno)
	}
	<-done
}

func TestAddFD(t *testing.T) {
	results := make(chan string, 1)
	l, done := trapped(t, func() {
		fd, err := unix.Open("/nowhere/at/all", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			results <- err.Error()
			return
		}
		b, err := io.ReadAll(os.NewFile(uintptr(fd), "given"))
		if err != nil {
			results <- err.Error()
			return
		}
		results <- string(b)
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("from the supervisor"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if unknown, err := l.AddFD(next(t, l).ID, r, true); unknown || err != nil {
		t.Fatal(unknown, err)
	}
	r.Close()
	if got := <-results; got != "from the supervisor" {
		t.Errorf("the caller read %q", got)
	}
	<-done
}

func TestInterruptLeavesTheCallHeld(t *testing.T) {
	results := make(chan uintptr, 1)
	l, done := trapped(t, func() {
		v, _, _ := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
		results <- v
	})
	c := next(t, l)
	other, err := unix.FcntlInt(uintptr(l.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.Interrupt()
	if _, err := l.Recv(); !errors.Is(err, ErrClosed) {
		t.Fatalf("after Interrupt: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(os.NewFile(uintptr(other), "listener"))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if err := second.Return(c.ID, 99); err != nil {
		t.Fatalf("answer by the other holder: %v", err)
	}
	if v := <-results; v != 99 {
		t.Errorf("the caller got %d", v)
	}
	<-done
}

func TestLastCloseFailsClosed(t *testing.T) {
	results := make(chan unix.Errno, 2)
	l, done := trapped(t, func() {
		for range 2 {
			_, _, errno := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
			results <- errno
		}
	})
	next(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if errno := <-results; errno != unix.ENOSYS {
			t.Errorf("errno %v, want ENOSYS", errno)
		}
	}
	<-done
}

// BenchmarkContinue is the cost of a call that is trapped and let go.
func BenchmarkContinue(b *testing.B) {
	n := b.N
	l, done := trapped(b, func() {
		for range n {
			unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	for range n {
		c, err := l.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Continue(c.ID); err != nil {
			b.Fatal(err)
		}
	}
	<-done
}

// BenchmarkAddFD is the cost of a call that is answered with a descriptor: the
// kernel wakes the caller to take it, and then whoever gave it.
func BenchmarkAddFD(b *testing.B) {
	n := b.N
	l, done := trapped(b, func() {
		for range n {
			fd, _, _ := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
			_ = unix.Close(int(fd))
		}
	})
	f, err := os.Open("/dev/null")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b.ResetTimer()
	for range n {
		c, err := l.Recv()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.AddFD(c.ID, f, true); err != nil {
			b.Fatal(err)
		}
	}
	<-done
}
