//go:build kernel

package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inOwnMounts runs the test again in a mount namespace of its own; true in
// there.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	const mark = "CLAWJAIL_TEST_OWN_MOUNTS"
	if os.Getenv(mark) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// smallDisk mounts a tmpfs of that size.
func smallDisk(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all space that is left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// TestFullDisk: a record is whole or not there, the writer goes on when there
// is space again, and says how much is missing.
func TestFullDisk(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	for _, o := range []Options{{}, {MaxBytes: 9000}, {Sync: SyncAlways}} {
		disk := smallDisk(t, 256<<10)
		dir := filepath.Join(disk, "log")
		l := openLog(t, dir, o)
		mustAppend(t, l, execRecord("/first"))
		fill(t, filepath.Join(disk, "ballast"))
		lost := 0
		for i := 0; lost < 20; i++ {
			if i > 10000 {
				t.Fatal("the disk does not fill")
			}
			if _, err := l.Append(execRecord(strings.Repeat("x", 700))); err != nil {
				if !errors.Is(err, ErrFull) || !errors.Is(err, unix.ENOSPC) {
					t.Fatalf("append on a full disk: %v", err)
				}
				lost++
			}
		}
		checkChain(t, dir) // nothing half-written while it is full
		if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, execRecord("/after"))
		rs := checkChain(t, dir)
		gap := rs[len(rs)-2]
		if gap.Gate != GateGap || gap.Subject.Class != ClassAudit || gap.Subject.Lost != 20 {
			t.Errorf("options %+v: gap %+v", o, gap)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFullDiskCallerCounts: a caller that counts for itself is not counted twice.
func TestFullDiskCallerCounts(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	disk := smallDisk(t, 128<<10)
	dir := filepath.Join(disk, "log")
	l := openLog(t, dir, Options{})
	fill(t, filepath.Join(disk, "ballast"))
	for lost := 0; lost < 3; {
		if _, err := l.Append(execRecord(strings.Repeat("x", 700))); err != nil {
			lost++
		}
	}
	own := Record{Gate: GateGap, Subject: Subject{Class: ClassAudit, Lost: 12}}
	if _, err := l.Append(own); !errors.Is(err, ErrFull) {
		t.Errorf("append on a full disk: %v", err)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, own, execRecord("/after"))
	gaps := 0
	for _, r := range checkChain(t, dir) {
		if r.Gate == GateGap {
			gaps++
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps", gaps)
	}
}

// TestOpenOnFullDisk: the log opens, and says later what it had to say.
func TestOpenOnFullDisk(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	disk := smallDisk(t, 128<<10)
	dir := filepath.Join(disk, "log")
	seg := written(t, dir, Options{}, 15) // nearly two pages of 4 KiB
	fill(t, filepath.Join(disk, "ballast"))
	// A torn line that no place is left to save keeps the log closed: it is
	// evidence, and is not cut off for nothing.
	change(t, seg, func(b []byte) []byte { return append(b, "torn"...) })
	before, err := os.ReadFile(seg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrFull) {
		t.Errorf("a torn log on a full disk: %v", err)
	}
	if after, err := os.ReadFile(seg); err != nil || string(after) != string(before) {
		t.Errorf("the segment was touched (%v)", err)
	}
	if err := os.Remove(filepath.Join(disk, "ballast")); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, dir, Options{})
	mustAppend(t, l, execRecord("/after"))
	if rs := checkChain(t, dir); rs[len(rs)-2].Subject.Class != ClassTorn {
		t.Errorf("no gap: %+v", rs[len(rs)-2])
	}
}
