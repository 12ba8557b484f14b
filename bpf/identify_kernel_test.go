//go:build kernel

package bpf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/seccomp/notify"
)

// On a file system that tells the truth both ways give the same answer.
func TestIdentifyBothWays(t *testing.T) {
	p := loadProbes(t, Options{RingBytes: testRing, Linger: -1})
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	want := statID(t, file.Name())
	got, err := p.Identify(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-stat +identify):\n%s", d)
	}
	got, err = p.IdentifyFD(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-stat +kernel):\n%s", d)
	}
	if _, err := p.IdentifyFD(1 << 20); err == nil {
		t.Error("a descriptor that is not open was identified")
	}
}

// A program on an overlay runs with the identity that Identify gives.
func TestIdentifyOnOverlay(t *testing.T) {
	f, _ := gatedJail(t)
	dir := overlay(t)
	speak := writeProgram(t, filepath.Join(dir, "speak"), speaker())
	file, err := os.OpenFile(speak, unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	id, err := f.probes.Identify(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("stat %+v, kernel %+v", statID(t, speak), id)
	g := startGated(t, f, "spawn", "1", speak, "x")
	out := g.serve(func(call notify.Call) {
		tok := f.token(call.TID, []string{speak, "x"}, gatedEnv, speak)
		tok.Files[0] = id
		g.allow(call, tok)
	})
	if out != "xexit 0\n" {
		t.Errorf("got %q", out)
	}
}

// overlay mounts one, seen by nobody else, and returns a path to it that works
// from everywhere: through a thread that has it in its namespace.
func overlay(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	mounted, leave, done := make(chan error), make(chan struct{}), make(chan struct{})
	var path string
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends, and its mounts
		mounted <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
				return err
			}
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			// Upper directories cannot be on every file system; on tmpfs they can.
			if err := unix.Mount("tmpfs", base, "tmpfs", 0, ""); err != nil {
				return err
			}
			for _, d := range []string{"lower", "upper", "work", "merged"} {
				if err := os.Mkdir(filepath.Join(base, d), 0o755); err != nil {
					return err
				}
			}
			o := "lowerdir=" + base + "/lower,upperdir=" + base + "/upper,workdir=" + base + "/work"
			if err := unix.Mount("overlay", base+"/merged", "overlay", 0, o); err != nil {
				return err
			}
			fd, err := unix.Open(base+"/merged", unix.O_PATH|unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { unix.Close(fd) })
			path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
			return nil
		}()
		<-leave
	}()
	if err := <-mounted; err != nil {
		t.Fatalf("overlay: %v", err)
	}
	t.Cleanup(func() { close(leave); <-done })
	return path
}
