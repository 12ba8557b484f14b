//go:build kernel

package hook

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// shell runs a script as root wrote it.
func shell(script string) Command {
	return Command{Argv: []string{"/bin/sh", "-c", script}, Timeout: 30 * time.Second}
}

func TestResult(t *testing.T) {
	c := shell(`id -u; grep NoNewPrivs /proc/self/status; env | sort; cat; exit 3`)
	c.Input, c.Env = []byte("in\x1b[2J\n"), []string{"A=b"}
	r := Run(t.Context(), c)
	want := "65534\nNoNewPrivs:\\t1\nA=b\nLANG=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nin\\x1b[2J"
	if r.Exit != 3 || r.Error != "exit code 3" || r.Output != want {
		t.Errorf("%+v\nwant %s", r, want)
	}
	c = shell("id -u")
	c.User = "root"
	if r := Run(t.Context(), c); !r.OK() || r.Output != "0" {
		t.Errorf("as root: %+v", r)
	}
}

// A command that hangs is killed, with all that it started and whoever holds
// its output.
func TestHangs(t *testing.T) {
	c := shell(`setsid sleep 1000 & setsid sh -c 'trap "" TERM; sleep 1000' & echo $$; while :; do sleep 1000; done`)
	c.Timeout = 5 * time.Second // a slow machine needs a part of it to start at all
	r := Run(t.Context(), c)
	if !r.TimedOut || r.Exit != 137 || r.Error != "killed after 5s" {
		t.Errorf("%+v", r)
	}
	if err := unix.Access("/proc/"+r.Output, unix.F_OK); err == nil {
		t.Errorf("process %s is there still", r.Output)
	}
}

// What a command leaves in the background does not outlive it, and does not
// keep it.
func TestBackground(t *testing.T) {
	c := shell(`setsid sleep 1000 & echo $!`)
	c.Timeout = 10 * time.Minute
	r := Run(t.Context(), c)
	if !r.OK() {
		t.Fatalf("%+v", r)
	}
	b, err := os.ReadFile("/proc/" + r.Output + "/comm")
	if err == nil && strings.TrimSpace(string(b)) == "sleep" {
		t.Errorf("process %s is there still", r.Output)
	}
}

// A command that floods its output is read to its end, and little is kept.
func TestFloods(t *testing.T) {
	r := Run(t.Context(), shell(`head -c 50000000 /dev/zero; echo end >&2`))
	if !r.OK() || !r.Truncated || len(r.Output) > 4*MaxOutput {
		t.Errorf("%+v", Result{Exit: r.Exit, Error: r.Error, Truncated: r.Truncated})
	}
	c := shell(`yes`)
	c.Timeout = 5 * time.Second // a slow machine needs a part of it to start at all
	if r := Run(t.Context(), c); !r.TimedOut || !r.Truncated {
		t.Errorf("for ever: %v %v", r.TimedOut, r.Truncated)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Run(ctx, shell("sleep 1000")); r.OK() {
		t.Errorf("%+v", r)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name string
		c    Command
		want string
	}{
		{"a program that others can write", Command{Argv: []string{write("open", 0o757)}, Timeout: time.Second}, "can be written by everybody"},
		{"a relative path", Command{Argv: []string{"sh"}, Timeout: time.Second}, "without an absolute path"},
		{"no time", Command{Argv: []string{"/bin/true"}}, "a time"},
		{"a program that is not there", Command{Argv: []string{"/bin/none-of-that-name"}, Timeout: time.Second}, "no such file"},
		{"a user that is not there", Command{Argv: []string{"/bin/true"}, User: "none-of-that-name", Timeout: time.Second}, "unknown user"},
		{"no program at all", Command{Argv: []string{write("data", 0o644)}, Timeout: time.Second}, "permission denied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if r := Run(t.Context(), tt.c); !strings.Contains(r.Error, tt.want) || r.Exit != -1 {
				t.Errorf("%+v, want %q", r, tt.want)
			}
		})
	}
}

// Nothing of a command stays in the cgroup hierarchy.
func TestCgroupIsGone(t *testing.T) {
	r := Run(t.Context(), shell("cat /proc/self/cgroup"))
	var path string
	for line := range strings.Lines(r.Output) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			path = p
		}
	}
	if !strings.Contains(path, "/"+cgroupParent+"/") {
		t.Fatalf("it ran in %q", r.Output)
	}
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(fmt.Sprintf("%s/%s/%s", mount, cgroupParent, filepath.Base(path))); err == nil {
			t.Errorf("%s is there still", path)
		}
	}
}
