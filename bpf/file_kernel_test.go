//go:build kernel

package bpf

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"clawjail/bpf/wire"
)

// describe is what matters of a file event, with dir for the directory.
func describe(e wire.Event, dir string) string {
	short := func(s string) string { return strings.ReplaceAll(s, dir, "DIR") }
	s := fmt.Sprintf("%s %s", e.Class, short(e.Path))
	if e.Path2 != "" {
		s += " -> " + short(e.Path2)
	}
	if e.Dir {
		s += " dir"
	}
	if !e.PathExact {
		s += " as written"
	}
	if e.Ret != 0 {
		s += " " + unix.ErrnoName(unix.Errno(-e.Ret))
	}
	return s
}

func fileEvents(events []wire.Event, pid int, dir string) []string {
	var got []string
	for _, e := range events {
		switch e.Class {
		case wire.OpenWrite, wire.Unlink, wire.Rename, wire.Truncate, wire.Open:
			ours := strings.HasPrefix(e.Path, dir) || strings.HasPrefix(e.Path, "/nowhere") ||
				strings.HasPrefix(e.Path, "/sys/nothing") || e.Class != wire.Open
			if int(e.Pid) == pid && ours {
				got = append(got, describe(e, dir))
			}
		}
	}
	return got
}

func TestFileEvents(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	dir := t.TempDir()
	out, pid := f.victim("files", dir)
	if !strings.HasPrefix(out, "no such file or directory\n") {
		t.Fatalf("victim: %s", out)
	}
	got := fileEvents(until(t, p, "exit", exitOf(pid)), pid, dir)
	want := []string{
		"open_write DIR/made",
		"truncate DIR/made",
		"truncate DIR/made as written",
		"open_write DIR/made", // through a symlink
		"rename DIR/made -> DIR/moved as written",
		"rename DIR/moved -> DIR/again as written",
		"unlink DIR/again as written",
		"unlink DIR/sub dir as written",
		"open /nowhere/secret as written ENOENT",
		"open_write /sys/nothing as written EACCES",
	}
	if p.Tier() == TierLSM {
		for i, s := range want[:8] {
			want[i] = strings.TrimSuffix(s, " as written")
		}
	}
	for i, s := range got {
		// The errno depends on how sysfs is mounted.
		if strings.HasPrefix(s, "open_write /sys/nothing") {
			got[i] = "open_write /sys/nothing as written EACCES"
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("file events (-want +got):\n%s", d)
	}
}

func TestFailedReadsAndFilesCanBeLeftOut(t *testing.T) {
	p := loadProbes(t, Options{})
	quiet := jailConfig()
	quiet.FailedReads = false
	none := jailConfig()
	none.NoFiles = true
	for name, c := range map[string]JailConfig{"quiet": quiet, "none": none} {
		f := newFixture(t, p, c)
		dir := t.TempDir()
		_, pid := f.victim("files", dir)
		got := strings.Join(fileEvents(until(t, p, "exit", exitOf(pid)), pid, dir), "\n")
		if strings.Contains(got, "secret") || (got == "") != (name == "none") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestDeepPathsAreFlagged(t *testing.T) {
	p := loadProbes(t, Options{})
	f := newFixture(t, p, jailConfig())
	root := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(here)
	if err := os.Chdir(root); err != nil {
		t.Fatal(err)
	}
	// 20 names of 250 bytes are more than a path may have in one call.
	name := strings.Repeat("n", 250)
	for range 20 {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chdir(name); err != nil {
			t.Fatal(err)
		}
	}
	_, pid := f.inside("/usr/bin/touch", "leaf")
	e := only(t, until(t, p, "exit", exitOf(pid)), wire.OpenWrite, pid)
	if !e.PathTruncated || e.PathExact || !strings.HasSuffix(e.Path, name+"/leaf") {
		t.Errorf("truncated %v exact %v path of %d bytes", e.PathTruncated, e.PathExact, len(e.Path))
	}
}
