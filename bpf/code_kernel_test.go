//go:build kernel

package bpf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
)

// victimCode maps a program, and its own, in all ways that make code of a file.
func victimCode(path string) int {
	for _, name := range []string{path, "/proc/self/exe"} {
		fd, err := unix.Open(name, unix.O_RDONLY, 0)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		const size = 4096
		for _, flags := range []int{unix.MAP_PRIVATE, unix.MAP_SHARED} {
			fmt.Println("mmap", try(func() error {
				_, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_EXEC, flags)
				return err
			}))
			fmt.Println("mprotect", try(func() error {
				b, err := unix.Mmap(fd, 0, size, unix.PROT_READ, flags)
				if err != nil {
					return err
				}
				return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC)
			}))
		}
		fmt.Println("read", try(func() error {
			_, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
			return err
		}))
	}
	return 0
}

// TestClosedCodeIsNotMapped: a program that is closed is code for nobody but
// itself, in its jail, under any name.
func TestClosedCodeIsNotMapped(t *testing.T) {
	p := loadProbes(t, Options{})
	f, other := newFixture(t, p, jailConfig()), newFixture(t, p, jailConfig())
	dir := t.TempDir()
	program := writeProgram(t, filepath.Join(dir, "program"), speaker())
	if err := os.Link(program, filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	if p.Tier() == TierNotify {
		if err := f.jail.CloseCode(FileID{Dev: 1, Ino: 1}); !errors.Is(err, ErrNoLSM) {
			t.Errorf("without LSM hooks: %v", err)
		}
		return
	}
	for _, name := range []string{program, "/proc/self/exe"} {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		id, err := p.Identify(file)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // again is no error
			if err := f.jail.CloseCode(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	const own = "mmap ok\nmprotect ok\nmmap ok\nmprotect ok\nread ok\n"
	refused := strings.ReplaceAll(own, "mmap ok\nmprotect ok", "mmap EPERM\nmprotect EPERM") + own
	for name, want := range map[string]string{program: refused, filepath.Join(dir, "linked"): refused, "/bin/true": own + own} {
		if out, _ := f.victim("code", name); out != want {
			t.Errorf("%s: %q, want %q", name, out, want)
		}
	}
	if out, _ := other.victim("code", program); out != own+own {
		t.Errorf("another jail: %q", out)
	}
	_, pid := f.victim("code", program)
	refusals := 0
	for _, e := range until(t, p, "the end of the victim", exitOf(pid)) {
		if e.Class == wire.ExecRefused && int(e.Pid) == pid {
			refusals++
			if e.Path != program || e.Reason != wire.Mapped || !e.Denied || e.Killed || e.Ret != -int32(unix.EPERM) {
				t.Errorf("event %+v", e)
			}
		}
	}
	if refusals != 4 {
		t.Errorf("%d refusals were told of, want 4", refusals)
	}
	if err := f.jail.Close(); err != nil {
		t.Fatal(err)
	}
	if out, _ := f.run(f.command(f.cgroup, []string{"BPF_VICTIM=code"}, "/proc/self/exe", program)); out != own+own {
		t.Errorf("after the jail: %q", out)
	}
}
