//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with a program at its other end, and what that
// has printed.
type terminal struct {
	t    *testing.T
	pty  *os.File
	tty  *os.File
	cmd  *exec.Cmd
	read chan []byte
	seen bytes.Buffer
}

// atTerminal starts the CLI as a person would: a session of its own, the
// terminal at all three streams.
func atTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(pty.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(pty.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, pty: pty, tty: tty, read: make(chan []byte, 64)}
	x.resize(24, 80)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	x.cmd = command(t, ctx, args...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(x.read)
		for {
			b := make([]byte, 4096)
			n, err := pty.Read(b)
			if err != nil {
				return
			}
			x.read <- b[:n]
		}
	}()
	t.Cleanup(func() { cancel(); _ = tty.Close(); _ = pty.Close() })
	return x
}

func (x *terminal) resize(rows, cols uint16) {
	x.t.Helper()
	if err := unix.IoctlSetWinsize(int(x.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *terminal) typed(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.pty, keys); err != nil {
		x.t.Fatal(err)
	}
}

// shows waits until what came since the last call matches, and takes it.
func (x *terminal) shows(pattern string) {
	x.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(time.Minute)
	for {
		if loc := re.FindIndex(x.seen.Bytes()); loc != nil {
			x.seen.Next(loc[1])
			return
		}
		select {
		case b, ok := <-x.read:
			if !ok {
				x.t.Fatalf("%q did not come: %q", pattern, x.seen.String())
			}
			x.seen.Write(b)
		case <-late:
			x.t.Fatalf("%q did not come: %q", pattern, x.seen.String())
		}
	}
}

func (x *terminal) ends(code int) {
	x.t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); _ = x.cmd.Wait() }()
	for more := true; more; {
		select {
		case b := <-x.read:
			x.seen.Write(b)
		case <-ended:
			more = false
		}
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit %d, not %d: %q", got, code, x.seen.String())
	}
}

// mode is how the terminal treats what is typed.
func (x *terminal) mode() unix.Termios {
	x.t.Helper()
	m, err := unix.IoctlGetTermios(int(x.tty.Fd()), unix.TCGETS)
	if err != nil {
		x.t.Fatal(err)
	}
	return *m
}

// TestTerminal: a shell in a jail is one at a terminal, with its size, its
// resizes, ^C, ^Z and job control; afterwards the caller's terminal is as it was.
func TestTerminal(t *testing.T) {
	x := atTerminal(t, "run", "--workspace", workspace(t), "--env", "PS1=READY> ", "--", "bash", "--norc", "-i")
	before := x.mode()
	x.shows(`READY> `)
	x.typed("tty; stty size\r")
	x.shows(`/dev/pts/\d+\r\n24 80\r\n`)
	x.shows(`READY> `)
	x.typed("sh -c 'trap \"stty size; exit\" WINCH; echo be''gun; while :; do sleep 0.05; done'\r")
	x.shows(`begun\r\n`)
	x.resize(40, 100)
	x.shows(`40 100\r\n`)
	x.shows(`READY> `)
	// What prints is in the foreground: the shell has given it the terminal.
	x.typed("sh -c 'echo be''gun; exec sleep 1000'\r")
	x.shows(`begun\r\n`)
	x.typed("\x1a") // ^Z
	x.shows(`Stopped .*sleep 1000'\r\n`)
	x.shows(`READY> `)
	x.typed("bg; jobs\r")
	x.shows(`Running .*sleep 1000`)
	x.shows(`READY> `)
	x.typed("kill %1; wait; jobs; echo no''ne\r")
	x.shows(`none\r\n`)
	x.shows(`READY> `)
	x.typed("sh -c 'echo be''gun; exec sleep 1000'\r")
	x.shows(`begun\r\n`)
	x.typed("\x03") // ^C
	x.shows(`READY> `)
	x.typed("echo \"code $?\"\r")
	x.shows(`code 130`)
	x.typed("exit 7\r")
	x.ends(7)
	if after := x.mode(); after != before {
		t.Errorf("the terminal's mode was %+v and is %+v", before, after)
	}
}

// TestExecAtTerminal: the same for a command added to a jail.
func TestExecAtTerminal(t *testing.T) {
	j := detached(t, run{Workspace: workspace(t), Argv: []string{"sleep", "1000"}})
	x := atTerminal(t, "exec", "--env", "PS1=READY> ", j.Name, "--", "bash", "--norc", "-i")
	x.shows(`READY> `)
	x.resize(30, 90)
	x.typed("until [ \"$(stty size)\" = \"30 90\" ]; do sleep 0.05; done; echo resi''zed\r")
	x.shows(`resized\r\n`)
	x.typed("sh -c 'echo be''gun; exec sleep 1000'\r")
	x.shows(`begun\r\n`)
	x.typed("\x1a")
	x.shows(`Stopped`)
	x.shows(`READY> `)
	x.typed("bg\r")
	x.shows(`READY> `)
	x.typed("kill %1; wait; exit 9\r")
	x.ends(9)
}

// running starts a jail in the foreground and waits for its first line.
func running(t *testing.T, script string) (*exec.Cmd, io.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	c := command(t, ctx, "run", "--workspace", workspace(t), "--", "sh", "-c", script)
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	next(t, stdout, "started\n")
	return c, stdout
}

// next reads as many bytes and compares them.
func next(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; not %q", b, err, want)
	}
}

// TestSecondInterruptKills what does not end at the first.
func TestSecondInterruptKills(t *testing.T) {
	c, stdout := running(t, "trap 'echo once' INT; echo started; while :; do sleep 0.05; done")
	for _, step := range []string{"once\n", ""} {
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		next(t, stdout, step)
	}
	_, _ = io.Copy(io.Discard, stdout)
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != 137 {
		t.Errorf("exit %d", got)
	}
}

// TestFullPipe: a reader that does not read stops the jail, and nothing else;
// killing works, and what was written before is all there.
func TestFullPipe(t *testing.T) {
	dir := workspace(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stderr strings.Builder
	c := command(t, ctx, "run", "--name", "fullpipe", "--workspace", dir, "--", "sh", "-c", "echo > started; exec yes")
	c.Stdout, c.Stderr = w, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	eventually(t, "the pipe is full", func() bool {
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		return err == nil && n >= 64<<10
	})
	j := inspect(t, "fullpipe")
	if o := jail(t, run{Workspace: dir, Argv: []string{"echo", "others"}}); o.Stdout != "others\n" {
		t.Errorf("another jail: %v", o)
	}
	if o := clawjail(t, run{}, "kill", "fullpipe"); o.Code != 0 {
		t.Errorf("kill: %v", o)
	}
	waitGone(t, j.Cgroup)
	out, err := io.ReadAll(r)
	_ = c.Wait()
	if err != nil || len(out) < 64<<10 || strings.Trim(string(out), "y\n") != "" {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	if got := c.ProcessState.ExitCode(); got != 137 || !strings.Contains(stderr.String(), "killed by uid 0") {
		t.Errorf("exit %d: %s", got, stderr.String())
	}
}
