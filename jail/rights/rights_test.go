package rights

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// control gives what a socket hands over when the files are sent.
func control(t *testing.T, files ...*os.File) []byte {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	var fds []int
	for _, f := range files {
		fds = append(fds, int(f.Fd()))
	}
	if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(fds...), nil, 0); err != nil {
		t.Fatal(err)
	}
	oob := make([]byte, 256)
	_, n, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	return oob[:n]
}

func temporary(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestFiles(t *testing.T) {
	a, b := temporary(t), temporary(t)
	files, err := Files(control(t, a, b), "given")
	defer Close(files)
	if err != nil || len(files) != 2 || files[0].Name() != "given" {
		t.Fatalf("Files = %v, %v", files, err)
	}
	for i, want := range []*os.File{a, b} {
		wi, _ := want.Stat()
		gi, err := files[i].Stat()
		if err != nil || !os.SameFile(wi, gi) {
			t.Errorf("file %d is another one: %v", i, err)
		}
	}
	Close(files)
	if _, err := files[0].Stat(); err == nil {
		t.Error("a file is open after Close")
	}
}

func TestFilesOfNothing(t *testing.T) {
	if files, err := Files(nil, "x"); files != nil || err != nil {
		t.Errorf("Files(nil) = %v, %v", files, err)
	}
	if files, err := Files(bytes.Repeat([]byte{0xff}, 32), "x"); files != nil || err == nil {
		t.Errorf("Files of bytes that are no message = %v, %v", files, err)
	}
}

// TestFilesBesideOthers has a message that is not descriptors before one that
// is: it is an error, and the caller can close what came.
func TestFilesBesideOthers(t *testing.T) {
	oob := append(unix.UnixCredentials(&unix.Ucred{Pid: 1}), control(t, temporary(t))...)
	files, err := Files(oob, "x")
	defer Close(files)
	if err == nil || len(files) != 1 {
		t.Errorf("Files = %v, %v; want one file, and an error", files, err)
	}
}
