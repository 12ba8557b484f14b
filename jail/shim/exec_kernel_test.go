//go:build kernel

package shim_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail/shim"
)

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// enter runs a further process and returns what it wrote.
func (s *started) enter(t *testing.T, spec shim.ExecSpec) (string, shim.Exit, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := s.h.Exec(ctx(t), spec, shim.Stdio{Out: w, Err: w})
	w.Close()
	if err != nil {
		return "", shim.Exit{}, err
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	exit, err := p.Wait(ctx(t))
	return string(bytes.TrimSpace(b)), exit, err
}

func TestExecIsInTheSameJail(t *testing.T) {
	s := launch(t, sh(t, "echo up; exec sleep 1000"))
	s.line(t, "up")
	status := `grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -d '\t '; `
	ns := "for n in cgroup ipc mnt net pid user uts; do readlink /proc/$P/ns/$n; done; cat /proc/$P/cgroup"
	env := []string{"PATH=/usr/bin:/bin"}
	inner, exit, err := s.enter(t, shim.ExecSpec{Argv: []string{"/bin/sh", "-c", status + "P=self; " + ns + "; exit 6"}, Env: env, Cwd: "/work"})
	if err != nil || exit.Code != 6 {
		t.Fatalf("%+v, %v", exit, err)
	}
	// Seen from the jail, the command is pid 2 or so: find it by name.
	first, _, err := s.enter(t, shim.ExecSpec{Argv: []string{"/bin/sh", "-c", status + "P=$(pidof -s sleep || grep -lx sleep /proc/[0-9]*/comm | head -1 | cut -d/ -f3); " + ns}, Env: env, Cwd: "/"})
	if err != nil || first != inner {
		t.Errorf("exec:\n%s\ncommand:\n%s\n%v", inner, first, err)
	}
	if !strings.Contains(inner, "CapBnd:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1\nSeccomp:2") {
		t.Errorf("%s", inner)
	}
	if nice, _, err := s.enter(t, shim.ExecSpec{Argv: []string{"nice"}, Env: env, Cwd: "/"}); err != nil || nice != "0" {
		t.Errorf("priority %s, %v", nice, err)
	}
	if _, _, err := s.enter(t, shim.ExecSpec{Argv: []string{"nothing"}, Env: env, Cwd: "/"}); startError(t, err).ExitCode != 127 {
		t.Errorf("missing command: %v", err)
	}
	if _, _, err := s.enter(t, shim.ExecSpec{Argv: []string{"true"}, Env: env, Cwd: "/no"}); startError(t, err).ExitCode != 125 {
		t.Errorf("missing directory: %v", err)
	}
	if err := s.h.Kill(ctx(t)); err != nil {
		t.Fatal(err)
	}
	s.wait(t)
}

func TestExecEndsWithTheJail(t *testing.T) {
	s := launch(t, sh(t, "read x; exit 2"))
	p, err := s.h.Exec(ctx(t), shim.ExecSpec{Argv: []string{"/bin/sleep", "1000"}, Cwd: "/"}, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.h.Exec(ctx(t), shim.ExecSpec{Argv: []string{"/bin/sleep", "1000"}, Cwd: "/"}, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Signal(ctx(t), unix.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if exit, err := q.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGUSR1) {
		t.Errorf("%+v, %v", exit, err)
	}
	s.in.Close()
	if exit := s.wait(t); exit.Code != 2 {
		t.Errorf("%+v", exit)
	}
	if exit, err := p.Wait(ctx(t)); err != nil || exit.Signal != int(unix.SIGKILL) {
		t.Errorf("%+v, %v", exit, err)
	}
	if _, err := s.h.Exec(ctx(t), shim.ExecSpec{Argv: []string{"true"}, Cwd: "/"}, shim.Stdio{}); !errors.Is(err, shim.ErrClosed) {
		t.Errorf("exec after the end: %v", err)
	}
}

func TestExecBeforeGo(t *testing.T) {
	h, c, err := shim.Start(ctx(t), binaries.shim, newSpec(t, "/bin/true"), shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	defer c.Close()
	if _, err := h.Exec(ctx(t), shim.ExecSpec{Argv: []string{"true"}, Cwd: "/"}, shim.Stdio{}); err == nil {
		t.Error("exec before the probes are attached")
	}
}

func TestExecTerminal(t *testing.T) {
	s := launch(t, sh(t, "echo up; exec sleep 1000"))
	s.line(t, "up")
	p, err := s.h.Exec(ctx(t), shim.ExecSpec{
		Argv: []string{"/bin/sh", "-c", "read x; tty; stty size; stat -c %u $(tty)"}, Env: []string{"PATH=/bin"}, Cwd: "/", Terminal: true,
	}, shim.Stdio{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.PTY.Close()
	if err := p.Resize(ctx(t), 11, 22); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PTY.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, err = io.Copy(&out, p.PTY) // EIO when the last one has closed it
	if got := strings.Fields(out.String()); strings.Join(got, " ") != "/dev/pts/0 11 22 54321" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if exit, err := p.Wait(ctx(t)); err != nil || exit.Code != 0 {
		t.Errorf("%+v, %v", exit, err)
	}
}
