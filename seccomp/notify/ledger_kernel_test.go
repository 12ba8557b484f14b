//go:build kernel

package notify

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// keptPair gives two listeners for one filter: what one has received and not
// answered, the other finds in the ledger.
func keptPair(t *testing.T, fn func()) (first *Listener, second func() *Listener, done <-chan struct{}) {
	t.Helper()
	plain, done := trapped(t, fn)
	file, err := NewLedger()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	open := func() *Listener {
		fd, err := unix.FcntlInt(plain.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		l, err := OpenKept(os.NewFile(uintptr(fd), "listener"), file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	return open(), open, done
}

func TestWhatWasReceivedIsAnsweredBySomebodyElse(t *testing.T) {
	results := make(chan uintptr, 2)
	first, second, done := keptPair(t, func() {
		for range 2 {
			v, _, _ := unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
			results <- v
		}
	})
	if left := first.Left(); len(left) != 0 {
		t.Fatalf("a new ledger holds %+v", left)
	}
	answered := next(t, first)
	if err := first.Return(answered.ID, 1); err != nil {
		t.Fatal(err)
	}
	<-results
	held := next(t, first)
	first.Acting(held.ID)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	l := second()
	left := l.Left()
	if len(left) != 1 || left[0].Call != held || !left[0].Acting {
		t.Fatalf("left %+v, want %+v", left, held)
	}
	if err := l.Return(held.ID, 4711); err != nil {
		t.Fatal(err)
	}
	if v := <-results; v != 4711 {
		t.Errorf("the caller got %d", v)
	}
	<-done
	if left := second().Left(); len(left) != 0 {
		t.Errorf("after the answer it holds %+v", left)
	}
}

func TestALedgerIsUsedAgainAndAgain(t *testing.T) {
	const calls = 3 * MaxLedger
	l, second, done := keptPair(t, func() {
		for range calls {
			_, _, _ = unix.Syscall(unix.SYS_GETPPID, 0, 0, 0)
		}
	})
	for range calls {
		if err := l.Continue(next(t, l).ID); err != nil {
			t.Fatal(err)
		}
	}
	<-done
	if len(l.kept.free) != MaxLedger || len(second().Left()) != 0 {
		t.Errorf("%d places are free of %d", len(l.kept.free), MaxLedger)
	}
}

// A full ledger loses nothing while its owner lives.
func TestAFullLedgerRefusesNothing(t *testing.T) {
	l, _, done := keptPair(t, func() { _, _, _ = unix.Syscall(unix.SYS_GETPPID, 0, 0, 0) })
	l.kept.free = nil
	if err := l.Continue(next(t, l).ID); err != nil {
		t.Fatal(err)
	}
	<-done
}

func TestOnlyALedgerIsTakenForOne(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := openLedger(f); err == nil {
		t.Error("a plain file is a ledger")
	}
	if l, err := OpenKept(f, f); err == nil || l != nil || errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}
