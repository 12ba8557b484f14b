package socket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail/rights"
)

func both(t *testing.T) (a, b *Conn) {
	t.Helper()
	a, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	b, err = Open(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestMessagesAndFiles(t *testing.T) {
	a, b := both(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := a.Send([]byte("one"), w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := a.Send([]byte("two")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	n, files, err := b.Receive(buf)
	if err != nil || string(buf[:n]) != "one" || len(files) != 1 {
		t.Fatalf("%q, %d files, %v", buf[:n], len(files), err)
	}
	if _, err := files[0].WriteString("through"); err != nil {
		t.Fatal(err)
	}
	rights.Close(files)
	if got, err := io.ReadAll(r); err != nil || string(got) != "through" {
		t.Errorf("%q, %v", got, err)
	}
	if n, files, err = b.Receive(buf); err != nil || string(buf[:n]) != "two" || files != nil {
		t.Errorf("%q, %v, %v", buf[:n], files, err)
	}
	a.Close()
	if _, _, err := b.Receive(buf); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// Sending must not make a shared open file blocking: File.Fd would.
func TestSendLeavesFilesNonblocking(t *testing.T) {
	a, _ := both(t)
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(fds[0]), "r"), os.NewFile(uintptr(fds[1]), "w")
	defer r.Close()
	defer w.Close()
	if err := a.Send([]byte("x"), r); err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v", flags, err)
	}
}

func TestTooLong(t *testing.T) {
	a, b := both(t)
	if err := a.Send(bytes.Repeat([]byte("x"), 11)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Receive(make([]byte, 10)); err == nil || !strings.Contains(err.Error(), "cut") {
		t.Errorf("cut message: %v", err)
	}
	if err := a.Send(nil, os.Stdin, os.Stdin, os.Stdin, os.Stdin, os.Stdin); err == nil {
		t.Error("five files were sent")
	}
}

// Descriptors above the bound are an error, and none is kept.
func TestTooManyFiles(t *testing.T) {
	a, b := both(t)
	raw, err := a.uc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	many := make([]int, 20)
	err = raw.Control(func(fd uintptr) {
		if err := unix.Sendmsg(int(fd), []byte("x"), unix.UnixRights(many...), nil, 0); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	if _, files, err := b.Receive(make([]byte, 10)); err == nil || files != nil {
		t.Errorf("%d files, %v", len(files), err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors became %d", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
