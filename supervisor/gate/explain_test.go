package gate

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"clawjail/supervisor/approval"
)

func TestRefusal(t *testing.T) {
	long := strings.Repeat("\x1b", 2<<20)
	for _, tt := range []struct {
		name, want string
		o          Outcome
	}{
		{"a program", "clawjail: refused: git push \"a b\": by exec.rules[0], critical (p.yaml:8)\n",
			Outcome{Op: "exec", Path: "/usr/bin/git", Argv: []string{"git", "push", "a b"}, Rule: "exec.rules[0], critical (p.yaml:8)"}},
		{"with what a human said", "clawjail: refused: open /w/docs/x: by files[1]: denied: rejected by root (not today)\n",
			Outcome{Op: "open", Path: "/w/docs/x", Rule: "files[1]", Message: "unused",
				Decision: &approval.Decision{Outcome: approval.Rejected, By: approval.By{Name: "root"}, Reason: "not today"}}},
		{"with what went wrong", "clawjail: refused: unlink /w/a: by delete: the limit of deletions is reached\n",
			Outcome{Op: "unlink", Path: "/w/a", Rule: "delete", Message: "the limit of deletions is reached"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := refusal(tt.o); got != tt.want {
				t.Errorf("%q", got)
			}
		})
	}
	got := refusal(Outcome{Op: "exec", Argv: []string{"a\nclawjail: allowed", long}, Path: long, Rule: long, Message: long})
	if len(got) > maxExplained+1 || strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestTheSameIsSaidOnce(t *testing.T) {
	var l lastSaid
	now := time.Now()
	for i, tt := range []struct {
		s     said
		after time.Duration
		want  bool
	}{{said{1, "a"}, 0, true}, {said{1, "a"}, 0, false}, {said{2, "a"}, 0, true}, {said{2, "b"}, 0, true}, {said{2, "b"}, saidFor, true}} {
		now = now.Add(tt.after)
		if got := l.first(tt.s, now); got != tt.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

func pair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return ours, theirs
}

func heard(t *testing.T, r io.Reader) {
	t.Helper()
	b := make([]byte, 16)
	if n, err := r.Read(b); err != nil || string(b[:n]) != "line\n" {
		t.Errorf("%q, %v", b[:n], err)
	}
}

func TestSay(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := say(int(w.Fd()), "line\n"); err != nil {
		t.Fatal(err)
	}
	heard(t, r)

	a, b := pair(t)
	if err := say(int(a.Fd()), "line\n"); err != nil {
		t.Fatal(err)
	}
	heard(t, b)

	path := filepath.Join(t.TempDir(), "err")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := say(int(f.Fd()), "line\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "line\n" {
		t.Errorf("%q", got)
	}
	if err := f.Truncate(maxExplainedTo + 1); err != nil {
		t.Fatal(err)
	}
	if err := say(int(f.Fd()), "line\n"); !errors.Is(err, errNoStderr) {
		t.Errorf("into a large file: %v", err)
	}
}

// The program's own writes go on as they were: that a description does not
// block is shared with it.
func TestSayChangesNothing(t *testing.T) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	if err := say(p[1], "line\n"); err != nil {
		t.Fatal(err)
	}
	if flags, err := unix.FcntlInt(uintptr(p[1]), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %#x, %v", flags, err)
	}
}

// Nothing waits for a reader, and nothing is written where root counts.
func TestSayNowhere(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if err := say(int(r.Fd()), "line\n"); !errors.Is(err, errNoStderr) {
		t.Errorf("into the end that reads: %v", err)
	}
	for err = nil; err == nil; {
		err = say(int(w.Fd()), "line\n")
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Errorf("into a full pipe: %v", err)
	}
	a, b := pair(t)
	for err = nil; err == nil; {
		err = say(int(a.Fd()), "line\n")
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Errorf("into a full socket: %v", err)
	}
	_ = b.Close()
	if err := say(int(a.Fd()), "line\n"); err == nil {
		t.Errorf("to nobody: %v", err)
	}
	proc, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	null, err := os.OpenFile("/dev/null", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for name, f := range map[string]*os.File{"a file of /proc": proc, "a device": null, "a socket with a name": named(t)} {
		if err := say(int(f.Fd()), "line\n"); !errors.Is(err, errNoStderr) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// named is a connection to somebody who listens.
func named(t *testing.T) *os.File {
	t.Helper()
	addr := &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(l) })
	if err := errors.Join(unix.Bind(l, addr), unix.Listen(l, 1), unix.Connect(c, addr)); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(c), "c")
	t.Cleanup(func() { _ = f.Close() })
	return f
}
