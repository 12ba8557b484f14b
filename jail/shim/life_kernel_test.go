//go:build kernel

package shim_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/shim"
)

func TestStatusIsTheCommandsOwn(t *testing.T) {
	for _, c := range []struct {
		script string
		exit   shim.Exit
	}{
		{"exit 0", shim.Exit{}},
		{"exit 7", shim.Exit{Code: 7}},
		{"kill -TERM $$", shim.Exit{Code: 143, Signal: 15}},
		{"kill -KILL $$", shim.Exit{Code: 137, Signal: 9}},
		{"kill -ABRT $$", shim.Exit{Code: 134, Signal: 6}},
	} {
		if _, exit := run(t, sh(t, c.script)); exit != c.exit {
			t.Errorf("%s: %+v, want %+v", c.script, exit, c.exit)
		}
	}
}

// started is a running jail whose output can be read line by line.
type started struct {
	h   *shim.Handle
	c   *shim.Created
	out *bufio.Scanner
	in  *os.File
}

func launch(t *testing.T, s jail.Spec) *started {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{In: inR, Out: outW, Err: outW})
	inR.Close()
	outW.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		c.Close()
		inW.Close()
		outR.Close()
	})
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return &started{h: h, c: c, out: bufio.NewScanner(outR), in: inW}
}

// line is the next line of output, which says that the jail has come so far.
func (s *started) line(t *testing.T, want string) {
	t.Helper()
	if !s.out.Scan() {
		t.Fatalf("no more output, want %q", want)
	}
	if s.out.Text() != want {
		t.Fatalf("output %q, want %q", s.out.Text(), want)
	}
}

func (s *started) wait(t *testing.T) shim.Exit {
	t.Helper()
	exit, err := s.h.Wait(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

func TestNothingRunsBeforeGo(t *testing.T) {
	s := sh(t, "touch /work/ran")
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	g, err := jail.OpenCgroup(c.CgroupPath)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if pids, err := g.Procs(); err != nil || len(pids) != 1 || pids[0] != c.InitPID || g.ID() != c.CgroupID {
		t.Errorf("cgroup %d holds %v (%v), want %d with %d", g.ID(), pids, err, c.CgroupID, c.InitPID)
	}
	if len(c.Filter) == 0 || len(c.Filter)%8 != 0 {
		t.Errorf("filter of %d bytes", len(c.Filter))
	}
	h.Close()
	if _, err := os.Stat(filepath.Join(workspace(s), "ran")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the command ran without Go: %v", err)
	}
	nothingLeft(t, s, c)
}

func TestOrphansAreReapedAndEndWithTheJail(t *testing.T) {
	// The grandchild outlives its parent and becomes an orphan; the second
	// lives on in a session of its own.
	s := launch(t, sh(t, `(sh -c 'exit 3' & ) ; setsid sleep 1000 >/dev/null 2>&1 & read x; while test $(ls /proc | grep -c '^[0-9]') -gt 5; do :; done; echo reaped; exit 5`))
	fmt.Fprintln(s.in)
	// The shell, its subshell, the sleep, ls and grep, and in the end no zombie.
	s.line(t, "reaped")
	if exit := s.wait(t); exit.Code != 5 {
		t.Errorf("%+v", exit)
	}
}

func TestKillEndsEverything(t *testing.T) {
	s := launch(t, sh(t, `trap '' TERM INT HUP; sleep 1000 & setsid sleep 1000 & echo up; wait`))
	s.line(t, "up")
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if exit := s.wait(t); exit.Signal != int(unix.SIGKILL) || exit.WallClock || exit.OOMKilled {
		t.Errorf("%+v", exit)
	}
}

func TestSignalsArrive(t *testing.T) {
	s := launch(t, sh(t, `trap 'echo got' HUP; trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.01; done`))
	s.line(t, "up")
	for _, c := range []struct {
		sig  unix.Signal
		want string
	}{{unix.SIGHUP, "got"}, {unix.SIGTERM, "bye"}} {
		if err := s.h.Signal(ctx(t), c.sig); err != nil {
			t.Fatal(err)
		}
		s.line(t, c.want)
	}
	if exit := s.wait(t); exit.Code != 9 {
		t.Errorf("%+v", exit)
	}
	if err := s.h.Signal(ctx(t), unix.SIGTERM); !errors.Is(err, shim.ErrClosed) {
		t.Errorf("signal after the end: %v", err)
	}
}

func TestWallClock(t *testing.T) {
	s := newSpec(t, "/bin/sleep", "1000")
	s.Limits.Wall = 50 * time.Millisecond
	if _, exit := run(t, s); !exit.WallClock || exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v", exit)
	}
}

func TestMemoryLimit(t *testing.T) {
	const limit = 32 << 20
	s := newSpec(t, "/usr/bin/head", "-c", "128M", "/dev/zero") // streams
	s.Limits.MemoryBytes = limit
	if _, exit := run(t, s); exit.OOMKilled {
		t.Errorf("a stream was killed: %+v", exit)
	}
	s = sh(t, `exec tail /dev/zero`) // keeps everything
	s.Limits.MemoryBytes = limit
	if _, exit := run(t, s); !exit.OOMKilled || exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v", exit)
	}
}

func TestLimits(t *testing.T) {
	s := sh(t, `ulimit -n; ulimit -c; ulimit -l; for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo not reached`)
	s.Limits = jail.Limits{OpenFiles: 77, MemlockBytes: 64 << 10, Pids: 6, CPUs: 0.5}
	out, exit := run(t, s)
	if !strings.HasPrefix(out, "77\n0\n64\n") || !strings.HasSuffix(out, "Cannot fork") || exit.Code == 0 {
		t.Errorf("%q %+v", out, exit)
	}
	s = sh(t, `exec 2>/dev/null; head -c 20000 /dev/zero >f; echo $?; stat -c %s f`)
	s.Limits.FileSizeBytes = 10 << 10
	want(t, s, "153\n10240")
	s = sh(t, `head -c 2000000 /dev/zero >/tmp/f 2>/dev/null || stat -c %s /tmp/f`)
	s.Limits.TmpBytes = 1 << 20
	want(t, s, "1048576")
}

func TestCgroupHoldsTheLimits(t *testing.T) {
	spec := newSpec(t, "/bin/sleep", "1000")
	spec.Limits = jail.Limits{MemoryBytes: 64 << 20, CPUs: 0.5, Pids: 9}
	s := launch(t, spec)
	h, err := jail.FindHierarchies()
	if err != nil {
		t.Fatal(err)
	}
	read := func(v1, v2 string) string {
		for _, root := range append(h.V1, h.Unified) {
			for _, name := range []string{v1, v2} {
				if b, err := os.ReadFile(filepath.Join(root, parent, spec.ID, name)); err == nil {
					return strings.TrimSpace(string(b))
				}
			}
		}
		return "missing"
	}
	if got := read("memory.limit_in_bytes", "memory.max"); got != strconv.Itoa(64<<20) {
		t.Errorf("memory limit %s", got)
	}
	if got := read("pids.max", "pids.max"); got != "9" {
		t.Errorf("pids limit %s", got)
	}
	if got := read("cpu.cfs_quota_us", "cpu.max"); got != "50000" && got != "50000 100000" {
		t.Errorf("cpu quota %s", got)
	}
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}

func TestFreezeAndThaw(t *testing.T) {
	s := launch(t, sh(t, `i=0; echo up; while read x; do echo $x; done & while :; do :; done`))
	s.line(t, "up")
	g, err := jail.OpenCgroup(s.c.CgroupPath)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if err := g.Freeze(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if frozen, err := g.Frozen(); err != nil || !frozen {
		t.Errorf("frozen %v, %v", frozen, err)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	// A frozen jail can be killed.
	if err := g.Freeze(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if exit := s.wait(t); exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v", exit)
	}
}

func TestFreezeGivesUpWithItsContext(t *testing.T) {
	s := launch(t, newSpec(t, "/bin/sleep", "1000"))
	g, err := jail.OpenCgroup(s.c.CgroupPath)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c, cancel := context.WithCancel(context.Background())
	cancel()
	// Either the state was reached before the first look, or the context counts.
	if err := g.Freeze(c); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := g.AwaitEmpty(c); !errors.Is(err, context.Canceled) {
		t.Errorf("wait for an empty cgroup: %v", err)
	}
}

func TestStdioIsExact(t *testing.T) {
	s := launch(t, sh(t, `echo err >/dev/stderr; echo out >/dev/stdout; wc -c`))
	s.line(t, "err") // opened anew by the jail's user
	s.line(t, "out")
	block := bytes.Repeat([]byte{0, 1, 2, 255}, 1<<18)
	for range 64 {
		if _, err := s.in.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	s.in.Close()
	s.line(t, strconv.Itoa(64*len(block)))
	if exit := s.wait(t); exit.Code != 0 {
		t.Errorf("%+v", exit)
	}
}

func TestTerminal(t *testing.T) {
	s := sh(t, `tty; stty size; stat -c %u:%g:%a $(tty); read x; stty size; echo "got $x"; exec sleep 1000`)
	s.Terminal = true
	h, c, err := shim.Start(ctx(t), binaries.shim, s, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	defer c.Close()
	if err := h.Resize(ctx(t), 33, 77); err != nil {
		t.Fatal(err)
	}
	if err := h.Go(ctx(t)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(c.PTY)
	next := func(want string) {
		t.Helper()
		if !in.Scan() || strings.TrimSpace(in.Text()) != want {
			t.Fatalf("terminal says %q (%v), want %q", in.Text(), in.Err(), want)
		}
	}
	next("/dev/pts/0")
	next("33 77")
	next("54321:54322:600")
	if err := h.Resize(ctx(t), 24, 80); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c.PTY, "hello\n"); err != nil {
		t.Fatal(err)
	}
	next("hello") // the echo
	next("24 80")
	next("got hello")
	// Ctrl-C reaches a program without a handler.
	if _, err := c.PTY.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGINT) {
		t.Errorf("%+v, %v", exit, err)
	}
}
