//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"clawjail/test/e2e/smallnet"
)

// TestExitCodes is the table of design.md: what `run` returns, and that the
// message says what to do.
func TestExitCodes(t *testing.T) {
	dir := workspace(t)
	write(t, dir+"/plain.txt", "text", 0o644)
	write(t, "/opt/hidden", "#!/bin/sh\n", 0o755)
	write(t, dir+"/broken", "#!/no/such/interpreter\n", 0o755)
	tests := []struct {
		name string
		run  run
		code int
		want string // part of stderr
	}{
		{"the command's own code", run{Argv: []string{"sh", "-c", "exit 7"}}, 7, ""},
		{"success", run{Argv: []string{"true"}}, 0, ""},
		{"a signal is 128 and its number", run{Argv: []string{"sh", "-c", "kill -TERM $$"}}, 143, ""},
		{"no such command", run{Argv: []string{"no-such-command"}}, 127, "no-such-command"},
		{"no such path", run{Argv: []string{"/no/such/command"}}, 127, "/no/such/command"},
		{"not executable", run{Argv: []string{dir + "/plain.txt"}}, 126, "plain.txt"},
		{"a directory", run{Argv: []string{dir}}, 126, ""},
		{"the script's interpreter is missing", run{Argv: []string{dir + "/broken"}}, 126, ""},
		{"a command that the policy does not show", run{Argv: []string{"/opt/hidden"}}, 127, "access: read"},
		{"no command", run{Flags: []string{}, Argv: nil}, 125, "no command"},
		{"a policy that is not there", run{Policy: "/no/such.yaml", Argv: []string{"true"}}, 125, "/no/such.yaml"},
		{"a policy that is a directory", run{Policy: "/etc/", Argv: []string{"true"}}, 125, "/etc"},
		{"a preset that is not there", run{Policy: "agnet", Argv: []string{"true"}}, 125, "agent"},
		{"a workspace that is not there", run{Workspace: "/no/such/dir", Argv: []string{"true"}}, 125, "/no/such/dir"},
		{"a workspace that is a file", run{Workspace: dir + "/plain.txt", Argv: []string{"true"}}, 125, "not a directory"},
		{"the root as workspace", run{Workspace: "/", Argv: []string{"true"}}, 125, ""},
		{"root as the user", run{Flags: []string{"--user", "root"}, Argv: []string{"true"}}, 125, "root"},
		{"a bad name", run{Flags: []string{"--name", "../x"}, Argv: []string{"true"}}, 125, "name"},
		{"an unknown flag", run{Flags: []string{"--polcy", "x"}, Argv: []string{"true"}}, 125, "--polcy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.run.Workspace == "" {
				tt.run.Workspace = dir
			}
			o := jail(t, tt.run)
			if o.Code != tt.code || !strings.Contains(o.Stderr, tt.want) {
				t.Errorf("want exit %d with %q: %v", tt.code, tt.want, o)
			}
			if tt.code == 125 && !strings.HasPrefix(o.Stderr, "clawjail: ") {
				t.Errorf("the message does not begin with clawjail: %v", o)
			}
		})
	}
}

func TestArgumentsArriveExactly(t *testing.T) {
	dir := workspace(t)
	args := []string{"", "a b", "new\nline", "\x1b[31mred", "\xff\xfe", "it's", `"q"`, "--flag"}
	for range 18 { // 1.8 MB in all: a single argument ends at 128 KiB
		args = append(args, strings.Repeat("x", 100_000))
	}
	o := jail(t, run{Workspace: dir, Argv: append([]string{"printf", `[%s]\n`}, args...)})
	var want strings.Builder
	for _, a := range args {
		fmt.Fprintf(&want, "[%s]\n", a)
	}
	if o.Code != 0 || o.Stdout != want.String() {
		t.Errorf("%v", o)
	}
}

func TestEnvironmentIsClean(t *testing.T) {
	dir := workspace(t)
	o := jail(t, run{Workspace: dir, Argv: []string{"env"}, Env: []string{"NAMED=yes", "PASSED"},
		Environ: []string{"PASSED=too", "AWS_SECRET_ACCESS_KEY=leak", "LD_PRELOAD=/tmp/x.so", "SSH_AUTH_SOCK=/tmp/s"}})
	for _, line := range []string{"NAMED=yes\n", "PASSED=too\n", "HOME=" + smallnet.UserHome + "\n", "USER=" + smallnet.UserName + "\n"} {
		if !strings.Contains(o.Stdout, line) {
			t.Errorf("%q is missing: %v", line, o)
		}
	}
	for _, name := range []string{"AWS_", "LD_PRELOAD", "SSH_AUTH", "SUDO_"} {
		if strings.Contains(o.Stdout, name) {
			t.Errorf("%s… was passed: %v", name, o)
		}
	}
}

// TestWhatAJailIs asks a process in a jail about itself.
func TestWhatAJailIs(t *testing.T) {
	dir := workspace(t)
	o := jail(t, run{Workspace: dir, Argv: []string{"sh", "-c",
		"cat /proc/self/status; id; pwd; ls -la /proc/self/fd; ls /; cat /proc/net/route; ls /sys 2>&1; hostname"}})
	for _, want := range []string{
		"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
		"CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", fmt.Sprintf("uid=%d(%s)", smallnet.UserID, smallnet.UserName),
		"\n" + dir + "\n",
	} {
		if !strings.Contains(o.Stdout, want) {
			t.Errorf("%q is missing: %v", want, o)
		}
	}
}

func TestStreamsAreExact(t *testing.T) {
	dir := workspace(t)
	o := jail(t, run{Workspace: dir, Argv: []string{"sh", "-c", "cat; echo error >&2"}, Stdin: "in\x00put"})
	if o.Stdout != "in\x00put" || !strings.Contains(o.Stderr, "error\n") {
		t.Errorf("%v", o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	const size = 2 << 30
	c := command(t, ctx, "run", "--workspace", dir, "--", "head", "-c", fmt.Sprint(size), "/dev/zero")
	var count counter
	c.Stdout = &count
	if err := c.Run(); err != nil || count != size {
		t.Errorf("%d of %d bytes arrived: %v", count, size, err)
	}
}

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// TestKilledRunLeavesNothing: SIGKILL of `clawjail run` ends the jail.
func TestKilledRunLeavesNothing(t *testing.T) {
	dir := workspace(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := command(t, ctx, "run", "--name", "killed", "--workspace", dir, "--", "sh", "-c", "echo started; exec sleep 1000")
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	j := inspect(t, "killed")
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	waitGone(t, fmt.Sprintf("/proc/%d", j.InitPID))
	waitGone(t, j.Cgroup)
}

// waitGone polls, bounded: neither procfs nor cgroupfs tells when a path goes.
func waitGone(t testing.TB, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Errorf("%s is still there", path)
			return
		}
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	dir := workspace(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c := command(t, ctx, "run", "--workspace", dir, "--", "sh", "-c",
			"trap 'echo caught; exit 9' INT TERM HUP; echo started; while :; do sleep 0.1; done")
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := stdout.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		if err := c.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		var rest bytes.Buffer
		_, _ = rest.ReadFrom(stdout)
		_ = c.Wait()
		if c.ProcessState.ExitCode() != 9 || !strings.Contains(rest.String(), "caught") {
			t.Errorf("%v: exit %d, %q, %q", sig, c.ProcessState.ExitCode(), rest.String(), stderr.String())
		}
		cancel()
	}
}
