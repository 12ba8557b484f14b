//go:build kernel

package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/approval"
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

// zeros is a file that never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestAFullDiskDenies: what cannot be journaled is denied and never shown; with
// space again, everything works, and what was journaled before is still there.
func TestAFullDiskDenies(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1048576,mode=700"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	j := open(t, filepath.Join(dir, "state.db"))
	defer j.Close()
	q := approval.New(approval.Options{Journal: j, Boot: "b", OnDecision: func(approval.Request, approval.Decision) error { return nil }})
	defer q.Close()
	if err := j.Put(request(t, "00000001", "/w/before")); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	_ = f.Close()

	denied := 0
	for i := range 200 { // the file has some free pages at first
		r := request(t, "", fmt.Sprint("/w/", i, string(make([]byte, 2048))))
		if err := j.Put(withID(r, i)); err == nil {
			continue
		}
		d, err := q.Submit(t.Context(), r)
		if err != nil || d.Outcome != approval.Unrecorded {
			t.Fatalf("%+v, %v", d, err)
		}
		denied++
		break
	}
	if denied == 0 || len(q.List()) != 0 {
		t.Fatalf("%d denied, %d shown", denied, len(q.List()))
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := j.Put(request(t, "00000002", "/w/after")); err != nil {
		t.Fatal(err)
	}
	got, err := j.Load()
	if err != nil || len(got) < 2 || got[0].ID != "00000001" {
		t.Errorf("%d requests, %v", len(got), err)
	}
}

func withID(r approval.Request, i int) approval.Request {
	r.ID = fmt.Sprintf("9%07d", i)
	return r
}
