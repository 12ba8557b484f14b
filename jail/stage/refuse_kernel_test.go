//go:build kernel

package stage_test

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"clawjail/jail"
	"clawjail/jail/stage"
)

func TestWhatCannotStartIsNamed(t *testing.T) {
	dir := ownDir(t)
	plain := filepath.Join(dir, "plain")
	broken := filepath.Join(dir, "broken")
	for file, mode := range map[string]os.FileMode{plain: 0o644, broken: 0o755} {
		if err := os.WriteFile(file, []byte("no format"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*stage.Config)
		op     string
		path   string
		errno  unix.Errno
		exit   int
	}{
		{"no such command", func(c *stage.Config) { c.Argv = []string{"no-such"} }, "lookup", "no-such", unix.ENOENT, 127},
		{"no such path", func(c *stage.Config) { c.Argv = []string{"/no/such"} }, "lookup", "/no/such", unix.ENOENT, 127},
		{"no mode", func(c *stage.Config) { c.Argv = []string{plain} }, "lookup", plain, unix.EACCES, 126},
		{"a directory", func(c *stage.Config) { c.Argv = []string{dir} }, "lookup", dir, unix.EACCES, 126},
		{"only the working directory has it", func(c *stage.Config) {
			c.Cwd, c.Argv, c.Env = dir, []string{"broken"}, []string{"PATH=.::relative"}
		}, "lookup", "broken", unix.ENOENT, 127},
		{"no working directory", func(c *stage.Config) { c.Cwd = "/no/such" }, "chdir", "/no/such", unix.ENOENT, 125},
		{"a Landlock path is missing", func(c *stage.Config) {
			c.Landlock = append(c.Landlock, jail.PathRule{Path: "/no/such", Dir: true})
		}, "landlock", "/no/such", unix.ENOENT, 125},
		{"a Landlock directory is a file", func(c *stage.Config) {
			c.Landlock = append(c.Landlock, jail.PathRule{Path: plain, Dir: true})
		}, "landlock", plain, unix.ENOTDIR, 125},
		{"a newer Landlock than the kernel's", func(c *stage.Config) { c.LandlockABI = 1000 }, "landlock", "", unix.EOPNOTSUPP, 125},
		{"a filter that jumps out", func(c *stage.Config) { c.Filter = []byte{5, 0, 0, 0, 9, 0, 0, 0} }, "seccomp", "", unix.EINVAL, 125},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config(t, dir, "true")
			c.change(&conf)
			m, status := start(t, conf).refusal(t)
			if m.Op != c.op || m.Path != c.path || unix.Errno(m.Errno) != c.errno || m.Exit != c.exit || status != c.exit {
				t.Errorf("got %+v with status %d, want %s %q, %v, %d", m, status, c.op, c.path, c.errno, c.exit)
			}
		})
	}
}

func TestExecFailureAfterRelease(t *testing.T) {
	dir := ownDir(t)
	broken := filepath.Join(dir, "broken")
	if err := os.WriteFile(broken, []byte("no format"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*stage.Config)
		errno  unix.Errno
		exit   int
	}{
		{"no known format", func(c *stage.Config) { c.Argv = []string{broken} }, unix.ENOEXEC, 126},
		{"no Landlock right to execute", func(c *stage.Config) {
			c.Landlock = []jail.PathRule{{Path: "/", Dir: true}}
		}, unix.EACCES, 126},
		{"arguments too long", func(c *stage.Config) {
			c.Argv = append(c.Argv, strings.Repeat("x", 200<<10))
		}, unix.E2BIG, 125},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config(t, dir, "true")
			c.change(&conf)
			l, _ := released(t, conf)
			m, status := l.refusal(t)
			if m.Op != "exec" || unix.Errno(m.Errno) != c.errno || m.Exit != c.exit || status != c.exit {
				t.Errorf("got %+v with status %d, want %v, %d", m, status, c.errno, c.exit)
			}
		})
	}
}

func TestNothingRunsWithoutTheWord(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(l *launched) error
	}{
		{"the shim hangs up", func(l *launched) error { return l.conn.CloseWrite() }},
		{"another word", func(l *launched) error { _, err := l.conn.Write([]byte("gone")); return err }},
		{"half the word", func(l *launched) error { _, err := l.conn.Write([]byte("g")); return err }},
		{"the word with a descriptor", func(l *launched) error {
			_, _, err := l.conn.WriteMsgUnix([]byte("go"), unix.UnixRights(0), nil)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			mark := filepath.Join(ownDir(t), "mark")
			l := start(t, config(t, filepath.Dir(mark), "touch", mark))
			m, listener, err := stage.Await(l.conn)
			if err != nil || m.Type != "ready" {
				t.Fatal(m, err)
			}
			defer listener.Close()
			if err := c.do(l); err != nil {
				t.Fatal(err)
			}
			if m, status := l.refusal(t); status != 125 || m.Op != "control" {
				t.Errorf("status %d, %+v", status, m)
			}
			if _, err := os.Stat(mark); !os.IsNotExist(err) {
				t.Errorf("the command ran: %v", err)
			}
		})
	}
}

func TestTheShimDies(t *testing.T) {
	mark := filepath.Join(ownDir(t), "mark")
	l := start(t, config(t, filepath.Dir(mark), "touch", mark))
	_, listener, err := stage.Await(l.conn)
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	l.conn.Close()
	if status := l.wait(t); status != 125 {
		t.Errorf("status %d: %s", status, l.errOut.String())
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("the command ran: %v", err)
	}
}

func TestRootIsRefused(t *testing.T) {
	f, err := config(t, ownDir(t), "true").File()
	if err != nil {
		t.Fatal(err)
	}
	if m, status := launch(t, f, 0).refusal(t); status != 125 || m.Op != "privileges" {
		t.Errorf("status %d, %+v", status, m)
	}
}

func TestConfigMustBeSealed(t *testing.T) {
	b, err := config(t, ownDir(t), "true").Encode()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("open", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "open")
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if m, status := launch(t, f, nobody).refusal(t); status != 125 || m.Op != "config" {
		t.Errorf("status %d, %+v", status, m)
	}
}

func TestLandlockHoldsWhatItSays(t *testing.T) {
	dir := ownDir(t)
	noexec := ownDir(t) // the test user's own, so that only Landlock refuses
	if err := os.WriteFile(filepath.Join(noexec, "run"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := config(t, dir, "sh", "-c", `
		try() { if "$@" >/dev/null 2>&1; then echo "$* ok"; else echo "$* refused"; fi; }
		try touch in/new; try mv in/new in/moved; try rm in/moved; try mkfifo in/fifo
		try touch out/new; try ls out; try rm out/run; try mv out/run in/run; try ln -s x out/link
		try sh -c 'echo x >> out/run'; try out/run; try sh -c 'echo x > /dev/null'; try sh -c 'echo x > /dev/full'`)
	c.Cwd = binaries.dir
	for name, target := range map[string]string{"in": dir, "out": noexec} {
		link := filepath.Join(binaries.dir, name)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(link) })
	}
	c.Landlock = []jail.PathRule{
		{Path: dir, Write: true, Exec: true, Dir: true}, {Path: noexec, Dir: true}, {Path: "/dev/null", Write: true},
		{Path: "/usr", Exec: true, Dir: true}, {Path: "/etc", Dir: true},
	}
	if usrMerged, err := os.Readlink("/bin"); err != nil || usrMerged == "" {
		c.Landlock = append(c.Landlock, jail.PathRule{Path: "/bin", Exec: true, Dir: true}, jail.PathRule{Path: "/lib", Exec: true, Dir: true})
	}
	l, _ := released(t, c)
	l.wait(t)
	want := strings.TrimSpace(`
touch in/new ok
mv in/new in/moved ok
rm in/moved ok
mkfifo in/fifo ok
touch out/new refused
ls out ok
rm out/run refused
mv out/run in/run refused
ln -s x out/link refused
sh -c echo x >> out/run refused
out/run refused
sh -c echo x > /dev/null ok
sh -c echo x > /dev/full refused`)
	if got := strings.TrimSpace(l.out.String()); got != want {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, l.errOut.String())
	}
}

// A process in a jail must not reach a stage that another exec starts beside
// it, even before that stage has done anything.
func TestJailedProcessCannotReachAnother(t *testing.T) {
	target := start(t, config(t, ownDir(t), "true"))
	_, listener, err := stage.Await(target.conn)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	pid := strconv.Itoa(target.cmd.Process.Pid)
	script, refusals := "cat /proc/"+pid+"/mem || cat /proc/"+pid+"/environ || ls /proc/"+pid+"/fd/", 3
	if abi(t) >= 6 { // signals are scoped
		script, refusals = script+" || kill -9 "+pid, 4
	}
	l, _ := released(t, config(t, ownDir(t), "sh", "-c", script))
	if status := l.wait(t); status == 0 {
		t.Errorf("reached the stage: %q", l.out.String())
	}
	// No other reason than Landlock and dumpability may have stopped it.
	if n := strings.Count(l.errOut.String(), "ermission denied") + strings.Count(l.errOut.String(), "not permitted"); n < refusals {
		t.Errorf("stopped by something else:\n%s", l.errOut.String())
	}
	if err := stage.Release(target.conn); err != nil {
		t.Fatal(err)
	}
	if _, _, err := stage.Await(target.conn); err != io.EOF {
		t.Errorf("the stage did not execute: %v", err)
	}
}
