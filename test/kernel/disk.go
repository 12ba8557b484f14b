package kernel

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk makes a file system of so many bytes and gives the path of its
// root, which is good in this process until the test ends.
func SmallDisk(t testing.TB, bytes int) string {
	t.Helper()
	ctx, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		t.Fatal(os.NewSyscallError("fsopen", err))
	}
	defer unix.Close(ctx)
	err = errors.Join(
		unix.FsconfigSetString(ctx, "size", strconv.Itoa(bytes)),
		unix.FsconfigSetString(ctx, "mode", "700"),
		unix.FsconfigCreate(ctx))
	if err != nil {
		t.Fatal(os.NewSyscallError("fsconfig", err))
	}
	fd, err := unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("fsmount", err))
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fmt.Sprintf("/proc/self/fd/%d", fd)
}

// Fill takes all the space that is left with the file of this name.
func Fill(t testing.TB, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
}

// zeros is a file that never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
